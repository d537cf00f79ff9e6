/* Task: see own_connection.h. Owner: what it is part of, until it is left; then its last job. */
#include "console/hypervisor/own_connection.h"
#include "console/hypervisor/hypervisor_private.h"

void own_connection_init(struct own_connection *c, struct hypervisor *h, struct job_pool *pool,
	loop_fn gone, void *arg)
{
	*c = (struct own_connection){.h = h, .pool = pool, .gone = gone, .arg = arg};
	virt_socket_init(&c->socket);
	LIST_INSERT_HEAD(&h->own_connections, c, entry);
}

void own_connection_finish(struct own_connection *c)
{
	LIST_REMOVE(c, entry);
	virt_socket_finish(&c->socket);
}

/* --- its jobs --- */

int own_connection_begin_job(struct own_connection *c, job_fn work, job_fn done)
{
	int r = job_submit(c->pool, work, done, c->arg);

	if (r == 0)
		c->jobs++;
	return r;
}

bool own_connection_job_ended(struct own_connection *c)
{
	c->jobs--;
	if (!c->is_left)
		return true;
	own_connection_leave(c);
	return false;
}

int own_connection_open(struct own_connection *c, const struct uuid *uuid, struct virt_error *error)
{
	c->conn = virt_connect(&c->h->target, &c->socket, error);
	if (!c->conn)
		return virt_error_number(error);
	(void)virConnectSetKeepAlive(c->conn, HYPERVISOR_KEEPALIVE_S, HYPERVISOR_KEEPALIVE_COUNT);
	c->domain = virDomainLookupByUUID(c->conn, uuid->b);
	if (c->domain)
		return 0;
	virt_error_take(error);
	return virt_error_number(error);
}

void own_connection_break(struct own_connection *c)
{
	virt_socket_break(&c->socket);
}

void own_connections_break(struct hypervisor *h)
{
	struct own_connection *c;

	LIST_FOREACH (c, &h->own_connections, entry)
		own_connection_break(c);
}

/* --- the end --- */

static void close_work(void *arg)
{
	struct own_connection *c = arg;

	if (c->domain)
		virDomainFree(c->domain);
	if (c->conn)
		(void)virConnectClose(c->conn);
	c->domain = NULL;
	c->conn = NULL;
}

static void close_done(void *arg)
{
	struct own_connection *c = arg;

	close_work(c); /* if the job was cancelled */
	own_connection_finish(c);
	c->gone(c->arg);
}

void own_connection_leave(struct own_connection *c)
{
	c->is_left = true;
	if (c->jobs == 0 && job_submit(c->pool, close_work, close_done, c) < 0)
		close_done(c);
}
