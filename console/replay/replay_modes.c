/*
 * The modes of a terminal, followed through output.
 *
 * Owner: a console, for all of its output; a viewer, at the start of its replay. May not know
 * journals.
 */
#include <string.h>

#include "console/replay/replay.h"
#include "console/replay/replay_modes.h"
#include "console/replay/replay_sgr.h"

#define ESC 0x1b
#define SHIFT_OUT 0x0e
#define SHIFT_IN 0x0f

_Static_assert(sizeof(struct replay_modes) <= REPLAY_MODES_SIZE, "every console has one");
_Static_assert(REPLAY_MODE_COUNT <= 64, "they are bits of a number");

const struct replay_mode_rule replay_mode_rules[] = {
	{REPLAY_CURSOR_KEYS, '?', 1, false, true},
	{REPLAY_REVERSE, '?', 5, false, true},
	{REPLAY_ORIGIN, '?', 6, false, true},
	{REPLAY_NO_WRAP, '?', 7, true, true},
	{REPLAY_NO_REPEAT, '?', 8, true, true},
	{REPLAY_MOUSE_X10, '?', 9, false, true},
	{REPLAY_CURSOR_BLINKS, '?', 12, false, true},
	{REPLAY_CURSOR_HIDDEN, '?', 25, true, true},
	{REPLAY_COLUMNS, '?', 40, false, true},
	{REPLAY_REVERSE_WRAP, '?', 45, false, true},
	{REPLAY_KEYPAD, '?', 66, false, true},
	{REPLAY_BACKARROW, '?', 67, false, true},
	{REPLAY_MARGINS, '?', 69, false, true},
	{REPLAY_MOUSE_CLICK, '?', 1000, false, true},
	{REPLAY_MOUSE_HIGHLIGHT, '?', 1001, false, false},
	{REPLAY_MOUSE_DRAG, '?', 1002, false, true},
	{REPLAY_MOUSE_MOVE, '?', 1003, false, true},
	{REPLAY_FOCUS, '?', 1004, false, false},
	{REPLAY_MOUSE_UTF8, '?', 1005, false, true},
	{REPLAY_MOUSE_SGR, '?', 1006, false, true},
	{REPLAY_ALTERNATE_SCROLL, '?', 1007, false, true},
	{REPLAY_SCROLL_OUTPUT, '?', 1010, false, false},
	{REPLAY_SCROLL_KEY, '?', 1011, false, false},
	{REPLAY_MOUSE_URXVT, '?', 1015, false, true},
	{REPLAY_MOUSE_PIXELS, '?', 1016, false, true},
	{REPLAY_META_8BIT, '?', 1034, false, true},
	{REPLAY_NO_NUM_LOCK, '?', 1035, true, true},
	{REPLAY_META_ESC, '?', 1036, false, true},
	{REPLAY_ALT_ESC, '?', 1039, false, true},
	{REPLAY_PASTE, '?', 2004, false, true},
	{REPLAY_SYNCHRONIZED, '?', 2026, false, false},
	{REPLAY_GRAPHEMES, '?', 2027, false, true},
	{REPLAY_COLOUR_SCHEME, '?', 2031, false, false},
	{REPLAY_SIZE_REPORTS, '?', 2048, false, false},
	{REPLAY_WINDOWS_KEYS, '?', 9001, false, false},
	{REPLAY_KEYBOARD_LOCKED, 0, 2, false, false},
	{REPLAY_INSERT, 0, 4, false, true},
	{REPLAY_LOCAL_ECHO, 0, 12, true, false},
	{REPLAY_NEWLINE, 0, 20, false, true},
};
const size_t replay_mode_rule_count = sizeof(replay_mode_rules) / sizeof(*replay_mode_rules);

static void reset(struct replay_modes *m)
{
	m->modes = 0;
	m->alternate = m->top = m->bottom = 0;
	m->cursor_style = m->modify_keys = 0;
	m->is_kept = m->follows_text = false;
	memset(m->keys, 0, sizeof(m->keys));
	replay_sgr_init(&m->sgr);
	m->saved = m->sgr;
}

void replay_modes_init(struct replay_modes *m)
{
	memset(m, 0, sizeof(*m));
	vt_scan_init(&m->scan);
	reset(m);
}

static void put_mode(struct replay_modes *m, enum replay_mode mode, bool on)
{
	if (on)
		m->modes |= UINT64_C(1) << mode;
	else
		m->modes &= ~(UINT64_C(1) << mode);
}

/* DECSC; the cursor's place is not known here. */
static void save(struct replay_modes *m)
{
	m->saved = m->sgr;
	m->saved.origin = replay_has_mode(m, REPLAY_ORIGIN);
}

static void restore(struct replay_modes *m)
{
	m->sgr = m->saved;
	put_mode(m, REPLAY_ORIGIN, m->saved.origin);
}

static void keep(struct replay_modes *m)
{
	save(m);
	m->is_kept = true;
}

static void come_back(struct replay_modes *m)
{
	restore(m);
	m->is_kept = m->follows_text = false;
}

/* The other screen, and the saved cursor that belongs to 1048 and 1049. */
static void set_screen(struct replay_modes *m, int number, bool on)
{
	if (on && (number == 1048 || number == 1049))
		save(m);
	if (number != 1048)
		m->alternate = on ? (uint16_t)number : 0;
	if (!on && (number == 1048 || number == 1049))
		restore(m);
}

static void set_modes(struct replay_modes *m, const struct vt_csi *csi)
{
	bool on = csi->final == 'h';
	size_t at = 0;
	int number;

	while (vt_csi_next(csi, &at, &number)) {
		if (csi->prefix && (number == 47 || (number >= 1047 && number <= 1049)))
			set_screen(m, number, on);
		for (size_t i = 0; i < replay_mode_rule_count; i++) {
			const struct replay_mode_rule *rule = &replay_mode_rules[i];

			if (rule->prefix == csi->prefix && rule->number == number)
				put_mode(m, rule->mode, on != rule->inverted);
		}
	}
}

/* DECSTR, as xterm does it. */
static void soft_reset(struct replay_modes *m)
{
	static const enum replay_mode reset_modes[] = {REPLAY_CURSOR_KEYS, REPLAY_ORIGIN,
		REPLAY_NO_WRAP, REPLAY_CURSOR_HIDDEN, REPLAY_MARGINS, REPLAY_INSERT, REPLAY_KEYPAD};

	for (size_t i = 0; i < sizeof(reset_modes) / sizeof(*reset_modes); i++)
		put_mode(m, reset_modes[i], false);
	m->top = m->bottom = 0;
	m->is_kept = false;
	replay_sgr_init(&m->sgr);
	m->saved = m->sgr;
}

static void set_region(struct replay_modes *m, const struct vt_csi *csi)
{
	int top = 0, bottom = 0;
	size_t at = 0;

	if (vt_csi_next(csi, &at, &top))
		(void)vt_csi_next(csi, &at, &bottom);
	if (top < 1)
		top = 1;
	if (bottom < 1)
		bottom = 0;
	if (bottom && top >= bottom)
		return;
	m->top = m->bottom = 0;
	if (top > 1 || bottom) {
		m->top = (uint16_t)top;
		m->bottom = (uint16_t)bottom;
	}
}

/* CSI > 4 ; n m */
static void set_modify_keys(struct replay_modes *m, const struct vt_csi *csi)
{
	int resource, value = 0;
	size_t at = 0;

	if (!vt_csi_next(csi, &at, &resource) || (resource != 4 && resource != -1))
		return;
	(void)vt_csi_next(csi, &at, &value);
	m->modify_keys = value >= 0 && value <= 3 ? (uint8_t)value : 0;
}

/* kitty's keyboard protocol: CSI > flags u, CSI < count u, CSI = flags ; how u. */
static void on_keys(struct replay_modes *m, const struct vt_csi *csi)
{
	struct replay_keys *k = &m->keys[m->alternate != 0];
	int value, how = 1;
	size_t at = 0;

	(void)vt_csi_next(csi, &at, &value);
	uint8_t flags = value > 0 ? value & 0x1f : 0;

	if (csi->prefix == '>') {
		if (k->pushed == REPLAY_KEYS_MAX) /* the oldest goes */
			memmove(k->flags, k->flags + 1, REPLAY_KEYS_MAX);
		else
			k->pushed++;
		k->flags[k->pushed] = flags;
	} else if (csi->prefix == '<') {
		int count = value > 0 ? value : 1;

		if (count > k->pushed)
			memset(k, 0, sizeof(*k));
		else
			k->pushed -= (uint8_t)count;
	} else if (csi->prefix == '=') {
		uint8_t *top = &k->flags[k->pushed];

		(void)vt_csi_next(csi, &at, &how);
		*top = how == 2 ? *top | flags : how == 3 ? *top & (uint8_t)~flags : flags;
	}
}

static void on_csi(struct replay_modes *m)
{
	struct vt_csi csi;
	size_t at = 0;
	int value;

	vt_csi_parse(m->scan.seq, m->scan.len, &csi);
	if (csi.intermediate) {
		if (!csi.prefix && csi.intermediate == '!' && csi.final == 'p')
			soft_reset(m);
		else if (!csi.prefix && csi.intermediate == ' ' && csi.final == 'q' &&
			 vt_csi_next(&csi, &at, &value))
			m->cursor_style = value > 0 && value <= 6 ? (uint8_t)value : 0;
		return;
	}
	if ((csi.final == 'h' || csi.final == 'l') && (!csi.prefix || csi.prefix == '?'))
		set_modes(m, &csi);
	else if (csi.final == 'm' && csi.prefix == '>')
		set_modify_keys(m, &csi);
	else if (csi.final == 'u' && csi.prefix)
		on_keys(m, &csi);
	else if (csi.final == 'W' && csi.prefix == '?')
		put_mode(m, REPLAY_TABS, false); /* DECST8C: every eight columns */
	else if (csi.final == 'g' && !csi.prefix)
		put_mode(m, REPLAY_TABS, true);
	else if (csi.prefix)
		return;
	else if (csi.final == 'm')
		replay_sgr_apply(&m->sgr, &csi);
	else if (csi.final == 'r')
		set_region(m, &csi);
	else if (csi.final == 's' && !csi.params_len)
		keep(m);
	else if (csi.final == 'u' && !csi.params_len)
		come_back(m);
}

static void on_escape(struct replay_modes *m)
{
	static const char sets[] = "()*+";
	const uint8_t *seq = m->scan.seq;

	if (m->scan.len == 3) {
		const char *g = strchr(sets, seq[1]);

		if (g)
			m->sgr.charset[g - sets] = (char)seq[2];
		else if (seq[1] == '%')
			put_mode(m, REPLAY_NOT_UTF8, seq[2] == '@');
		else if (seq[1] == '#' && seq[2] == '8') /* DECALN */
			m->top = m->bottom = 0;
		return;
	}
	if (m->scan.len != 2)
		return;
	switch (seq[1]) {
	case '7':
		keep(m);
		break;
	case '8':
		come_back(m);
		break;
	case '=':
	case '>':
		put_mode(m, REPLAY_KEYPAD, seq[1] == '=');
		break;
	case 'c':
		reset(m);
		break;
	case 'H':
		put_mode(m, REPLAY_TABS, true);
		break;
	case 'n':
	case 'o':
		m->sgr.shift = seq[1] == 'n' ? 2 : 3;
		break;
	default:
		break;
	}
}

/* Whether the cursor is still where a character has left it. */
static void follow_text(struct replay_modes *m)
{
	const struct vt_scan *scan = &m->scan;

	if (scan->token == VT_TEXT)
		m->follows_text = true;
	else if (scan->token == VT_CONTROL)
		m->follows_text &= scan->control != '\r' && scan->control != '\b';
	else if (scan->token == VT_CSI_SEQ && (scan->seq[2] < '<' || scan->seq[2] > '?'))
		m->follows_text &= !strchr("ABCDEFGHZ`adefr", scan->seq[scan->len - 1]);
}

static void on_token(struct replay_modes *m)
{
	follow_text(m);
	switch (m->scan.token) {
	case VT_CONTROL:
		if (m->scan.control == SHIFT_OUT || m->scan.control == SHIFT_IN)
			m->sgr.shift = m->scan.control == SHIFT_OUT;
		break;
	case VT_ESCAPE:
		on_escape(m);
		break;
	case VT_CSI_SEQ:
		on_csi(m);
		break;
	case VT_NOTHING:
	case VT_TEXT:
	case VT_STRING_DONE:
	case VT_BROKEN:
		break;
	}
}

bool replay_modes_step(struct replay_modes *m, uint8_t byte)
{
	bool taken = vt_scan_byte(&m->scan, byte);

	on_token(m);
	return taken;
}

/* The next byte of that value from p on, or end; *known is where it was found to be before. */
static const uint8_t *next_byte(
	const uint8_t **known, const uint8_t *p, const uint8_t *end, uint8_t byte)
{
	if (*known < p)
		*known = memchr(p, byte, (size_t)(end - p));
	if (!*known)
		*known = end;
	return *known;
}

/* The end of the last character, which may be unfinished, is read byte by byte. */
#define CHARACTER_MAX ((size_t)4)

/* The same as follow_text for from..to, where there is no sequence: the last byte that says it. */
static void follow_bytes(struct replay_modes *m, const uint8_t *from, const uint8_t *to)
{
	for (; to > from; to--) {
		bool is_text = to[-1] >= 0x20;

		if (is_text || to[-1] == '\r' || to[-1] == '\b') {
			m->follows_text = is_text;
			return;
		}
	}
}

/* Most bytes are text, of which only ESC and the two shifts say anything here. */
void replay_modes_feed(struct replay_modes *m, const uint8_t *data, size_t len)
{
	const uint8_t *p = data, *end = data + len;
	const uint8_t *text_end = len > CHARACTER_MAX ? end - CHARACTER_MAX : data;
	const uint8_t *esc = NULL, *out = NULL, *in = NULL;

	while (p < end) {
		if (m->scan.state == VT_GROUND && p < text_end) {
			const uint8_t *next = next_byte(&esc, p, text_end, ESC);

			if (next_byte(&out, p, text_end, SHIFT_OUT) < next)
				next = out;
			if (next_byte(&in, p, text_end, SHIFT_IN) < next)
				next = in;
			if (next > p)
				follow_bytes(m, p, next);
			p = next;
		}
		p += replay_modes_step(m, *p);
	}
}
