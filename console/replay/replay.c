/*
 * The replay filter: passes what draws, drops what asks, names or remembers.
 *
 * A sequence passes when it is complete, well-formed and in the tables below. Nothing of any other
 * sequence is written, not even its first byte, so that the terminal never is inside one.
 *
 * Owner: a viewer, during its replay. May not know journals.
 */
#include "console/replay/replay.h"
#include "console/replay/replay_filter.h"

#include <string.h>

#define ENQ 0x05
#define BEL 0x07
#define ESC 0x1b
#define CUT_LINE ((size_t)1024) /* so far a cut is mended by the end of a line only */

/*
 * CSI sequences that pass, by private prefix and intermediate byte. Sources: ECMA-48 §8.3, DEC
 * STD 070, xterm's ctlseqs. Not here on purpose: c (DA), n (DSR), t (window operations), i
 * (printer), x y (reports and tests), ? u and > q (queries), $p (DECRQM), *y (DECRQCRA), and all
 * that nobody knew in 2024.
 */
static const struct csi_rule {
	char prefix, intermediate;
	const char *finals;
} csi_rules[] = {
	{0, 0, "@ABCDEFGHIJKLMPSTXZ`abdefghlmrsu"},
	{'?', 0, "hlJK"},
	{'>', 0, "mu"},
	{'=', 0, "u"},
	{'<', 0, "u"},
	{0, '!', "p"},
	{0, ' ', "q@A"},
	{0, '"', "q"},
	{0, '$', "rtvxz{"},
	{0, '*', "x"},
	{0, '\'', "}~"},
	{0, '#', "{}pq"},
};

/* ESC and one byte. Z (DECID) asks; ESC \ alone ends nothing. */
static const char escape_finals[] = "6789=>DEHMNOno|}~";
/* ESC, one intermediate byte, any final: character sets; double height. */
static const char escape_intermediates[] = "()*+-./#";

/* Modes of CSI h and l that pass: none that makes the terminal report (1004, 2031, 2048), wait
 * (1001, 2026), speak another language (2: VT52) or lock its keyboard. */
static const uint16_t dec_modes[] = {1, 3, 4, 5, 6, 7, 8, 9, 12, 25, 40, 45, 47, 66, 67, 69, 1000,
	1002, 1003, 1005, 1006, 1007, 1015, 1016, 1034, 1035, 1036, 1039, 1047, 1048, 1049, 2004,
	2027};
static const uint16_t ansi_modes[] = {4, 20};

/* Those of them that change what the terminal types: keys, mouse, pasting. */
static const uint16_t dec_key_modes[] = {1, 8, 9, 66, 67, 1000, 1002, 1003, 1005, 1006, 1007, 1015,
	1016, 1034, 1035, 1036, 1039, 2004};
static const uint16_t ansi_key_modes[] = {20};

static bool is_one_of(int mode, const uint16_t *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i] == mode)
			return true;
	}
	return false;
}
#define IS_ONE_OF(mode, list) is_one_of(mode, list, sizeof(list) / sizeof(*(list)))

/* Firmware switches wrapping off and leaves it so: then the kernel's lines would be cut. */
static bool is_cutting(const struct replay_filter *f, const struct vt_csi *csi, int mode)
{
	return csi->prefix && mode == 7 && csi->final == 'l' && !f->modes.alternate;
}

static bool mode_passes(const struct replay_filter *f, char prefix, int mode)
{
	if (prefix)
		return IS_ONE_OF(mode, dec_modes) &&
		       !(f->terminal.foreign_keyboard && IS_ONE_OF(mode, dec_key_modes));
	return IS_ONE_OF(mode, ansi_modes) &&
	       !(f->terminal.foreign_keyboard && IS_ONE_OF(mode, ansi_key_modes));
}

/* Keyboard protocols: xterm's modifyOtherKeys, kitty's. */
static bool is_for_keys(const struct vt_csi *csi)
{
	return (csi->prefix == '>' || csi->prefix == '=' || csi->prefix == '<') &&
	       !csi->intermediate;
}

/* Set or reset mode, with the modes that do not pass left out. */
static size_t write_modes(const struct replay_filter *f, const struct vt_csi *csi, uint8_t *out)
{
	size_t n = 0, at = 0, count = 0;
	int value;

	out[n++] = 0x1b;
	out[n++] = '[';
	if (csi->prefix)
		out[n++] = (uint8_t)csi->prefix;
	for (;;) {
		size_t start = at;

		if (!vt_csi_next(csi, &at, &value))
			break;
		if (!mode_passes(f, csi->prefix, value) || is_cutting(f, csi, value))
			continue;
		if (count++)
			out[n++] = ';';
		memcpy(out + n, csi->params + start, at - 1 - start);
		n += at - 1 - start;
	}
	out[n++] = (uint8_t)csi->final;
	return count ? n : 0;
}

static size_t write_csi(struct replay_filter *f, uint8_t *out)
{
	struct vt_csi csi;

	vt_csi_parse(f->scan.seq, f->scan.len, &csi);
	if (f->terminal.foreign_keyboard && is_for_keys(&csi))
		return 0;
	for (size_t i = 0; i < sizeof(csi_rules) / sizeof(*csi_rules); i++) {
		const struct csi_rule *rule = &csi_rules[i];

		if (rule->prefix != csi.prefix || rule->intermediate != csi.intermediate)
			continue;
		if (!strchr(rule->finals, csi.final))
			return 0;
		if (!csi.intermediate && (csi.final == 'h' || csi.final == 'l'))
			return write_modes(f, &csi, out);
		/* With several parameters this is xterm's mouse highlighting, which waits. */
		if (!csi.prefix && csi.final == 'T' && memchr(csi.params, ';', csi.params_len))
			return 0;
		if (!csi.intermediate && csi.final == 'J')
			return replay_clear_erase(f, &csi, out);
		return replay_copy_token(&f->scan, out);
	}
	return 0;
}

static size_t write_escape(struct replay_filter *f, uint8_t *out)
{
	const struct vt_scan *s = &f->scan;

	if (s->len == 2 && f->terminal.foreign_keyboard && strchr("=>", s->seq[1]))
		return 0; /* the keypad */
	if (s->len == 2 && s->seq[1] == 'c')
		return replay_clear_reset(f, out);
	if (s->len == 2)
		return strchr(escape_finals, s->seq[1]) ? replay_copy_token(s, out) : 0;
	return s->len == 3 && strchr(escape_intermediates, s->seq[1]) ? replay_copy_token(s, out)
								      : 0;
}

static size_t write_token(struct replay_filter *f, uint8_t *out)
{
	const struct vt_scan *s = &f->scan;

	switch (s->token) {
	case VT_TEXT:
		return replay_copy_token(s, out);
	case VT_CONTROL:
		if (s->control == ENQ || s->control == BEL)
			return 0;
		out[0] = s->control;
		return 1;
	case VT_ESCAPE:
		return write_escape(f, out);
	case VT_CSI_SEQ:
		return write_csi(f, out);
	case VT_NOTHING:
	case VT_STRING_DONE:
	case VT_BROKEN:
		break;
	}
	return 0;
}

/* A token, and what follows from it for those to come. */
static size_t pass_token(struct replay_filter *f, uint8_t *out)
{
	size_t n;

	if (f->terminal.as_lines)
		return replay_lines_write(f, out);
	n = write_token(f, out);
	if (n == 0)
		return 0;
	if (f->scan.token == VT_TEXT) {
		replay_clear_note_text(f);
		return n;
	}
	replay_modes_feed(&f->modes, out, n);
	replay_clear_note(f);
	return n;
}

void replay_filter_init(struct replay_filter *f)
{
	memset(f, 0, sizeof(*f));
	vt_scan_init(&f->scan);
	replay_modes_init(&f->modes);
	replay_clear_init(f);
}

void replay_filter_init_cut(struct replay_filter *f)
{
	replay_filter_init(f);
	f->skip = REPLAY_CUT_MAX;
}

/* Returns how many of the first bytes are left out. */
static size_t skip_cut(struct replay_filter *f, const uint8_t *in, size_t len)
{
	size_t i = 0;

	while (i < len && f->skip) {
		if (in[i] == ESC && REPLAY_CUT_MAX - f->skip >= CUT_LINE) {
			f->skip = 0;
			break;
		}
		f->skip = in[i++] == '\n' ? 0 : f->skip - 1;
	}
	return i;
}

void replay_filter_init_after(struct replay_filter *f, const struct replay_modes *before)
{
	replay_filter_init(f);
	f->scan = before->scan;
	f->modes = *before;
	vt_scan_init(&f->modes.scan);
}

size_t replay_filter(struct replay_filter *f, const uint8_t *in, size_t len, uint8_t *out,
	size_t room, size_t *consumed)
{
	size_t i = skip_cut(f, in, len), n = 0;

	while (i < len && room - n >= REPLAY_ROOM) {
		/* Most bytes are plain text. */
		if (f->scan.state == VT_GROUND && in[i] >= 0x20 && in[i] < 0x7f &&
			!f->terminal.as_lines) {
			replay_clear_note_text(f);
			out[n++] = in[i++];
			continue;
		}
		i += vt_scan_byte(&f->scan, in[i]);
		n += pass_token(f, out + n);
	}
	*consumed = i;
	return n;
}

size_t replay_filter_join(struct replay_filter *f, const uint8_t *in, size_t len, uint8_t *out,
	size_t room, size_t *consumed, bool *done)
{
	size_t i = 0, n = 0;

	while (i < len && room - n >= REPLAY_ROOM && f->scan.state != VT_GROUND &&
		f->joined < REPLAY_JOIN_MAX) {
		bool taken = vt_scan_byte(&f->scan, in[i]);

		i += taken;
		f->joined += taken;
		n += pass_token(f, out + n);
	}
	if (f->joined >= REPLAY_JOIN_MAX)
		vt_scan_init(&f->scan);
	*done = f->scan.state == VT_GROUND;
	*consumed = i;
	return n;
}

const char *replay_prologue(size_t *len)
{
	/*
	 * CAN; soft reset; main screen by 47, which leaves the cursor alone as 1049 does not; then
	 * what a soft reset leaves as it is, or a terminal without one needs; at last what moves
	 * the cursor home, between save and restore.
	 */
	static const char bytes[] =
		"\x18\x1b[!p\x1b[?47l"
		"\x1b[?1;5;9;45;69;1000;1002;1003;1004;1005;1006;1015;1016;2004l\x1b[?7;25h"
		"\x1b[4;20l\x1b>\x1b[>4m\x0f\x1b(B\x1b)B\x1b[0m\x1b[0 q"
		"\x1b"
		"7\x1b[r\x1b[?6l\x1b"
		"8";

	*len = sizeof(bytes) - 1;
	return bytes;
}
