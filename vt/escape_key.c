/*
 * Task: tell typed bytes from escape commands, and from what a terminal sends by itself. Pure;
 * fuzzed.
 *
 * A sequence is given as a whole: what came of it in earlier pieces is held, and first given; then
 * what lies in the data now. An answer that is a string may be of any length and is given in parts.
 */
#include <string.h>

#include "vt/escape_key.h"
#include "vt/key_code.h"

#define ESC 0x1b

/* CSI number ~: a paste in brackets (xterm's mode 2004). */
#define PASTE_BEGINS 200
#define PASTE_ENDS 201

/* Looks for ESC no further when it is itself the escape character. */
static bool reads_sequences(const struct escape_key *e)
{
	return e->character != ESC;
}

static bool waits_for_key(const struct escape_key *e)
{
	return e->pending || e->wants_key;
}

static bool counts(const struct escape_key *e)
{
	return e->character >= 0 && (!e->pasting || e->in_paste);
}

static struct escape_found found(enum escape_step step, size_t used)
{
	return (struct escape_found){.step = step, .used = used, .begins = true};
}

/* --- characters --- */

static struct escape_found characters(struct escape_key *e, const uint8_t *data, size_t len)
{
	struct escape_found f = found(ESCAPE_TYPE, 0);
	const uint8_t *esc = reads_sequences(e) ? memchr(data, ESC, len) : NULL;
	const uint8_t *at;

	f.bytes = data;
	if (waits_for_key(e) && !(e->pending && data[0] == (uint8_t)e->character)) {
		f = found(ESCAPE_COMMAND, 1);
		f.key = data[0];
		return f;
	}
	f.count = 1; /* the doubled one; it stays pending until it has been typed */
	if (e->pending)
		return f;
	f.count = esc ? (size_t)(esc - data) : len;
	at = counts(e) ? memchr(data, e->character, f.count) : NULL;
	if (at != data) {
		f.count = at ? (size_t)(at - data) : f.count;
		return f;
	}
	e->pending = true;
	return found(ESCAPE_MORE, 1);
}

/* --- sequences --- */

/* Gives a sequence of which used bytes lie in the data. */
static struct escape_found give(struct escape_key *e, const uint8_t *data)
{
	struct escape_found f = e->next;

	if (e->held) {
		f.bytes = e->typed.seq + e->held_at;
		f.count = e->held;
		f.is_held = true;
	} else {
		f.bytes = data;
		f.count = e->left;
	}
	return f;
}

static struct escape_found begin_to_give(
	struct escape_key *e, enum escape_step step, const uint8_t *data, size_t used)
{
	e->next = found(step, 0);
	e->next.begins = !e->inside;
	e->left = used;
	return give(e, data);
}

/* Nothing of it is given. */
static struct escape_found swallow(struct escape_key *e, enum escape_step step, size_t used)
{
	e->held = 0;
	return found(step, used);
}

/* A key that was let go. What was no key to the guest when it was pressed is none now. */
static struct escape_found let_go(
	struct escape_key *e, const struct key_code *key, const uint8_t *data, size_t used)
{
	if (e->let_go_due && key_code_is_control(key, e->character)) {
		e->let_go_due = false;
		return swallow(e, ESCAPE_MORE, used);
	}
	if (e->order_let_go && key->code == e->order_let_go) {
		e->order_let_go = 0;
		return swallow(e, ESCAPE_MORE, used);
	}
	return begin_to_give(e, ESCAPE_EVENT, data, used);
}

static struct escape_found order(struct escape_key *e, const struct key_code *key, size_t used)
{
	struct escape_found f = swallow(e, ESCAPE_COMMAND, used);

	e->order_let_go = key->code;
	f.key = key->code ? key_code_character(key) : ESCAPE_KEY_UNKNOWN;
	return f;
}

static enum escape_paste paste_of(const struct vt_csi *csi, const struct key_code *key)
{
	if (csi->final != '~')
		return ESCAPE_NO_PASTE;
	if (key->number == PASTE_BEGINS)
		return ESCAPE_PASTE_BEGINS;
	return key->number == PASTE_ENDS ? ESCAPE_PASTE_ENDS : ESCAPE_NO_PASTE;
}

static struct escape_found typed_key(struct escape_key *e, const uint8_t *data, size_t used)
{
	struct key_code key;
	struct vt_csi csi;
	enum escape_paste paste = ESCAPE_NO_PASTE;

	memset(&key, 0, sizeof(key));
	if (vt_typed_csi(&e->typed, &csi)) {
		key_code_parse(&csi, &key);
		paste = paste_of(&csi, &key);
	}
	if (key.is_let_go)
		return let_go(e, &key, data, used);
	if (key.is_modifier)
		return waits_for_key(e) ? swallow(e, ESCAPE_MORE, used)
					: begin_to_give(e, ESCAPE_EVENT, data, used);
	bool is_escape = counts(e) && key_code_is_control(&key, e->character);

	if (is_escape && !waits_for_key(e)) {
		e->pending = e->let_go_due = true;
		return swallow(e, ESCAPE_MORE, used);
	}
	if (waits_for_key(e) && !(is_escape && e->pending) && paste == ESCAPE_NO_PASTE)
		return order(e, &key, used);
	if (paste != ESCAPE_NO_PASTE)
		e->pasting = paste == ESCAPE_PASTE_BEGINS;
	struct escape_found f = begin_to_give(e, ESCAPE_TYPE, data, used);

	f.paste = e->next.paste = paste;
	return f;
}

static struct escape_found decide(struct escape_key *e, enum vt_typed_step step, bool was_answer,
	const uint8_t *data, size_t used)
{
	struct escape_found f;

	switch (step) {
	case VT_TYPED_MORE: /* all of it is in typed.seq */
		e->held = e->typed.len;
		e->held_at = 0;
		return found(ESCAPE_MORE, used);
	case VT_TYPED_EVENT:
		return begin_to_give(e, ESCAPE_EVENT, data, used);
	case VT_TYPED_PART:
	case VT_TYPED_ANSWER:
		f = begin_to_give(e, ESCAPE_ANSWER, data, used);
		e->inside = step == VT_TYPED_PART;
		return f;
	case VT_TYPED_KEY:
	case VT_TYPED_BROKEN:
		break;
	}
	if (!was_answer)
		return typed_key(e, data, used);
	e->inside = false;
	return used ? begin_to_give(e, ESCAPE_ANSWER, data, used) : found(ESCAPE_MORE, 0);
}

static struct escape_found sequence(struct escape_key *e, const uint8_t *data, size_t len)
{
	enum vt_typed_step step = VT_TYPED_MORE;
	bool was_answer = e->inside;
	size_t used = 0;

	while (used < len && (step == VT_TYPED_MORE || step == VT_TYPED_PART)) {
		step = vt_typed_byte(&e->typed, data[used]);
		used += step != VT_TYPED_BROKEN;
		was_answer = was_answer || step == VT_TYPED_PART;
	}
	return decide(e, step, was_answer, data, used);
}

/* --- */

static bool is_giving(const struct escape_key *e)
{
	return e->next.step != ESCAPE_MORE;
}

struct escape_found escape_scan(struct escape_key *e, const uint8_t *data, size_t len)
{
	if (is_giving(e))
		return give(e, data);
	if (!len)
		return found(ESCAPE_MORE, 0);
	if (e->typed.state == VT_TYPED_GROUND && !(reads_sequences(e) && data[0] == ESC))
		return characters(e, data, len);
	return sequence(e, data, len);
}

size_t escape_done(struct escape_key *e, const struct escape_found *f, size_t count)
{
	size_t used = f->used;

	if (f->step == ESCAPE_COMMAND)
		e->pending = false;
	if (f->step == ESCAPE_TYPE && count)
		e->pending = false;
	if (!is_giving(e))
		return f->step == ESCAPE_TYPE ? count : used;
	e->next.begins = e->next.begins && !count;
	if (f->is_held) {
		e->held_at += count;
		e->held -= count;
	} else {
		e->left -= count;
	}
	if (!e->held && !e->left)
		e->next.step = ESCAPE_MORE;
	return f->is_held ? 0 : count;
}

bool escape_holds(const struct escape_key *e)
{
	return e->held && !is_giving(e);
}

/* No key is ESC [ and a digit. */
bool escape_holds_key(const struct escape_key *e)
{
	return escape_holds(e) && (e->typed.len <= 2 || e->typed.state == VT_TYPED_MOUSE);
}

bool escape_owes_key(const struct escape_key *e)
{
	return is_giving(e) && !e->left;
}

struct escape_found escape_give_up(struct escape_key *e)
{
	if (!escape_holds_key(e))
		return found(ESCAPE_MORE, 0);
	e->typed.state = VT_TYPED_GROUND;
	return typed_key(e, NULL, 0);
}
