/*
 * What bounds a job of matching: each bound has a name, by which errors and docs/wait.md call it.
 */
#ifndef WORKER_MATCH_LIMITS_H
#define WORKER_MATCH_LIMITS_H

#include <stddef.h>

#define MATCH_PATTERNS_MAX 16                /* patterns: of one job */
#define MATCH_PATTERN_MAX 1024               /* pattern-length: bytes of one pattern */
#define MATCH_NESTING_MAX 32                 /* nesting: parentheses in parentheses */
#define MATCH_MEMORY_MAX ((size_t)512 << 10) /* memory: bytes for the patterns of one job */
#define MATCH_STEPS_MAX 1000000              /* steps: of one look, over all patterns */
#define MATCH_TIME_MAX_MS 100                /* time: processor time of one look */
#define MATCH_DEPTH_MAX 100000               /* depth: of nested backtracking */
#define MATCH_HEAP_MAX_KIB 16384 /* heap: for backtracking; shared by the jobs of a room */
#define MATCH_LINE_MAX                                                                             \
	4096 /* bytes of a line; longer ones are looked at in pieces that                          \
	      * overlap by half of it */
#define MATCH_WINDOW_MAX ((size_t)64 << 10) /* with multi: bytes that a match may span */
#define MATCH_TEXT_MAX 8192                 /* bytes of a result's text; the rest is cut */

#define MATCH_EFFORT_SECONDS 5    /* effort: processor time of a job, by who runs it, */
#define MATCH_EFFORT_RATE 5000000 /*   and a second more for so many bytes of output */

enum match_limit {
	MATCH_LIMIT_NONE,
	MATCH_LIMIT_PATTERNS,
	MATCH_LIMIT_LENGTH,
	MATCH_LIMIT_NESTING,
	MATCH_LIMIT_SIZE, /* 64 KiB of compiled pattern, PCRE2's own bound */
	MATCH_LIMIT_MEMORY,
	MATCH_LIMIT_STEPS,
	MATCH_LIMIT_TIME,
	MATCH_LIMIT_DEPTH,
	MATCH_LIMIT_HEAP,
	MATCH_LIMIT_EFFORT,
	MATCH_LIMIT_COUNT
};

/* "patterns", "pattern-length", ...; and what it says, as in "more than 16 patterns". */
const char *match_limit_name(enum match_limit limit);
const char *match_limit_text(enum match_limit limit);

#endif
