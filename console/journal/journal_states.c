/* Task: see journal_states.h. Owner: the journal that embeds it. */
#include "console/journal/journal_states.h"

#include <stdlib.h>
#include <string.h>

static const struct journal_state_kept *at(const struct journal_states *s, size_t i)
{
	return &s->list[(s->start + i) % JOURNAL_STATES_MAX];
}

static void drop_first(struct journal_states *s)
{
	free(s->list[s->start].word);
	s->start = (s->start + 1) % JOURNAL_STATES_MAX;
	s->count--;
}

void journal_states_finish(struct journal_states *s)
{
	while (s->count)
		drop_first(s);
}

void journal_states_add(struct journal_states *s, uint64_t offset, const char *word)
{
	char *copy = strdup(word);

	if (!copy)
		return;
	if (s->count == JOURNAL_STATES_MAX)
		drop_first(s);
	s->list[(s->start + s->count) % JOURNAL_STATES_MAX] =
		(struct journal_state_kept){offset, copy};
	s->count++;
}

const struct journal_state_kept *journal_states_find(
	const struct journal_states *s, uint64_t least, uint64_t most)
{
	for (size_t i = s->count; i-- > 0;) {
		const struct journal_state_kept *state = at(s, i);

		if (state->offset <= most)
			return state->offset >= least ? state : NULL;
	}
	return NULL;
}
