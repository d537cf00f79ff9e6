/*
 * VDSM's own ticket (setVmTicket): the passwd and passwdValidTo of a guest's first <graphics>.
 * The broker reads them from libvirt at login; here they are judged.
 */
#ifndef AUTH_VDSM_TICKET_H
#define AUTH_VDSM_TICKET_H

#include <stddef.h>
#include <stdint.h>

#define VDSM_PASSWORD_MAX 1024 /* bytes that are compared */

/*
 * Whether presented (hostile) is the password now. password is NULL or empty when the guest has
 * none: that never matches, and takes as long. valid_to is NULL (forever) or libvirt's
 * "YYYY-MM-DDTHH:MM:SS", UTC; what cannot be read is taken as passed. 0, -EACCES.
 */
int vdsm_ticket_check(const char *password, const char *valid_to, const char *presented, size_t len,
	int64_t now) __attribute__((warn_unused_result));

#endif
