/*
 * Patterns over the output of consoles, for whoever waits for some: jobs for the match worker.
 *
 * A job is told from which offset on it wants output. It is sent that as fast as it takes it, and
 * answers once. When the worker dies, another one is started and the job goes on there: it asks for
 * output again, from an offset before.
 */
#ifndef BROKER_MATCHER_MATCHER_H
#define BROKER_MATCHER_MATCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/loop.h"

struct matcher_job;
struct worker;

#define MATCHER_RESTARTS_MAX 3 /* of a job whose worker dies at work for it */

struct matcher_found {
	unsigned pattern; /* from 0 */
	uint64_t start, end;
	const char *text; /* the lines that hold it; not terminated */
	size_t len;
	bool cut; /* text is not all of them */
};

enum matcher_failure {
	MATCHER_BAD_PATTERN,
	MATCHER_LIMIT,
	MATCHER_BROKEN, /* the worker cannot be had, or dies */
};

/* May destroy the job that they are told of. */
struct matcher_events {
	void (*begin)(void *arg, uint64_t offset); /* send output from here on, again */
	void (*room)(void *arg);                   /* it takes more */
	/* All before offset was looked at; rest: also what matcher_job_rest asked for. */
	void (*read)(void *arg, uint64_t offset, bool rest);
	/* The last word is one of these. */
	void (*found)(void *arg, const struct matcher_found *found);
	void (*failed)(void *arg, enum matcher_failure failure, const char *text);
};

struct matcher_wanted {
	char *const *patterns;
	size_t count;
	bool raw, multi;
	uint64_t offset;   /* output comes from here on, */
	bool begins;       /*   where a line begins; */
	uint64_t from;     /*   a match begins here or later */
	const char *owner; /* whose it is: each may have a share of the jobs */
};

/* 0; -EBUSY too many jobs; -EDQUOT too many of this owner; -E2BIG the patterns are longer than any
 * message; -ENOMEM. */
int matcher_job_create(struct worker *w, const struct matcher_wanted *wanted,
	const struct matcher_events *events, void *arg, struct matcher_job **out) MUST_CHECK;
void matcher_job_destroy(struct matcher_job **out);

/* After begin: how many bytes were taken; 0: room follows, or begin. */
size_t matcher_job_send(
	struct matcher_job *job, uint64_t offset, const uint8_t *data, size_t len) MUST_CHECK;
/* The output rests, or has ended. false: not taken; room follows, or begin. */
bool matcher_job_rest(struct matcher_job *job) MUST_CHECK;

#endif
