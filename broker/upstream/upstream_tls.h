/*
 * A connection to an upstream that speaks TLS: one job of the upstream worker, which has the key
 * that the door must not have. What is written to one end of a stream goes there, wrapped.
 */
#ifndef BROKER_UPSTREAM_UPSTREAM_TLS_H
#define BROKER_UPSTREAM_UPSTREAM_TLS_H

#include <stdbool.h>

#include "core/loop.h"

struct upstream_tls;
struct worker;

#define UPSTREAM_TLS_RESTARTS_MAX 0 /* the next worker has not what the one before has read */
#define UPSTREAM_TLS_FILES 2        /* of one job: the upstream's socket, the stream */

struct upstream_tls_options {
	struct worker *worker;
	int fd;            /* connected; taken over, whatever comes */
	const char *name;  /* a host's name, or an address: of its certificate */
	const char *owner; /* as of worker_job_create */
	bool is_near;      /* nobody but this host can close the connection: that is its end */
	/* Its certificate is good: the stream leads there. */
	void (*ready)(void *arg);
	/* Nothing more comes from there: all that came is in the stream. why NULL: it has ended in
	 * order; else, in words, what is wrong. The last word; may destroy. */
	void (*ended)(void *arg, const char *why);
	void *arg;
};

/* *stream is the caller's end. 0; -errno, also those of worker_job_create. */
int upstream_tls_create(const struct upstream_tls_options *options, int *stream,
	struct upstream_tls **out) MUST_CHECK;
void upstream_tls_destroy(struct upstream_tls **out);

#endif
