/*
 * What a terminal sends, sequence by sequence.
 *
 * Owner: whoever embeds it. May not know what a key does.
 */
#include "vt/typed.h"

#include <string.h>

#define ESC 0x1b
#define BEL 0x07
#define MOUSE_BYTES 3 /* button, column, row of xterm's first protocol */

/* Reports that come without a question: first parameter of CSI n and t. */
#define COLOUR_SCHEME 997 /* CSI ? 997 n */
#define SIZE_IN_BAND 48   /* CSI 48 t */

static enum vt_typed_step end(struct vt_typed *t, enum vt_typed_step step)
{
	t->state = VT_TYPED_GROUND;
	return step;
}

static enum vt_typed_step go(struct vt_typed *t, enum vt_typed_state state)
{
	t->state = state;
	return VT_TYPED_MORE;
}

bool vt_typed_csi(const struct vt_typed *t, struct vt_csi *csi)
{
	if (t->len < 3 || t->seq[1] != '[' || t->seq[2] == '[' || t->seq[2] == 'M')
		return false;
	vt_csi_parse(t->seq, t->len, csi);
	return csi->final >= 0x40;
}

static size_t count_params(const struct vt_csi *csi, int *first)
{
	size_t at = 0, count = 0;
	int value;

	*first = -1;
	while (csi->params_len && vt_csi_next(csi, &at, &value)) {
		if (!count++)
			*first = value;
	}
	return count;
}

/* With a private prefix or an intermediate byte, no terminal sends a key. */
static enum vt_typed_step classify_private(const struct vt_csi *csi, int first)
{
	if (csi->prefix == '<' && !csi->intermediate && (csi->final == 'M' || csi->final == 'm'))
		return VT_TYPED_EVENT; /* the mouse */
	if (csi->prefix == '?' && csi->final == 'n' && first == COLOUR_SCHEME)
		return VT_TYPED_EVENT;
	return VT_TYPED_ANSWER;
}

static enum vt_typed_step classify(const struct vt_typed *t)
{
	struct vt_csi csi;
	int first;

	vt_csi_parse(t->seq, t->len, &csi);
	size_t count = count_params(&csi, &first);

	if (csi.prefix || csi.intermediate)
		return classify_private(&csi, first);
	switch (csi.final) {
	case 'n':
	case 'x':
		return count ? VT_TYPED_ANSWER : VT_TYPED_KEY;
	case 'R': /* CPR, or F3 with a modifier: nobody can know */
		return count == 2 ? VT_TYPED_ANSWER : VT_TYPED_KEY;
	case 't':
		if (!count)
			return VT_TYPED_KEY;
		return first == SIZE_IN_BAND ? VT_TYPED_EVENT : VT_TYPED_ANSWER;
	case 'I':
	case 'O':
		return count ? VT_TYPED_KEY : VT_TYPED_EVENT; /* the focus */
	case 'M':
		return count == 3 ? VT_TYPED_EVENT : VT_TYPED_KEY; /* the mouse, as urxvt says it */
	default:
		return VT_TYPED_KEY;
	}
}

static enum vt_typed_step after_esc(struct vt_typed *t, uint8_t byte)
{
	switch (byte) {
	case '[':
		return go(t, VT_TYPED_CSI);
	case 'O':
		return go(t, VT_TYPED_ONE_MORE);
	case ']':
	case 'P':
	case '_':
		return go(t, VT_TYPED_INTRODUCED);
	default: /* Alt and a key */
		return end(t, VT_TYPED_KEY);
	}
}

static enum vt_typed_step in_csi(struct vt_typed *t, uint8_t byte)
{
	if (byte < 0x40)
		return VT_TYPED_MORE;
	if (t->len == 3 && byte == '[') /* the Linux console's F1 to F5 */
		return go(t, VT_TYPED_ONE_MORE);
	if (t->len == 3 && byte == 'M') {
		t->wanted = MOUSE_BYTES;
		return go(t, VT_TYPED_MOUSE);
	}
	return end(t, classify(t));
}

/* What an answer goes on with; else it was Alt and a key. */
static bool is_answer(uint8_t introducer, uint8_t byte)
{
	switch (introducer) {
	case ']': /* OSC number; a title */
		return strchr("0123456789lL", byte) != NULL;
	case 'P': /* DECRPSS, XTGETTCAP, XTVERSION, DECRPTUI, presentation reports */
		return strchr("0123456789>!$+?", byte) != NULL;
	default: /* APC: of kitty's graphics */
		return byte == 'G';
	}
}

static enum vt_typed_step in_string(struct vt_typed *t, uint8_t byte)
{
	if (t->state == VT_TYPED_STRING_ESC && byte != '\\')
		return end(t, VT_TYPED_BROKEN);
	if (t->state == VT_TYPED_STRING_ESC || byte == BEL)
		return end(t, VT_TYPED_ANSWER);
	if (byte == ESC)
		t->state = VT_TYPED_STRING_ESC;
	else if (byte < 0x20)
		return end(t, VT_TYPED_BROKEN); /* no answer holds one: a key was pressed */
	return VT_TYPED_PART;
}

/* Whether the sequence cannot go on with byte. A mouse far to the right sends what is no ASCII. */
static bool breaks(const struct vt_typed *t, uint8_t byte)
{
	if (byte < 0x20 || t->len >= VT_TYPED_MAX)
		return true;
	if (byte >= 0x7f)
		return t->state != VT_TYPED_MOUSE;
	return t->state == VT_TYPED_INTRODUCED && !is_answer(t->seq[1], byte);
}

static enum vt_typed_step begin(struct vt_typed *t, uint8_t byte)
{
	t->seq[0] = byte;
	t->len = 1;
	return go(t, VT_TYPED_ESC);
}

enum vt_typed_step vt_typed_byte(struct vt_typed *t, uint8_t byte)
{
	if (t->state == VT_TYPED_GROUND)
		return begin(t, byte);
	if (t->state == VT_TYPED_STRING || t->state == VT_TYPED_STRING_ESC)
		return in_string(t, byte);
	if (breaks(t, byte))
		return end(t, VT_TYPED_BROKEN);
	t->seq[t->len++] = byte;
	switch (t->state) {
	case VT_TYPED_ESC:
		return after_esc(t, byte);
	case VT_TYPED_CSI:
		return in_csi(t, byte);
	case VT_TYPED_MOUSE:
		return --t->wanted ? VT_TYPED_MORE : end(t, VT_TYPED_EVENT);
	case VT_TYPED_INTRODUCED:
		t->state = VT_TYPED_STRING;
		return VT_TYPED_PART;
	case VT_TYPED_ONE_MORE:
	case VT_TYPED_GROUND:
	case VT_TYPED_STRING:
	case VT_TYPED_STRING_ESC:
		break;
	}
	return end(t, VT_TYPED_KEY);
}
