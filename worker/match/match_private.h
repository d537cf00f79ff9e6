/*
 * What match.c (life, reading), match_edit.c and match_look.c share. Nobody else includes it.
 */
#ifndef WORKER_MATCH_MATCH_PRIVATE_H
#define WORKER_MATCH_MATCH_PRIVATE_H

#include "worker/match/match.h"
#include "worker/match/read.h"
#include "worker/match/text.h"

#define MATCH_SLACK ((size_t)16 << 10) /* so seldom is the window moved */

struct match_wanted {
	struct match_pattern *pattern;
	size_t resume; /* no match begins before, whatever follows the text */
	struct match_span span;
	bool found;
};

struct match {
	enum match_state state;
	struct match_room *room;
	struct match_memory memory;
	struct match_reader reader;
	struct match_text text;
	struct match_edit edit; /* read, and not yet done: there was a look to take before */
	uint64_t from;
	uint64_t gap_end; /* edit is the end of all text at a gap, which ends there */
	uint64_t left_at; /* offset of what finished the line */
	size_t floor;     /* no match begins before */
	bool multi;
	bool gap;
	bool reached;  /* from: before, nothing is looked at */
	bool finished; /* the cursor is back at the start of a line that stays until it is
			  overwritten */
	bool dirty;    /* there is text that no look has seen */
	struct match_result result;
	char why[MATCH_WHY_MAX + 64];
	size_t count;
	struct match_wanted wanted[];
};

/* Whether another character might not fit. */
static inline bool match_is_full(const struct match *m)
{
	return m->text.len + sizeof(m->edit.text) > m->text.max;
}

/* Does m->edit, which is none then. 0 or -ENOMEM. */
int match_do_edit(struct match *m) __attribute__((warn_unused_result));

/* A look at a text that goes on; the answer is held back until its line is there. */
void match_look_on(struct match *m);
/* A look at a text that nothing is added to. */
void match_look_at_whole(struct match *m);
/* What was found is the result: the text stays as it is from here on. */
void match_update(struct match *m);

#endif
