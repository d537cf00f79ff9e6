/*
 * The newest states of a journal, in memory: a bounded list, oldest first. Knows neither bytes nor
 * files, nor what a state says.
 */
#ifndef CONSOLE_JOURNAL_JOURNAL_STATES_H
#define CONSOLE_JOURNAL_JOURNAL_STATES_H

#include <stddef.h>
#include <stdint.h>

#define JOURNAL_STATES_MAX 64 /* the oldest go */

struct journal_state_kept {
	uint64_t offset;
	char *word;
};

struct journal_states {
	struct journal_state_kept list[JOURNAL_STATES_MAX]; /* a ring */
	size_t start, count;
};

void journal_states_finish(struct journal_states *s);

/* Adds a copy, not before the last one's offset. Without memory for it there is one less. */
void journal_states_add(struct journal_states *s, uint64_t offset, const char *word);

/* The last one with least <= offset <= most; NULL there is none. */
const struct journal_state_kept *journal_states_find(
	const struct journal_states *s, uint64_t least, uint64_t most);

#endif
