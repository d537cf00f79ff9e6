/*
 * A connection for calls that may take long or hang, and the domain that they are about. Each call
 * is a job, with a thread of its own. Whom it is for may leave it at any time: it is closed when
 * its last job has ended.
 */
#ifndef CONSOLE_HYPERVISOR_OWN_CONNECTION_H
#define CONSOLE_HYPERVISOR_OWN_CONNECTION_H

#include <stdbool.h>
#include <sys/queue.h>

#include <libvirt/libvirt.h>

#include "console/libvirt/virt_connect.h"
#include "console/libvirt/virt_socket.h"
#include "core/job.h"
#include "core/loop.h"
#include "core/text/uuid.h"

struct hypervisor;

struct own_connection {
	LIST_ENTRY(own_connection) entry;
	struct hypervisor *h;
	struct job_pool *pool;
	loop_fn gone;
	void *arg;
	struct virt_socket socket;
	virConnectPtr conn;
	virDomainPtr domain;
	unsigned jobs; /* that use it */
	bool is_left;
};

/* gone(arg) comes after own_connection_leave, when it is finished: what it is part of may be freed
 * there. */
void own_connection_init(struct own_connection *c, struct hypervisor *h, struct job_pool *pool,
	loop_fn gone, void *arg);
/* One that had no job. */
void own_connection_finish(struct own_connection *c);

/* Both functions get the arg of own_connection_init. 0 or -errno of job_submit. */
int own_connection_begin_job(struct own_connection *c, job_fn work, job_fn done) MUST_CHECK;
/* Once in each done. False: it was left, nobody is to be told, and it may be gone. */
bool own_connection_job_ended(struct own_connection *c) MUST_CHECK;

/* In a job, before all others: blocks. 0, or virt_error_number() of what is in error. */
int own_connection_open(
	struct own_connection *c, const struct uuid *uuid, struct virt_error *error) MUST_CHECK;

/* From any thread: whatever it is doing fails. */
void own_connection_break(struct own_connection *c);
/* All of one hypervisor. */
void own_connections_break(struct hypervisor *h);

/* Nobody is told of its jobs any more. */
void own_connection_leave(struct own_connection *c);

#endif
