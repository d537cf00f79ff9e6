/* Task: see own_connection.h. Owner: the call that it is for. */
#include "console/hypervisor/own_connection.h"
#include "console/hypervisor/hypervisor_private.h"

void own_connection_init(struct own_connection *c)
{
	*c = (struct own_connection){0};
	virt_socket_init(&c->socket);
}

void own_connection_finish(struct own_connection *c)
{
	virt_socket_finish(&c->socket);
}

int own_connection_open(struct own_connection *c, const struct virt_target *target,
	const struct uuid *uuid, struct virt_error *error)
{
	c->conn = virt_connect(target, &c->socket, error);
	if (!c->conn)
		return virt_error_number(error);
	(void)virConnectSetKeepAlive(c->conn, HYPERVISOR_KEEPALIVE_S, HYPERVISOR_KEEPALIVE_COUNT);
	c->domain = virDomainLookupByUUID(c->conn, uuid->b);
	if (c->domain)
		return 0;
	virt_error_take(error);
	return virt_error_number(error);
}

void own_connection_close(struct own_connection *c)
{
	if (c->domain)
		virDomainFree(c->domain);
	if (c->conn)
		(void)virConnectClose(c->conn);
	c->domain = NULL;
	c->conn = NULL;
}

void own_connection_break(struct own_connection *c)
{
	virt_socket_break(&c->socket);
}
