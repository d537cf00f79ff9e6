/*
 * A tracker as a word: "1", or "1:" and its fields as hexadecimal digits, two a byte, numbers with
 * the highest first. docs/journal.md lists the fields.
 *
 * Owner: a console, which keeps such words with its journal. Whoever reads one believes nothing.
 */
#include <errno.h>
#include <string.h>

#include "console/replay/replay.h"
#include "console/replay/replay_sgr.h"
#include "core/text/hex.h"

#define VERSION "1"
#define BYTES_MAX ((REPLAY_WORD_MAX - sizeof(VERSION ":")) / 2)

/* One walk over the fields serves both ways. */
struct walk {
	uint8_t bytes[BYTES_MAX];
	size_t at, len;
	bool reads, bad;
};

static uint64_t number(struct walk *w, uint64_t value, size_t size)
{
	uint64_t result = 0;

	if (w->at + size > (w->reads ? w->len : BYTES_MAX)) {
		w->bad = true;
		return 0;
	}
	for (size_t i = 0; i < size; i++) {
		uint8_t *byte = &w->bytes[w->at++];

		if (!w->reads)
			*byte = (uint8_t)(value >> (8 * (size - 1 - i)));
		result = result << 8 | *byte;
	}
	return result;
}

/* A byte between least and most. */
static uint8_t small(struct walk *w, uint8_t value, uint8_t least, uint8_t most)
{
	uint8_t result = (uint8_t)number(w, value, 1);

	if (result < least || result > most)
		w->bad = true;
	return result;
}

static void walk_color(struct walk *w, struct replay_color *c)
{
	c->kind = small(w, c->kind, 0, 5);
	if (c->kind == 3 || c->kind == 4)
		w->bad = true;
	for (int i = 0; i < 3; i++)
		c->value[i] = small(w, c->value[i], 0, 255);
	if (c->kind == 1 && c->value[0] > 15)
		w->bad = true;
}

static void walk_sgr(struct walk *w, struct replay_sgr *sgr)
{
	sgr->attributes = (uint16_t)number(w, sgr->attributes, 2) & 0x3fe;
	sgr->underline = small(w, sgr->underline, 0, 5);
	sgr->overline = small(w, sgr->overline, 0, 1);
	walk_color(w, &sgr->ink);
	walk_color(w, &sgr->paper);
	walk_color(w, &sgr->line);
	for (int g = 0; g < 4; g++)
		sgr->charset[g] = (char)small(w, (uint8_t)sgr->charset[g], 0x30, 0x7e);
	sgr->shift = small(w, sgr->shift, 0, 3);
	sgr->origin = small(w, sgr->origin, 0, 1);
}

static void walk_keys(struct walk *w, struct replay_keys *k)
{
	k->pushed = small(w, k->pushed, 0, REPLAY_KEYS_MAX);
	for (int i = 0; i <= REPLAY_KEYS_MAX; i++)
		k->flags[i] = small(w, k->flags[i], 0, 0x1f);
}

/* Of a sequence without a known end, what the rest hangs on. */
static void walk_scan(struct walk *w, struct vt_scan *s)
{
	uint8_t state = small(w, (uint8_t)s->state, VT_GROUND, VT_STRING_ESC);
	uint8_t second = s->state == VT_GROUND ? 0 : s->seq[1];

	s->state = (enum vt_state)state;
	second = small(w, second, 0, 0x7e);
	s->len = small(w, s->state == VT_GROUND ? 0 : s->len, 0, VT_SEQ_MAX);
	s->wanted = small(w, s->wanted, 0, 7);
	s->previous = small(w, s->previous, 0, 255);
	if (!w->reads || state == VT_GROUND)
		return;
	s->seq[0] = 0x1b;
	s->seq[1] = second;
}

static void walk_fields(struct walk *w, struct replay_modes *m)
{
	m->modes = number(w, m->modes, 8) & ((UINT64_C(1) << REPLAY_MODE_COUNT) - 1);
	m->alternate = (uint16_t)number(w, m->alternate, 2);
	if (m->alternate && m->alternate != 47 && m->alternate != 1047 && m->alternate != 1049)
		w->bad = true;
	m->top = (uint16_t)number(w, m->top, 2);
	m->bottom = (uint16_t)number(w, m->bottom, 2);
	m->cursor_style = small(w, m->cursor_style, 0, 6);
	m->modify_keys = small(w, m->modify_keys, 0, 3);
	walk_keys(w, &m->keys[0]);
	walk_keys(w, &m->keys[1]);
	walk_sgr(w, &m->sgr);
	walk_sgr(w, &m->saved);
	walk_scan(w, &m->scan);
}

bool replay_modes_is_whole(const struct replay_modes *m)
{
	switch (m->scan.state) {
	case VT_GROUND:
	case VT_CSI_IGNORE:
	case VT_OSC:
	case VT_STRING:
		return true;
	case VT_UTF8:
	case VT_ESC:
	case VT_CSI:
	case VT_PALETTE:
	case VT_STRING_ESC:
		break;
	}
	return false;
}

void replay_modes_to_word(const struct replay_modes *m, char word[REPLAY_WORD_MAX])
{
	struct replay_modes copy = *m, fresh;
	struct walk w = {.reads = false}, none = {.reads = false};
	size_t n = sizeof(VERSION) - 1;

	replay_modes_init(&fresh);
	walk_fields(&w, &copy);
	walk_fields(&none, &fresh);
	memcpy(word, VERSION, sizeof(VERSION));
	if (memcmp(w.bytes, none.bytes, sizeof(w.bytes)) == 0)
		return;
	word[n++] = ':';
	hex_text(w.bytes, w.at, word + n);
}

int replay_modes_from_word(struct replay_modes *m, const char *word)
{
	struct walk w = {.reads = true};

	replay_modes_init(m);
	if (strcmp(word, VERSION) == 0)
		return 0;
	if (strncmp(word, VERSION ":", sizeof(VERSION)) != 0)
		return -EBADMSG;
	word += sizeof(VERSION);
	if (word[strspn(word, "0123456789abcdef")])
		return -EBADMSG;
	for (; word[0] && w.len < BYTES_MAX; word += 2) {
		int high = hex_value(word[0]), low = hex_value(word[1]);

		if (high < 0 || low < 0)
			return -EBADMSG;
		w.bytes[w.len++] = (uint8_t)(high << 4 | low);
	}
	walk_fields(&w, m);
	if (!w.bad && !*word && w.at == w.len && replay_modes_is_whole(m))
		return 0;
	replay_modes_init(m);
	return -EBADMSG;
}
