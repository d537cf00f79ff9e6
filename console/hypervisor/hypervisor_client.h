/*
 * What a hypervisor gives to those who hold a connection of their own to it: the back ends.
 * Nobody else includes it.
 */
#ifndef CONSOLE_HYPERVISOR_HYPERVISOR_CLIENT_H
#define CONSOLE_HYPERVISOR_HYPERVISOR_CLIENT_H

#include <sys/queue.h>

#include "console/hypervisor/hypervisor.h"
#include "console/libvirt/virt_connect.h"

#define HYPERVISOR_CLIENTS_MAX 4096 /* those still being closed included */
#define HYPERVISOR_SENDERS 64       /* threads that may hang in sending at once */
#define HYPERVISOR_RECEIVE_MAX 65536
#define HYPERVISOR_OPEN_US (10 * LOOP_SECOND) /* to open a console; broken off then */
#define HYPERVISOR_CLOSE_US LOOP_SECOND       /* to close it in order; broken off then */

struct hypervisor_client {
	LIST_ENTRY(hypervisor_client) link;
	struct virt_socket socket;
	/* The hypervisor is lost, and the connection broken. Called from within its business: the
	 * client takes note and acts on a later turn. */
	void (*lost)(struct hypervisor_client *client);
	/* The hypervisor ends, its jobs have: the last chance to detach. */
	void (*ends)(struct hypervisor_client *client);
	uint64_t deadline; /* loop time of the end of patience; 0: none */
};

/* 0, -EAGAIN when there are too many, -ENOTCONN while the hypervisor is down. */
int hypervisor_attach(struct hypervisor *h, struct hypervisor_client *client) MUST_CHECK;
/* A job of its own is under way, which may hang: its connection is broken when it is not over
 * (hypervisor_client_patient again, with 0) within us. */
void hypervisor_client_patient(struct hypervisor *h, struct hypervisor_client *client, uint64_t us);
void hypervisor_detach(struct hypervisor *h, struct hypervisor_client *client);
struct hypervisor_client *hypervisor_next_client(
	struct hypervisor *h, struct hypervisor_client *after);

const struct virt_target *hypervisor_target(struct hypervisor *h);
/* For opening and closing connections. */
struct job_pool *hypervisor_jobs(struct hypervisor *h);
/* For sending only. */
struct job_pool *hypervisor_senders(struct hypervisor *h);
/* HYPERVISOR_RECEIVE_MAX bytes, for use within one callback on the loop. */
char *hypervisor_receive_buffer(struct hypervisor *h);

#endif
