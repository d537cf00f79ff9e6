/* What an administrator can do about a libvirt that refuses this process's user or is not there. */
#ifndef CONSOLE_LIBVIRT_VIRT_CURE_H
#define CONSOLE_LIBVIRT_VIRT_CURE_H

#include "console/libvirt/virt_connect.h"

#define VIRT_CURE_MAX 320

enum virt_fault {
	VIRT_FAULT_OTHER,   /* nothing to advise: out is "" */
	VIRT_FAULT_REFUSED, /* it is there, and does not let us in */
	VIRT_FAULT_MISSING, /* nobody listens on its socket */
};

/*
 * What the error of a connection means; out is then a clause such as "add the user to the group
 * libvirt: usermod -aG libvirt vmconsole, then start again". It looks at the socket that the error
 * names, and asks for names of users and groups, which may block: for job threads.
 */
enum virt_fault virt_cure(const struct virt_error *error, char out[VIRT_CURE_MAX]);

#endif
