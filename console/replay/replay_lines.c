/*
 * Output as lines to read: text, its colours, and what moves within a line. Nothing that hides a
 * line, writes over one, or needs a screen of some size.
 *
 * What is drawn by moving the cursor to a row becomes a line of its own; what is drawn on the
 * alternate screen is left out. Character sets are, for what is left in one makes all lines behind
 * it unreadable.
 *
 * Owner: the filter.
 */
#include <string.h>

#include "console/replay/replay_filter.h"

#define CONCEAL (1U << 8) /* SGR 8 */

static size_t end_line(struct replay_filter *f, uint8_t *out)
{
	size_t n = f->is_in_line ? 2 : 0;

	memcpy(out, "\r\n", n);
	f->is_in_line = false;
	f->width = 0;
	f->row = 0;
	return n;
}

/* CUP: goes on in the line if it is the same row and further to the right. */
static size_t move_to(struct replay_filter *f, const struct vt_csi *csi, uint8_t *out)
{
	int row = 1, column = 1;
	size_t at = 0, n = 0;

	if (vt_csi_next(csi, &at, &row))
		(void)vt_csi_next(csi, &at, &column);
	row = row < 1 ? 1 : row;
	column = column < 1 ? 1 : column;
	if (row != f->row || (unsigned)column <= f->width)
		n = end_line(f, out);
	else if ((unsigned)column > f->width + 1 && f->is_in_line)
		out[n++] = ' ';
	f->row = row;
	f->width = (unsigned)column - 1;
	return n;
}

static size_t write_erase(struct replay_filter *f, const struct vt_csi *csi, uint8_t *out)
{
	static const char rest_of_line[] = "\x1b[K";
	size_t at = 0;
	int value = 0;

	if (vt_csi_next(csi, &at, &value) && value > 0)
		return end_line(f, out);
	memcpy(out, rest_of_line, sizeof(rest_of_line) - 1);
	return sizeof(rest_of_line) - 1;
}

static size_t write_csi(struct replay_filter *f, uint8_t *out)
{
	struct vt_csi csi;

	vt_csi_parse(f->scan.seq, f->scan.len, &csi);
	if (csi.prefix || csi.intermediate)
		return 0;
	if (csi.final == 'm')
		return f->modes.sgr.attributes & CONCEAL ? 0 : replay_copy_token(&f->scan, out);
	if (strchr("@CDGKPX`a", csi.final))
		return replay_copy_token(&f->scan, out);
	if (csi.final == 'J')
		return write_erase(f, &csi, out);
	if (csi.final == 'H' || csi.final == 'f')
		return move_to(f, &csi, out);
	return strchr("ABEFLMSTderu", csi.final) ? end_line(f, out) : 0;
}

static size_t write_control(struct replay_filter *f, uint8_t *out)
{
	switch (f->scan.control) {
	case '\n':
	case '\v':
	case '\f':
		f->is_in_line = false;
		f->row = 0;
		f->width = 0;
		out[0] = '\n';
		return 1;
	case '\r':
		f->width = 0;
		out[0] = '\r';
		return 1;
	case '\b':
	case '\t':
		out[0] = f->scan.control;
		return 1;
	default:
		return 0;
	}
}

static size_t write_sequence(struct replay_filter *f, uint8_t *out)
{
	bool was_alternate = f->modes.alternate;

	replay_modes_feed(&f->modes, f->scan.seq, f->scan.len);
	if (was_alternate || f->modes.alternate)
		return was_alternate ? 0 : end_line(f, out);
	if (f->scan.token == VT_CSI_SEQ)
		return write_csi(f, out);
	return f->scan.len == 2 && strchr("8DEMc", f->scan.seq[1]) ? end_line(f, out) : 0;
}

size_t replay_lines_write(struct replay_filter *f, uint8_t *out)
{
	switch (f->scan.token) {
	case VT_TEXT:
		if (f->modes.alternate)
			return 0;
		f->is_in_line = true;
		f->width++;
		return replay_copy_token(&f->scan, out);
	case VT_CONTROL:
		return f->modes.alternate ? 0 : write_control(f, out);
	case VT_ESCAPE:
	case VT_CSI_SEQ:
		return write_sequence(f, out);
	case VT_NOTHING:
	case VT_STRING_DONE:
	case VT_BROKEN:
		break;
	}
	return 0;
}
