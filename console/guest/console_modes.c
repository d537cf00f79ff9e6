/*
 * Task: the modes of the guest's terminal, followed as its output arrives, and kept with the
 * journal from place to place, so that they are known at any offset after a look at a few bytes.
 */
#include "console/guest/console_private.h"

_Static_assert((int)REPLAY_WORD_MAX <= (int)JOURNAL_WORD_MAX, "a state holds the modes");

static void keep(struct console *c)
{
	char word[REPLAY_WORD_MAX];

	replay_modes_to_word(&c->modes, word);
	journal_keep_state(c->journal, word);
	c->modes_kept = journal_next(c->journal);
}

bool console_modes_recall(const struct console *c, uint64_t least, uint64_t most,
	struct replay_modes *modes, uint64_t *offset)
{
	struct journal_state state;

	if (journal_state_before(c->journal, least, most, &state) < 0 ||
		replay_modes_from_word(modes, state.word) < 0)
		return false;
	*offset = state.offset;
	return true;
}

/* The bytes from from to offset, which are in memory. */
static bool follow(
	const struct console *c, uint64_t from, uint64_t offset, struct replay_modes *modes)
{
	const uint8_t *data;
	size_t len;

	if (journal_view(c->journal, from, &data, &len) < 0 || len < offset - from)
		return false;
	replay_modes_feed(modes, data, (size_t)(offset - from));
	return true;
}

/* Without a state, from what there is. */
void console_modes_begin(struct console *c)
{
	uint64_t first = journal_memory_first(c->journal), next = journal_next(c->journal);
	uint64_t from = first;

	if (!console_modes_recall(c, first, next, &c->modes, &from))
		replay_modes_init(&c->modes);
	(void)follow(c, from, next, &c->modes);
	c->modes_kept = from;
}

void console_modes_feed(struct console *c, const uint8_t *data, size_t len)
{
	replay_modes_feed(&c->modes, data, len);
}

void console_modes_keep(struct console *c)
{
	if (journal_next(c->journal) - c->modes_kept >= CONSOLE_MODES_STEP &&
		replay_modes_is_whole(&c->modes))
		keep(c);
}

void console_mark_boot(struct console *c, const char *how)
{
	journal_mark(c->journal, JOURNAL_BOOT, how);
	replay_modes_init(&c->modes);
	keep(c);
}

void console_modes_end(struct console *c)
{
	if (c->journal && journal_next(c->journal) != c->modes_kept &&
		replay_modes_is_whole(&c->modes))
		keep(c);
}
