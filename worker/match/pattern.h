/*
 * One compiled pattern, and a search with it that ends in bounded time and memory.
 *
 * PCRE2 in its ordinary, interpreted matching. Its match limit counts anew at every place where a
 * match may begin, and so bounds nothing by itself; here every item of a pattern calls back
 * (PCRE2_AUTO_CALLOUT), and steps and processor time are counted over a whole look.
 */
#ifndef WORKER_MATCH_PATTERN_H
#define WORKER_MATCH_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/match/limits.h"

/* What searches share, whatever their job: the memory for backtracking, and the bounds. Belongs to
 * one thread. */
struct match_room;
int match_room_create(struct match_room **out) __attribute__((warn_unused_result));
void match_room_destroy(struct match_room **room);

/* Another bound for the time of a look than MATCH_TIME_MAX_MS: for tests of the other bounds, which
 * a slow machine or a sanitizer would not get to in that time. */
void match_room_patience(struct match_room *room, unsigned ms);

/* The memory of one job's patterns. Must stay where it is as long as they live. */
struct match_memory {
	size_t used;
	bool spent; /* something was refused */
};

struct match_pattern;

#define MATCH_REASON_MAX 160 /* terminators included */
#define MATCH_WHY_MAX 256

struct match_refusal {
	enum match_limit limit;        /* NONE: the pattern is wrong */
	char reason[MATCH_REASON_MAX]; /* what is wrong with it, without naming it */
	char text[MATCH_WHY_MAX];      /* by match_create: one line for the user */
};

/*
 * Compiles text[0..len). raw: over bytes, else over UTF-8 characters; multi: ^ and $ match at each
 * line. 0; -EINVAL: why->limit and ->reason; -ENOMEM.
 */
int match_pattern_create(struct match_memory *memory, const char *text, size_t len, bool raw,
	bool multi, struct match_pattern **out, struct match_refusal *why)
	__attribute__((warn_unused_result));
void match_pattern_destroy(struct match_pattern **pattern);

/* Begins a look: steps and time are counted from here on. */
void match_room_begin(struct match_room *room);

enum match_search {
	MATCH_SEARCH_NONE,    /* no match begins at or after from, whatever follows */
	MATCH_SEARCH_PARTIAL, /* more text may make or change a match; *start: not before there */
	MATCH_SEARCH_FOUND,   /* *start and *end, indexes into text */
	MATCH_SEARCH_LIMIT,   /* given up: *limit */
};

struct match_span {
	size_t start, end;
	enum match_limit limit;
};

/* Where to look. Without raw, text is valid UTF-8. */
struct match_subject {
	const uint8_t *text;
	size_t len;
	size_t from; /* a match begins here or later */
	bool whole;  /* nothing follows text; else a match counts only if no more text changes it */
	bool cut;    /* text does not begin at the start of a line */
};

enum match_search match_pattern_search(struct match_room *room, const struct match_pattern *pattern,
	const struct match_subject *subject, struct match_span *span);

#endif
