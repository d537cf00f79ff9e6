/*
 * The modes of a terminal, followed through output and written out again.
 *
 * Owner: a viewer, at the start of its replay and when it leaves. May not know journals.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "console/replay/replay.h"
#include "console/replay/replay_sgr.h"

#define ESC 0x1b
#define SHIFT_OUT 0x0e
#define SHIFT_IN 0x0f

/* Modes that are set and reset with CSI h and l. */
static const struct mode_rule {
	enum replay_mode mode;
	char prefix;
	uint16_t number;
	bool inverted; /* the mode is in force when the number is reset */
} mode_rules[] = {
	{REPLAY_CURSOR_KEYS, '?', 1, false},
	{REPLAY_REVERSE, '?', 5, false},
	{REPLAY_ORIGIN, '?', 6, false},
	{REPLAY_NO_WRAP, '?', 7, true},
	{REPLAY_MOUSE_X10, '?', 9, false},
	{REPLAY_CURSOR_HIDDEN, '?', 25, true},
	{REPLAY_REVERSE_WRAP, '?', 45, false},
	{REPLAY_MARGINS, '?', 69, false},
	{REPLAY_MOUSE_CLICK, '?', 1000, false},
	{REPLAY_MOUSE_DRAG, '?', 1002, false},
	{REPLAY_MOUSE_MOVE, '?', 1003, false},
	{REPLAY_MOUSE_UTF8, '?', 1005, false},
	{REPLAY_MOUSE_SGR, '?', 1006, false},
	{REPLAY_ALTERNATE_SCROLL, '?', 1007, false},
	{REPLAY_MOUSE_URXVT, '?', 1015, false},
	{REPLAY_MOUSE_PIXELS, '?', 1016, false},
	{REPLAY_PASTE, '?', 2004, false},
	{REPLAY_INSERT, 0, 4, false},
	{REPLAY_NEWLINE, 0, 20, false},
};

static void reset(struct replay_modes *m)
{
	m->modes = 0;
	m->alternate = m->top = m->bottom = 0;
	m->cursor_style = m->modify_keys = 0;
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
		m->modes |= UINT32_C(1) << mode;
	else
		m->modes &= ~(UINT32_C(1) << mode);
}

static bool has_mode(const struct replay_modes *m, enum replay_mode mode)
{
	return m->modes & (UINT32_C(1) << mode);
}

/* DECSC; the cursor's place is not known here. */
static void save(struct replay_modes *m)
{
	m->saved = m->sgr;
	m->saved.origin = has_mode(m, REPLAY_ORIGIN);
}

static void restore(struct replay_modes *m)
{
	m->sgr = m->saved;
	put_mode(m, REPLAY_ORIGIN, m->saved.origin);
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
		for (size_t i = 0; i < sizeof(mode_rules) / sizeof(*mode_rules); i++) {
			const struct mode_rule *rule = &mode_rules[i];

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
	else if (csi.prefix)
		return;
	else if (csi.final == 'm')
		replay_sgr_apply(&m->sgr, &csi);
	else if (csi.final == 'r')
		set_region(m, &csi);
	else if (csi.final == 's' && !csi.params_len)
		save(m);
	else if (csi.final == 'u' && !csi.params_len)
		restore(m);
}

static void on_escape(struct replay_modes *m)
{
	static const char sets[] = "()*+";
	const uint8_t *seq = m->scan.seq;

	if (m->scan.len == 3) {
		const char *g = strchr(sets, seq[1]);

		if (g)
			m->sgr.charset[g - sets] = (char)seq[2];
		return;
	}
	if (m->scan.len != 2)
		return;
	switch (seq[1]) {
	case '7':
		save(m);
		break;
	case '8':
		restore(m);
		break;
	case '=':
	case '>':
		put_mode(m, REPLAY_KEYPAD, seq[1] == '=');
		break;
	case 'c':
		reset(m);
		break;
	default:
		break;
	}
}

static void on_token(struct replay_modes *m)
{
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

void replay_modes_feed(struct replay_modes *m, const uint8_t *data, size_t len)
{
	size_t i = 0;

	while (i < len) {
		/* Most bytes are text, which sets no mode. */
		if (m->scan.state == VT_GROUND && data[i] >= 0x20 && data[i] < 0x7f) {
			i++;
			continue;
		}
		i += vt_scan_byte(&m->scan, data[i]);
		on_token(m);
	}
}

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

/* Switches the modes that are in force on, or off again. */
static void put_modes(struct text *t, const struct replay_modes *m, bool on)
{
	for (size_t i = 0; i < sizeof(mode_rules) / sizeof(*mode_rules); i++) {
		const struct mode_rule *rule = &mode_rules[i];

		if (!has_mode(m, rule->mode))
			continue;
		put(t, "\x1b[%s%d%c", rule->prefix ? "?" : "", rule->number,
			on != rule->inverted ? 'h' : 'l');
	}
	if (has_mode(m, REPLAY_KEYPAD))
		put(t, "\x1b%c", on ? '=' : '>');
	if (m->modify_keys)
		put(t, "\x1b[>4;%dm", on ? m->modify_keys : 0);
	if (m->cursor_style)
		put(t, "\x1b[%d q", on ? m->cursor_style : 0);
}

size_t replay_modes_write(const struct replay_modes *m, char *out, size_t room)
{
	struct text t = {out, 0, room};

	if (m->alternate)
		put(&t, "\x1b[?%dh", m->alternate);
	if (m->top) {
		put(&t,
			"\x1b"
			"7\x1b[%d",
			m->top);
		if (m->bottom)
			put(&t, ";%d", m->bottom);
		put(&t, "r\x1b"
			"8");
	}
	if (!replay_sgr_is_default(&m->saved)) {
		put_sgr(&t, &m->saved);
		put(&t, "\x1b"
			"7\x0f\x1b(B\x1b)B\x1b*B\x1b+B\x1b[0m");
	}
	if (!replay_sgr_is_default(&m->sgr))
		put_sgr(&t, &m->sgr);
	put_modes(&t, m, true);
	return t.len;
}

size_t replay_modes_undo(const struct replay_modes *m, char *out, size_t room)
{
	struct text t = {out, 0, room};

	put_modes(&t, m, false);
	if (m->top)
		put(&t, "\x1b"
			"7\x1b[r\x1b"
			"8");
	if (m->alternate)
		put(&t, "\x1b[?%dl", m->alternate);
	if (!replay_sgr_is_default(&m->sgr) || m->alternate)
		put(&t, "\x0f\x1b(B\x1b)B\x1b[0m");
	return t.len;
}
