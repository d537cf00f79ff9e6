/* What the tests of matching share: one job, fed in pieces. */
#ifndef TESTS_MATCH_TOOLS_H
#define TESTS_MATCH_TOOLS_H

#include "worker/match/match.h"

#define RAW 1
#define MULTI 2
#define RESTS 4 /* the output rests at its end */

/* A job for these patterns (terminated by NULL). Offsets begin at offset. */
struct match *match_make(struct match_room *room, const char *const *patterns, int flags,
	uint64_t offset, uint64_t from);

/* Feeds all of it in pieces of so many bytes, or until there is an answer. */
void match_feed(struct match *m, uint64_t offset, const char *data, size_t len, size_t piece);

#endif
