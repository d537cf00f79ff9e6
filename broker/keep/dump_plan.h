/*
 * Which dumps of the store go: what is older than it may be, then of each guest, then of all, the
 * oldest until the rest is within bounds. Pure.
 *
 * Only files that the service has made count, as their names say. The newest one of a guest, and of
 * all, stays whatever its size: it goes when it is too old, or for a dump that is to be made.
 */
#ifndef BROKER_KEEP_DUMP_PLAN_H
#define BROKER_KEEP_DUMP_PLAN_H

#include "broker/files/dump_scan.h"

/* 0: no limit. */
struct dump_limits {
	uint64_t size;  /* bytes of one guest's */
	uint64_t total; /* of all */
	int64_t age;    /* seconds */
};

/* A dump that is to be made. */
struct dump_want {
	struct uuid guest;
	uint64_t bytes;
	uint64_t others; /* that are promised to other dumps under way */
};

struct dump_rules {
	struct dump_limits limits;
	int64_t now;                  /* seconds since 1970 */
	const struct dump_want *want; /* NULL: none */
	/* It is being read: it stays. */
	bool (*is_busy)(void *arg, const struct dump_file *file);
	void *arg;
};

struct dump_pick {
	const struct dump_file *file;
	const char *why; /* for the audit */
};

/*
 * The oldest of those that go, max at most. How many; -EDQUOT: size has no room for what is wanted,
 * -ENOSPC: total has not, and nothing goes; -ENOMEM.
 */
int dump_plan(const struct dump_list *list, const struct dump_rules *rules, struct dump_pick *picks,
	size_t max) __attribute__((warn_unused_result));

#endif
