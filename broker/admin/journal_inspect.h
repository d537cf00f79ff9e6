/*
 * Looking at the files of journals beside the daemon that writes them: for the verb journal.
 * Blocking: for a thread.
 */
#ifndef BROKER_ADMIN_JOURNAL_INSPECT_H
#define BROKER_ADMIN_JOURNAL_INSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOURNAL_INSPECT_STEP ((size_t)512 << 10) /* bytes exported in one step */

enum journal_inspect_task {
	JOURNAL_INSPECT_INFO,   /* what is kept */
	JOURNAL_INSPECT_VERIFY, /* read all of it, and name what does not fit */
	JOURNAL_INSPECT_EXPORT, /* the bytes of one console */
	JOURNAL_INSPECT_MARKS,  /* the marks, one a line */
};

struct journal_inspect;
struct verb_piece;

/* Texts are copied. */
struct journal_inspect_options {
	enum journal_inspect_task task;
	const char *folder; /* STATE_DIR/journal */
	const char *uuid;   /* NULL: all guests */
	const char *slot;   /* NULL: all consoles */
	uint64_t from, to;  /* of an export */
	bool json;          /* else lines for people; not of an export */
};

int journal_inspect_create(const struct journal_inspect_options *options,
	struct journal_inspect **look) __attribute__((warn_unused_result));
void journal_inspect_destroy(struct journal_inspect *look);

/* Goes on; the caller frees what is found (broker/verb/verb_steps.h). 1: there is more; 0: that was
 * all; -ENOENT nothing is kept; -errno. */
int journal_inspect_step(struct journal_inspect *look, struct verb_piece *found)
	__attribute__((warn_unused_result));

/* What did not fit, in all steps so far. */
unsigned journal_inspect_problems(const struct journal_inspect *look);

#endif
