/*
 * The modes of a terminal written out: to be set, and to be undone.
 *
 * Owner: a viewer, at the start of its replay and when it leaves. May not know journals.
 */
#include "console/replay/replay.h"
#include "console/replay/replay_modes.h"
#include "console/replay/replay_sgr.h"
#include "console/replay/replay_text.h"

#define TAB 8

/* --- to be set --- */

void replay_put_keys(struct replay_text *t, const struct replay_keys *k)
{
	if (k->flags[0])
		replay_put(t, "\x1b[=%uu", k->flags[0]);
	for (unsigned i = 1; i <= k->pushed; i++)
		replay_put(t, "\x1b[>%uu", k->flags[i]);
}

void replay_put_modes(struct replay_text *t, const struct replay_modes *m)
{
	for (size_t i = 0; i < replay_mode_rule_count; i++) {
		const struct replay_mode_rule *rule = &replay_mode_rules[i];

		/* Wrapping that a firmware has left switched off would cut a kernel's lines. */
		if (rule->mode == REPLAY_NO_WRAP && !m->alternate)
			continue;
		if (rule->shown && rule->mode != REPLAY_KEYPAD && replay_has_mode(m, rule->mode))
			replay_put(t, "\x1b[%s%u%c", rule->prefix ? "?" : "", rule->number,
				rule->inverted ? 'l' : 'h');
	}
	if (replay_has_mode(m, REPLAY_KEYPAD))
		replay_put(t, "\x1b=");
	if (m->modify_keys)
		replay_put(t, "\x1b[>4;%um", m->modify_keys);
	if (m->cursor_style)
		replay_put(t, "\x1b[%u q", m->cursor_style);
}

size_t replay_modes_write(const struct replay_modes *m, char *out, size_t room)
{
	struct replay_text t = {out, 0, room};

	replay_put_keys(&t, &m->keys[0]);
	if (m->alternate) {
		replay_put(&t, "\x1b[?%uh", m->alternate);
		replay_put_keys(&t, &m->keys[1]);
	}
	if (m->top) {
		replay_put(&t, REPLAY_SAVE "\x1b[%u", m->top);
		if (m->bottom)
			replay_put(&t, ";%u", m->bottom);
		replay_put(&t, "r" REPLAY_RESTORE);
	}
	if (!replay_sgr_is_default(&m->saved)) {
		replay_put_sgr(&t, &m->saved);
		replay_put(&t, REPLAY_SAVE REPLAY_SGR_RESET);
	}
	if (!replay_sgr_is_default(&m->sgr))
		replay_put_sgr(&t, &m->sgr);
	replay_put_modes(&t, m);
	return t.len;
}

/* --- to be undone --- */

static void undo_keys(struct replay_text *t, const struct replay_keys *k)
{
	if (k->pushed)
		replay_put(t, "\x1b[<%uu", k->pushed);
	if (k->flags[0])
		replay_put(t, "\x1b[=0u");
}

/* Origin mode last: while it is on, a cursor that is saved comes back with it. */
static void undo_modes(struct replay_text *t, const struct replay_modes *m)
{
	for (size_t i = 0; i < replay_mode_rule_count; i++) {
		const struct replay_mode_rule *rule = &replay_mode_rules[i];

		if (replay_has_mode(m, rule->mode) && rule->mode != REPLAY_ORIGIN &&
			rule->mode != REPLAY_KEYPAD)
			replay_put(t, "\x1b[%s%u%c", rule->prefix ? "?" : "", rule->number,
				rule->inverted ? 'h' : 'l');
	}
	if (replay_has_mode(m, REPLAY_KEYPAD))
		replay_put(t, "\x1b>");
	if (m->modify_keys)
		replay_put(t, "\x1b[>4m");
	if (m->cursor_style)
		replay_put(t, "\x1b[0 q");
}

/* Origin mode may be in force, or come back with the cursor that the other screen has saved. */
static bool may_have_origin(const struct replay_modes *m)
{
	return replay_has_mode(m, REPLAY_ORIGIN) || (m->alternate && m->saved.origin);
}

/* Both move the cursor home. */
static void undo_region(struct replay_text *t, const struct replay_modes *m)
{
	if (may_have_origin(m))
		replay_put(t, "\x1b[?6l\x1b[r\x1b[9999;1H");
	else if (m->top)
		replay_put(t, REPLAY_SAVE "\x1b[r" REPLAY_RESTORE);
}

static void undo_tabs(struct replay_text *t, unsigned columns)
{
	if (columns > REPLAY_COLUMNS_MAX)
		columns = REPLAY_COLUMNS_MAX;
	replay_put(t, REPLAY_SAVE "\x1b[3g\r");
	for (unsigned at = TAB; at < columns; at += TAB)
		replay_put(t, "\x1b[%uC\x1bH", TAB);
	replay_put(t, REPLAY_RESTORE);
}

static void undo_sgr(struct replay_text *t, const struct replay_modes *m)
{
	static const char sets[] = "()*+";

	if (replay_sgr_is_default(&m->sgr) && replay_sgr_is_default(&m->saved) && !m->alternate)
		return;
	replay_put(t, "\x0f\x1b(B\x1b)B");
	for (int g = 2; g < 4; g++) {
		if (m->sgr.charset[g] != 'B' || m->saved.charset[g] != 'B')
			replay_put(t,
				"\x1b%c"
				"B",
				sets[g]);
	}
	replay_put(t, "\x1b[0m");
}

size_t replay_modes_undo(const struct replay_modes *m, unsigned columns, char *out, size_t room)
{
	struct replay_text t = {out, 0, room};

	if (replay_has_mode(m, REPLAY_NOT_UTF8))
		replay_put(&t, "\x1b%%G");
	undo_modes(&t, m);
	undo_keys(&t, &m->keys[m->alternate != 0]);
	if (m->alternate) {
		replay_put(&t, "\x1b[?%ul", m->alternate);
		undo_keys(&t, &m->keys[0]);
	}
	undo_region(&t, m);
	undo_sgr(&t, m);
	if (replay_has_mode(m, REPLAY_TABS))
		undo_tabs(&t, columns);
	return t.len;
}
