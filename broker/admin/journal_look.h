/*
 * Looking at the files of journals beside the daemon that writes them: for the verb journal.
 * Blocking: for a thread.
 */
#ifndef BROKER_ADMIN_JOURNAL_LOOK_H
#define BROKER_ADMIN_JOURNAL_LOOK_H

#include <stddef.h>
#include <stdint.h>

#define JOURNAL_LOOK_STEP ((size_t)512 << 10) /* bytes exported in one step */

enum journal_look_task {
	JOURNAL_LOOK_INFO,   /* what is kept */
	JOURNAL_LOOK_VERIFY, /* read all of it, and name what does not fit */
	JOURNAL_LOOK_EXPORT, /* the bytes of one console */
	JOURNAL_LOOK_MARKS,  /* the marks, one a line */
};

struct journal_look;
struct verb_piece;

/* Texts are copied. */
struct journal_look_options {
	enum journal_look_task task;
	const char *folder; /* STATE_DIR/journal */
	const char *uuid;   /* NULL: all guests */
	const char *slot;   /* NULL: all consoles */
	uint64_t from, to;  /* of an export */
};

int journal_look_create(const struct journal_look_options *options, struct journal_look **look)
	__attribute__((warn_unused_result));
void journal_look_destroy(struct journal_look *look);

/* Goes on; the caller frees what is found (broker/verb/verb_steps.h). 1: there is more; 0: that was
 * all; -ENOENT nothing is kept; -errno. */
int journal_look_step(struct journal_look *look, struct verb_piece *found)
	__attribute__((warn_unused_result));

/* What did not fit, in all steps so far. */
unsigned journal_look_problems(const struct journal_look *look);

#endif
