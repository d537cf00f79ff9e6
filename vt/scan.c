/*
 * The scanner of terminal output.
 *
 * Owner: whoever embeds it. May not know what a sequence does.
 */
#include "vt/scan.h"

#include <string.h>

#define ESC 0x1b
#define CAN 0x18
#define SUB 0x1a
#define BEL 0x07
#define ST_8BIT 0x9c

/* Continuation bytes after a first byte; 0 when it is none. */
static uint8_t utf8_more(uint8_t byte)
{
	if (byte >= 0xc2 && byte <= 0xdf)
		return 1;
	if (byte >= 0xe0 && byte <= 0xef)
		return 2;
	if (byte >= 0xf0 && byte <= 0xf4)
		return 3;
	return 0;
}

/* Whether byte may stand second: no overlong forms, surrogates, or beyond U+10FFFF. */
static bool utf8_second(uint8_t first, uint8_t byte)
{
	switch (first) {
	case 0xe0:
		return byte >= 0xa0 && byte <= 0xbf;
	case 0xed:
		return byte >= 0x80 && byte <= 0x9f;
	case 0xf0:
		return byte >= 0x90 && byte <= 0xbf;
	case 0xf4:
		return byte >= 0x80 && byte <= 0x8f;
	default:
		return byte >= 0x80 && byte <= 0xbf;
	}
}

static bool end(struct vt_scan *s, enum vt_token token)
{
	s->state = VT_GROUND;
	s->token = token;
	return true;
}

static void begin(struct vt_scan *s, enum vt_state state, uint8_t byte)
{
	s->state = state;
	s->seq[0] = byte;
	s->len = 1;
}

static bool control(struct vt_scan *s, uint8_t byte)
{
	s->control = byte;
	s->token = VT_CONTROL;
	return true;
}

static bool ground(struct vt_scan *s, uint8_t byte)
{
	if (byte == ESC) {
		begin(s, VT_ESC, byte);
		return true;
	}
	if (byte < 0x20)
		return control(s, byte);
	begin(s, VT_GROUND, byte);
	s->wanted = utf8_more(byte);
	if (s->wanted)
		s->state = VT_UTF8;
	else /* a lone C1 control is no text on an UTF-8 terminal, and worse on others */
		s->token = byte >= 0x80 && byte <= 0x9f ? VT_BROKEN : VT_TEXT;
	return true;
}

static bool utf8(struct vt_scan *s, uint8_t byte)
{
	bool good = s->len == 1 ? utf8_second(s->seq[0], byte) : (byte & 0xc0) == 0x80;

	if (!good) {
		/* Kept as it is, in case the terminal is a Latin-1 one; but no C1 control is. */
		s->len = 1;
		end(s, VT_TEXT);
		return false;
	}
	s->seq[s->len++] = byte;
	if (--s->wanted)
		return true;
	bool c1 = s->seq[0] == 0xc2 && byte <= 0x9f;

	return end(s, c1 ? VT_BROKEN : VT_TEXT);
}

/* What all states after ESC share. True: *taken says what became of the byte. */
static bool sequence_common(struct vt_scan *s, uint8_t byte, bool *taken)
{
	*taken = true;
	if (byte == ESC)
		begin(s, VT_ESC, byte);
	else if (byte == CAN || byte == SUB) {
		s->state = VT_GROUND;
		control(s, byte);
	} else if (byte < 0x20)
		control(s, byte);
	else if (byte >= 0x80) {
		end(s, VT_BROKEN);
		*taken = false;
	} else if (byte != 0x7f)
		return false;
	return true;
}

static bool escape(struct vt_scan *s, uint8_t byte)
{
	bool taken;

	if (sequence_common(s, byte, &taken))
		return taken;
	if (s->len == VT_SEQ_MAX)
		return end(s, VT_BROKEN);
	s->seq[s->len++] = byte;
	if (byte < 0x30)
		return true;
	if (s->len > 2)
		return end(s, VT_ESCAPE);
	s->previous = 0;
	s->wanted = 0;
	if (byte == '[')
		s->state = VT_CSI;
	else if (byte == ']' || byte == 'k')
		s->state = VT_OSC;
	else if (strchr("PX^_", byte))
		s->state = VT_STRING;
	else
		return end(s, VT_ESCAPE);
	return true;
}

static bool csi(struct vt_scan *s, uint8_t byte)
{
	bool taken;

	if (sequence_common(s, byte, &taken))
		return taken;
	bool final = byte >= 0x40;

	if (s->state == VT_CSI_IGNORE)
		return final ? end(s, VT_BROKEN) : true;
	bool param = byte >= 0x30 && !final, private = byte >= 0x3c && param;
	bool after_intermediate = s->seq[s->len - 1] < 0x30;

	if (s->len == VT_SEQ_MAX || (param && after_intermediate) || (private && s->len > 2)) {
		s->state = VT_CSI_IGNORE;
		return final ? end(s, VT_BROKEN) : true;
	}
	s->seq[s->len++] = byte;
	return final ? end(s, VT_CSI_SEQ) : true;
}

/* Whether byte is an 8-bit string terminator and not the middle of a character. */
static bool is_8bit_end(struct vt_scan *s, uint8_t byte)
{
	bool inside = s->wanted > 0 && (byte & 0xc0) == 0x80;
	bool is_end = byte == ST_8BIT && (!inside || s->previous == 0xc2);

	s->wanted = inside ? s->wanted - 1 : utf8_more(byte);
	s->previous = byte;
	return is_end;
}

static bool string(struct vt_scan *s, uint8_t byte)
{
	bool osc = s->state == VT_OSC;

	if (byte == ESC) {
		s->state = VT_STRING_ESC;
		return true;
	}
	if (byte == CAN || byte == SUB) {
		s->state = VT_GROUND;
		return control(s, byte);
	}
	if (osc && (byte == '\r' || byte == '\n')) {
		/* No OSC holds a line end: its own end was lost, e.g. in a reset. */
		end(s, VT_BROKEN);
		return false;
	}
	if (is_8bit_end(s, byte) || (osc && byte == BEL))
		return end(s, VT_STRING_DONE);
	/* console_codes(4): ESC ] R and ESC ] P nrrggbb have no terminator. */
	bool first = osc && s->seq[1] == ']' && s->len == 2;

	if (first) {
		s->len++;
		if (byte == 'R')
			return end(s, VT_STRING_DONE);
		if (byte == 'P') {
			s->state = VT_PALETTE;
			s->wanted = 7;
		}
	}
	return true;
}

static bool palette(struct vt_scan *s, uint8_t byte)
{
	if (!byte || !strchr("0123456789abcdefABCDEF", byte)) {
		end(s, VT_BROKEN);
		return false;
	}
	return --s->wanted ? true : end(s, VT_STRING_DONE);
}

bool vt_scan_byte(struct vt_scan *s, uint8_t byte)
{
	s->token = VT_NOTHING;
	switch (s->state) {
	case VT_GROUND:
		return ground(s, byte);
	case VT_UTF8:
		return utf8(s, byte);
	case VT_ESC:
		return escape(s, byte);
	case VT_CSI:
	case VT_CSI_IGNORE:
		return csi(s, byte);
	case VT_OSC:
	case VT_STRING:
		return string(s, byte);
	case VT_PALETTE:
		return palette(s, byte);
	case VT_STRING_ESC:
		if (byte == '\\')
			return end(s, VT_STRING_DONE);
		begin(s, VT_ESC, ESC);
		s->token = VT_BROKEN;
		return false;
	}
	return true;
}

void vt_csi_parse(const uint8_t *seq, size_t len, struct vt_csi *c)
{
	size_t at = 2, last = len - 1;

	memset(c, 0, sizeof(*c));
	c->final = (char)seq[last];
	if (at < last && seq[at] >= 0x3c && seq[at] <= 0x3f)
		c->prefix = (char)seq[at++];
	c->params = (const char *)seq + at;
	while (at < last && seq[at] >= 0x30)
		at++;
	c->params_len = (size_t)((const char *)seq + at - c->params);
	if (last - at == 1)
		c->intermediate = (char)seq[at];
	else if (last > at)
		c->intermediate = 1;
}

bool vt_csi_next(const struct vt_csi *c, size_t *at, int *value)
{
	if (*at > c->params_len)
		return false;
	*value = -1;
	for (; *at < c->params_len && c->params[*at] != ';'; ++*at) {
		char ch = c->params[*at];

		if (ch < '0' || ch > '9' || *value == -2) {
			*value = -2;
			continue;
		}
		*value = (*value < 0 ? 0 : *value * 10) + (ch - '0');
		if (*value > 65535)
			*value = -2;
	}
	++*at;
	return true;
}

bool vt_csi_next_param(const struct vt_csi *c, size_t *at, struct vt_param *param)
{
	int *value = &param->value;

	memset(param, 0, sizeof(*param));
	if (*at > c->params_len)
		return false;
	for (; *at < c->params_len && c->params[*at] != ';'; ++*at) {
		char ch = c->params[*at];

		if (ch == ':') {
			if (param->count < VT_SUBS_MAX)
				param->count++;
			value = &param->subs[param->count - 1];
		} else if (ch >= '0' && ch <= '9' && *value <= VT_VALUE_MAX / 10 - 1)
			*value = *value * 10 + (ch - '0');
	}
	++*at;
	return true;
}
