/*
 * One request for a file: a dump, or a console's history. The broker lends a descriptor, or reads
 * for us what has none; the bytes go into the output buffer of the connection as fast as the client
 * takes them.
 *
 * Bounded: no more is read than has room, and what is not in memory a thread reads.
 */
#ifndef HTTP_DOWNLOAD_H
#define HTTP_DOWNLOAD_H

#include "core/buf.h"
#include "core/job.h"
#include "core/loop.h"
#include "http/exchange/exchange.h"
#include "http/parse/request.h"
#include "wire/line.h"

struct download;

#define DOWNLOAD_PIECE ((size_t)64 << 10)
#define DOWNLOAD_THREADS 4 /* that read what is not in memory */
#define DOWNLOAD_JOBS 512  /* that wait for one: of each file that is lent */

struct download_options {
	struct loop *loop;
	struct job_pool *jobs;
	struct line *login;
	const struct http_request *request; /* stays valid */
	const char *path;                   /* in the tree of files; needed for create only */
	struct buf *out;                    /* the connection's */
	void (*wake)(void *arg);            /* download_output is due */
	void *arg;
};

/* 0 or -errno. */
int download_create(const struct download_options *options, struct download **out) MUST_CHECK;
/* NULL allowed. The broker is told what the client has got. */
void download_destroy(struct download *d);
void download_output(struct download *d);
enum exchange_state download_state(const struct download *d);
/* Whether another request can follow on the connection. */
bool download_may_stay(const struct download *d);

#endif
