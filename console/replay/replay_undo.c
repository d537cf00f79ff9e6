/*
 * The modes of a terminal written out: to be set, and to be undone.
 *
 * Owner: a viewer, at the start of its replay and when it leaves. May not know journals.
 */
#include <stdarg.h>
#include <stdio.h>

#include "console/replay/replay.h"
#include "console/replay/replay_modes.h"
#include "console/replay/replay_sgr.h"

#define SAVE                                                                                       \
	"\x1b"                                                                                     \
	"7"
#define RESTORE                                                                                    \
	"\x1b"                                                                                     \
	"8"
#define TAB 8

/* Bytes being written; the room was made large enough for the longest that there can be. */
struct text {
	char *p;
	size_t len, room;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int n = vsnprintf(t->p + t->len, t->room - t->len, format, args);
	va_end(args);
	if (n > 0 && (size_t)n < t->room - t->len)
		t->len += (size_t)n;
}

static void put_sgr(struct text *t, const struct replay_sgr *sgr)
{
	if (t->room - t->len >= REPLAY_SGR_ROOM)
		t->len += replay_sgr_write(sgr, t->p + t->len);
}

/* --- to be set --- */

static void set_keys(struct text *t, const struct replay_keys *k)
{
	if (k->flags[0])
		put(t, "\x1b[=%uu", k->flags[0]);
	for (unsigned i = 1; i <= k->pushed; i++)
		put(t, "\x1b[>%uu", k->flags[i]);
}

static void set_modes(struct text *t, const struct replay_modes *m)
{
	for (size_t i = 0; i < replay_mode_rule_count; i++) {
		const struct replay_mode_rule *rule = &replay_mode_rules[i];

		if (rule->shown && rule->mode != REPLAY_KEYPAD && replay_has_mode(m, rule->mode))
			put(t, "\x1b[%s%u%c", rule->prefix ? "?" : "", rule->number,
				rule->inverted ? 'l' : 'h');
	}
	if (replay_has_mode(m, REPLAY_KEYPAD))
		put(t, "\x1b=");
	if (m->modify_keys)
		put(t, "\x1b[>4;%um", m->modify_keys);
	if (m->cursor_style)
		put(t, "\x1b[%u q", m->cursor_style);
}

size_t replay_modes_write(const struct replay_modes *m, char *out, size_t room)
{
	struct text t = {out, 0, room};

	set_keys(&t, &m->keys[0]);
	if (m->alternate) {
		put(&t, "\x1b[?%uh", m->alternate);
		set_keys(&t, &m->keys[1]);
	}
	if (m->top) {
		put(&t, SAVE "\x1b[%u", m->top);
		if (m->bottom)
			put(&t, ";%u", m->bottom);
		put(&t, "r" RESTORE);
	}
	if (!replay_sgr_is_default(&m->saved)) {
		put_sgr(&t, &m->saved);
		put(&t, SAVE "\x0f\x1b(B\x1b)B\x1b*B\x1b+B\x1b[0m");
	}
	if (!replay_sgr_is_default(&m->sgr))
		put_sgr(&t, &m->sgr);
	set_modes(&t, m);
	return t.len;
}

/* --- to be undone --- */

static void undo_keys(struct text *t, const struct replay_keys *k)
{
	if (k->pushed)
		put(t, "\x1b[<%uu", k->pushed);
	if (k->flags[0])
		put(t, "\x1b[=0u");
}

/* Origin mode last: while it is on, a cursor that is saved comes back with it. */
static void undo_modes(struct text *t, const struct replay_modes *m)
{
	for (size_t i = 0; i < replay_mode_rule_count; i++) {
		const struct replay_mode_rule *rule = &replay_mode_rules[i];

		if (replay_has_mode(m, rule->mode) && rule->mode != REPLAY_ORIGIN &&
			rule->mode != REPLAY_KEYPAD)
			put(t, "\x1b[%s%u%c", rule->prefix ? "?" : "", rule->number,
				rule->inverted ? 'h' : 'l');
	}
	if (replay_has_mode(m, REPLAY_KEYPAD))
		put(t, "\x1b>");
	if (m->modify_keys)
		put(t, "\x1b[>4m");
	if (m->cursor_style)
		put(t, "\x1b[0 q");
}

/* Origin mode may be in force, or come back with the cursor that the other screen has saved. */
static bool may_have_origin(const struct replay_modes *m)
{
	return replay_has_mode(m, REPLAY_ORIGIN) || (m->alternate && m->saved.origin);
}

/* Both move the cursor home. */
static void undo_region(struct text *t, const struct replay_modes *m)
{
	if (may_have_origin(m))
		put(t, "\x1b[?6l\x1b[r\x1b[9999;1H");
	else if (m->top)
		put(t, SAVE "\x1b[r" RESTORE);
}

static void undo_tabs(struct text *t, unsigned columns)
{
	if (columns > REPLAY_COLUMNS_MAX)
		columns = REPLAY_COLUMNS_MAX;
	put(t, SAVE "\x1b[3g\r");
	for (unsigned at = TAB; at < columns; at += TAB)
		put(t, "\x1b[%uC\x1bH", TAB);
	put(t, RESTORE);
}

static void undo_sgr(struct text *t, const struct replay_modes *m)
{
	static const char sets[] = "()*+";

	if (replay_sgr_is_default(&m->sgr) && replay_sgr_is_default(&m->saved) && !m->alternate)
		return;
	put(t, "\x0f\x1b(B\x1b)B");
	for (int g = 2; g < 4; g++) {
		if (m->sgr.charset[g] != 'B' || m->saved.charset[g] != 'B')
			put(t,
				"\x1b%c"
				"B",
				sets[g]);
	}
	put(t, "\x1b[0m");
}

size_t replay_modes_undo(const struct replay_modes *m, unsigned columns, char *out, size_t room)
{
	struct text t = {out, 0, room};

	if (replay_has_mode(m, REPLAY_NOT_UTF8))
		put(&t, "\x1b%%G");
	undo_modes(&t, m);
	undo_keys(&t, &m->keys[m->alternate != 0]);
	if (m->alternate) {
		put(&t, "\x1b[?%ul", m->alternate);
		undo_keys(&t, &m->keys[0]);
	}
	undo_region(&t, m);
	undo_sgr(&t, m);
	if (replay_has_mode(m, REPLAY_TABS))
		undo_tabs(&t, columns);
	return t.len;
}
