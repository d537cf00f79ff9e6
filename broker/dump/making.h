/*
 * Dumps that are being made: one of a guest at a time, so many in all. They go on when who asked
 * for them has gone. Owned by the broker.
 *
 * The file lies hidden in the store (broker/dump/partial.h) until it is complete; what a
 * service that ended has left there is removed at the next start.
 */
#ifndef BROKER_DUMP_MAKING_H
#define BROKER_DUMP_MAKING_H

#include <stdbool.h>
#include <sys/queue.h>

#include "broker/audit/deeds.h"
#include "broker/files/dump_name.h"
#include "console/hypervisor/hypervisor_dump.h"
#include "wire/status.h"

struct guest;
struct keeping;
struct making;
struct makings;

#define MAKING_WHO_MAX 512
#define MAKING_WHY_MAX 1024
#define MAKING_SPARE ((uint64_t)64 << 20) /* bytes that a dump must leave free in the store */

int makings_create(struct loop *loop, struct deeds *deeds, struct keeping *keeping,
	const char *store, struct makings **out) MUST_CHECK;
/* Those under way are lost. NULL inside is fine. */
void makings_destroy(struct makings **out);

struct making_options {
	struct guest *guest;
	enum hypervisor_dump_format format;
	enum hypervisor_dump_mode mode;
	unsigned max_parallel;
	const char *who;               /* for people */
	const struct audit_record *by; /* session, source, login, identity: copied */
};

/* 0. -EBUSY: there is one of this guest; -EAGAIN: too many in all; -ENOTCONN: it is off; -EXDEV:
 * its hypervisor is on another host; -ENOMEM. */
int making_begin(
	struct makings *m, const struct making_options *order, struct making **out) MUST_CHECK;

/* Those that have ended, since the daemon began. */
struct making_counts {
	uint64_t complete, failed, cancelled;
};
const struct making_counts *makings_counts(const struct makings *m);

/* Of this guest; NULL: none. */
struct making *making_find(const struct makings *m, const struct uuid *uuid);
struct making *making_first(const struct makings *m);
struct making *making_next(const struct making *making);

struct making_info {
	const struct uuid *uuid;
	const char *file; /* what it will be called */
	const char *format, *mode, *who;
	int64_t since;                     /* seconds since 1970 */
	const char *state;                 /* "starting", "writing", "saving" */
	const char *cancelled_by;          /* NULL: nobody */
	uint64_t written, total;           /* bytes of memory; total 0: not known */
	uint64_t per_second, seconds_left; /* 0: not known */
};
void making_describe(const struct making *making, struct making_info *out);

/* "42 %, 12.3 MiB/s, 8 s left" */
#define MAKING_TEXT_MAX 128
void making_text(const struct making_info *info, char out[MAKING_TEXT_MAX]);

/* Who looks on. All on the loop; it is the watcher's, who takes it away or is told the end. */
struct making_watch {
	LIST_ENTRY(making_watch) entry;
	struct making *making; /* NULL: it has ended */
	void (*progress)(void *arg);
	/* The hypervisor's answer to a cancelling: 0; or -errno and why it cannot. */
	void (*cancelled)(void *arg, int error, const char *text);
	/* The last word: STATUS_OK and the file's name in the tree; or why not. */
	void (*done)(void *arg, enum status status, const char *text);
	void *arg;
};
void making_watch(struct making *making, struct making_watch *watch);
void making_unwatch(struct making_watch *watch);

/* Nothing will be kept of it. Watchers hear cancelled, if the hypervisor was at work, and done. */
void making_cancel(struct making *making, const char *who);

#endif
