/*
 * When each hypervisor was watched, and when not: the service was down, or the connection lost.
 * What happened then nobody knows. Kept in STATE_DIR/watched. Belongs to one loop.
 */
#ifndef BROKER_FILES_WATCHED_H
#define BROKER_FILES_WATCHED_H

#include <stdbool.h>
#include <stdint.h>

#include "core/job.h"

struct watched;

#define WATCHED_SAY_US (60 * LOOP_SECOND) /* so often it is written that it is watched still */
#define WATCHED_GAPS_MAX 512              /* before the oldest that are kept, all counts as one */
#define WATCHED_HOSTS_MAX 256
#define WATCHED_NAME_MAX 256

int watched_create(struct loop *loop, const char *state_dir, struct watched **out) MUST_CHECK;
void watched_destroy(struct watched **watched); /* writes what is due */

/* From now on it is watched, or not. Seconds since 1970. */
void watched_begin(struct watched *w, const char *hypervisor, int64_t now);
void watched_end(struct watched *w, const char *hypervisor, int64_t now);

/* When it was seen last, if it is not watched now; else now. */
int64_t watched_until(const struct watched *w, const char *hypervisor, int64_t now);

/* Whether it was watched all the time from..to; of one that was never spoken of, yes. */
bool watched_over(const struct watched *w, const char *hypervisor, int64_t from, int64_t to);

#endif
