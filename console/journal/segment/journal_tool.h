/*
 * A journal looked at from outside, as files: for `vmconsolectl journal` and for tests.
 *
 * Reads only, and blocks. A daemon may be writing at the same time. dir is a console's folder.
 */
#ifndef CONSOLE_JOURNAL_SEGMENT_JOURNAL_TOOL_H
#define CONSOLE_JOURNAL_SEGMENT_JOURNAL_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "console/journal/segment/journal_mark.h"

struct journal_info {
	uint64_t first, end;     /* offsets kept: from first to end - 1, with holes */
	uint64_t bytes;          /* kept */
	uint64_t disk;           /* bytes of the files */
	uint64_t missing;        /* offsets between first and end that are in holes */
	uint64_t oldest, newest; /* times of the first and last output, microseconds; 0: none */
	uint64_t next;           /* what the offset file says; 0: nothing */
	size_t segments, packed, holes, marks;
	bool closed; /* the last daemon ended in order */
};

int journal_info(const char *dir, struct journal_info *info) MUST_CHECK;

/* text is one line that names a file and what is wrong with it. */
typedef void (*journal_problem_fn)(void *arg, const char *text);

/*
 * Reads every byte of every file and tells what does not fit; what a daemon that was killed, or
 * one that is writing, may leave is no problem. Returns the number of problems or -errno.
 */
int journal_verify(const char *dir, journal_problem_fn fn, void *arg) MUST_CHECK;

/* len bytes from offset on; data NULL: len offsets that are in a hole, or cannot be read. Other
 * than 0 stops. */
typedef int (*journal_export_fn)(void *arg, uint64_t offset, const void *data, size_t len);

/* Gives all that is kept from offset from to to (UINT64_MAX: the end). 0, -errno, or what fn gave.
 */
int journal_export(
	const char *dir, uint64_t from, uint64_t to, journal_export_fn fn, void *arg) MUST_CHECK;

/* Calls fn for every mark kept, in the order of the files. */
typedef int (*journal_mark_fn)(void *arg, const struct journal_mark *mark);
int journal_export_marks(const char *dir, journal_mark_fn fn, void *arg) MUST_CHECK;

#endif
