/*
 * A connection for one call that may take long or hang, and the domain that it is about. Opening
 * and closing block: for job threads. Breaking does not.
 */
#ifndef CONSOLE_HYPERVISOR_OWN_CONNECTION_H
#define CONSOLE_HYPERVISOR_OWN_CONNECTION_H

#include <libvirt/libvirt.h>

#include "console/libvirt/virt_connect.h"
#include "console/libvirt/virt_socket.h"
#include "core/text/uuid.h"

struct own_connection {
	struct virt_socket socket;
	virConnectPtr conn;
	virDomainPtr domain;
};

void own_connection_init(struct own_connection *c);
void own_connection_finish(struct own_connection *c); /* when it is closed */

/* 0, or virt_error_number() of what is in error. */
int own_connection_open(struct own_connection *c, const struct virt_target *target,
	const struct uuid *uuid, struct virt_error *error);
void own_connection_close(struct own_connection *c); /* also when it is not open */

/* From any thread: whatever it is doing fails. */
void own_connection_break(struct own_connection *c);

#endif
