/*
 * Marks: their words and their list in memory.
 *
 * Owner: the journal that embeds it. May not know bytes, readers, files.
 */
#include "console/journal/segment/journal_marks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/text/escape.h"

#define MARKS_AT_FIRST 8

static const char *const kind_names[JOURNAL_KINDS] = {
	[JOURNAL_BOOT] = "boot",
	[JOURNAL_SHUTDOWN] = "shutdown",
	[JOURNAL_CRASH] = "crash",
	[JOURNAL_PANIC_TEXT] = "panic-text",
	[JOURNAL_ATTACH] = "attach",
	[JOURNAL_DETACH] = "detach",
	[JOURNAL_TAKEOVER] = "takeover",
	[JOURNAL_BREAK] = "break",
	[JOURNAL_DUMP] = "dump",
	[JOURNAL_POWER] = "power",
	[JOURNAL_GAP] = "gap",
};

const char *journal_kind_name(enum journal_mark_kind kind)
{
	return (unsigned)kind < JOURNAL_KINDS ? kind_names[kind] : "?";
}

int journal_kind_parse(const char *name, enum journal_mark_kind *kind)
{
	for (int i = 0; i < JOURNAL_KINDS; i++) {
		if (strcmp(name, kind_names[i]) == 0) {
			*kind = (enum journal_mark_kind)i;
			return 0;
		}
	}
	return -EINVAL;
}

uint64_t journal_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

void journal_mark_init(
	struct journal_mark *mark, enum journal_mark_kind kind, uint64_t offset, const char *text)
{
	memset(mark, 0, sizeof(*mark));
	mark->kind = kind;
	mark->offset = offset;
	mark->time = journal_now();
	if (text)
		escape_text(text, strlen(text), mark->text, sizeof(mark->text));
}

void journal_marks_finish(struct journal_marks *m)
{
	free(m->mem);
	memset(m, 0, sizeof(*m));
}

/* Twice the room. The list is only grown while it has not begun to turn (start is 0). */
static int grow(struct journal_marks *m)
{
	size_t room = m->room ? m->room * 2 : MARKS_AT_FIRST;

	if (room > JOURNAL_MARKS_MAX)
		return -ENOSPC;
	struct journal_mark *mem = reallocarray(m->mem, room, sizeof(*mem));
	if (!mem)
		return -ENOMEM;
	m->mem = mem;
	m->room = room;
	return 0;
}

void journal_marks_add(struct journal_marks *m, const struct journal_mark *mark)
{
	if (m->count == m->room && (m->start || grow(m) < 0)) {
		if (!m->room)
			return;
		m->start = (m->start + 1) % m->room;
		m->count--;
	}
	m->mem[(m->start + m->count) % m->room] = *mark;
	m->count++;
}

const struct journal_mark *journal_marks_at(const struct journal_marks *m, size_t i)
{
	return &m->mem[(m->start + i) % m->room];
}
