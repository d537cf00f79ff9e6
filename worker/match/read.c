/*
 * Task: see read.h. May not know lines: it says what is done to one, and keeps none.
 */
#include "worker/match/read.h"

#include <string.h>

void match_reader_init(struct match_reader *r, bool raw)
{
	vt_scan_init(&r->scan);
	r->raw = raw;
}

static size_t plain_text(const uint8_t *data, size_t len)
{
	size_t i = 0;

	while (i < len && data[i] >= 0x20 && data[i] < 0x7f)
		i++;
	return i;
}

size_t match_reader_plain(const struct match_reader *r, const uint8_t *data, size_t len)
{
	const uint8_t *newline;

	if (!r->raw)
		return r->scan.state == VT_GROUND ? plain_text(data, len) : 0;
	newline = memchr(data, '\n', len);
	return newline ? (size_t)(newline - data) : len;
}

/* Bytes that are no UTF-8 count as one replacement character, so that a text always is UTF-8. */
static void put_character(const struct vt_scan *s, struct match_edit *edit)
{
	static const uint8_t replacement[] = {0xef, 0xbf, 0xbd}; /* U+FFFD */
	bool foreign = s->len == 1 && s->seq[0] >= 0x80;

	if (s->len == 1 && s->seq[0] == 0x7f)
		return;
	edit->kind = MATCH_EDIT_PUT;
	edit->len = foreign ? sizeof(replacement) : s->len;
	edit->width = s->len;
	memcpy(edit->text, foreign ? replacement : s->seq, edit->len);
}

static void read_control(uint8_t control, struct match_edit *edit)
{
	switch (control) {
	case '\n':
	case '\v':
	case '\f':
		edit->kind = MATCH_EDIT_LINE;
		break;
	case '\r':
		edit->kind = MATCH_EDIT_RETURN;
		break;
	case '\b':
		edit->kind = MATCH_EDIT_BACK;
		edit->count = 1;
		break;
	case '\t':
		edit->kind = MATCH_EDIT_PUT;
		edit->text[0] = '\t';
		edit->len = edit->width = 1;
		break;
	default:
		break;
	}
}

/* IND, NEL, RI, RIS. */
static void read_escape(const struct vt_scan *s, struct match_edit *edit)
{
	if (s->len == 2 && strchr("DEMc", s->seq[1]))
		edit->kind = MATCH_EDIT_LEAVE;
}

/* The first parameter; missing when there is none, or it is no number. */
static unsigned parameter(const struct vt_csi *csi, unsigned missing)
{
	size_t at = 0;
	int value;

	return vt_csi_next(csi, &at, &value) && value >= 0 ? (unsigned)value : missing;
}

static void move(struct match_edit *edit, enum match_edit_kind kind, unsigned count)
{
	edit->kind = kind;
	edit->count = count ? count : 1;
}

static void read_csi(const struct vt_scan *s, struct match_edit *edit)
{
	struct vt_csi csi;

	vt_csi_parse(s->seq, s->len, &csi);
	if (csi.prefix || csi.intermediate)
		return;
	switch (csi.final) {
	case 'A': /* CUU, CUD, CNL, CPL, CUP, HVP, VPA */
	case 'B':
	case 'E':
	case 'F':
	case 'H':
	case 'f':
	case 'd':
		edit->kind = MATCH_EDIT_LEAVE;
		break;
	case 'C': /* CUF */
		move(edit, MATCH_EDIT_FORWARD, parameter(&csi, 1));
		break;
	case 'D': /* CUB */
		move(edit, MATCH_EDIT_BACK, parameter(&csi, 1));
		break;
	case 'G': /* CHA; other columns are left where they are: most are gaps in a table */
		if (parameter(&csi, 1) <= 1)
			edit->kind = MATCH_EDIT_RETURN;
		break;
	case 'J': /* ED */
		if (parameter(&csi, 0) == 0)
			edit->kind = MATCH_EDIT_ERASE;
		else if (parameter(&csi, 0) > 1)
			edit->kind = MATCH_EDIT_LEAVE;
		break;
	case 'K': /* EL */
		if (parameter(&csi, 0) == 0)
			edit->kind = MATCH_EDIT_ERASE;
		else if (parameter(&csi, 0) == 2)
			edit->kind = MATCH_EDIT_CLEAR;
		break;
	default:
		break;
	}
}

static bool read_text(struct match_reader *r, uint8_t byte, struct match_edit *edit)
{
	struct vt_scan *s = &r->scan;
	bool taken;

	/* A terminal would wait for the end of a string for ever; a guest that was reset in the
	 * middle of one must not be deaf. */
	if (byte == '\n' && (s->state == VT_STRING || s->state == VT_STRING_ESC))
		vt_scan_init(s);
	taken = vt_scan_byte(s, byte);
	switch (s->token) {
	case VT_TEXT:
		put_character(s, edit);
		break;
	case VT_CONTROL:
		read_control(s->control, edit);
		break;
	case VT_ESCAPE:
		read_escape(s, edit);
		break;
	case VT_CSI_SEQ:
		read_csi(s, edit);
		break;
	case VT_NOTHING:
	case VT_STRING_DONE:
	case VT_BROKEN:
		break;
	}
	return taken;
}

bool match_reader_byte(struct match_reader *r, uint8_t byte, struct match_edit *edit)
{
	edit->kind = MATCH_EDIT_NONE;
	edit->count = 0;
	edit->len = edit->width = 0;
	if (!r->raw)
		return read_text(r, byte, edit);
	edit->kind = byte == '\n' ? MATCH_EDIT_LINE : MATCH_EDIT_PUT;
	edit->text[0] = byte;
	edit->len = edit->width = 1;
	return true;
}
