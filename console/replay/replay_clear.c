/*
 * What clears the screen in a replay. The lines on it, of the history and of the user's own before
 * it, are scrolled out of it first, so that the terminal keeps them: by line ends in the last row,
 * which is what all terminals keep lines for. The bytes for it are bounded (REPLAY_SPARE_MAX); when
 * they are used up, the screen is cleared as the guest did it, by what keeps what was scrolled out.
 *
 * Owner: the filter. May not know modes but those that say whether a program draws.
 */
#include <string.h>

#include "console/replay/replay_filter.h"
#include "console/replay/replay_notice.h"
#include "console/replay/replay_text.h"

#define COLUMNS_UNKNOWN 80
#define ROWS_UNKNOWN 24
#define ROWS_MAX 1000
#define LAST_ROW "\x1b[9999H"

static unsigned rows_of(const struct replay_filter *f)
{
	unsigned rows = f->terminal.rows ? f->terminal.rows : ROWS_UNKNOWN;

	return rows < ROWS_MAX ? rows : ROWS_MAX;
}

/* What is on the screen at first is the user's. */
void replay_clear_init(struct replay_filter *f)
{
	f->used = ROWS_MAX;
	f->width = 0;
	f->is_home = false;
	f->spare = REPLAY_SPARE_MAX;
}

/* --- how much of the screen there is something on: so many rows from the top at most --- */

static void use_row(struct replay_filter *f)
{
	if (f->used < ROWS_MAX)
		f->used++;
}

void replay_clear_note_text(struct replay_filter *f)
{
	unsigned columns = f->terminal.columns ? f->terminal.columns : COLUMNS_UNKNOWN;

	if (!f->used)
		f->used = f->is_home ? 1 : ROWS_MAX;
	if (++f->width > columns) {
		f->width = 1;
		use_row(f);
	}
}

static void note_line_end(struct replay_filter *f)
{
	if (!f->used)
		f->used = f->is_home ? 1 : ROWS_MAX;
	use_row(f);
}

/* The cursor may be anywhere. */
static void note_move(struct replay_filter *f, bool is_home)
{
	if (f->used)
		f->used = ROWS_MAX;
	f->is_home = is_home;
}

static void note_csi(struct replay_filter *f)
{
	struct vt_csi csi;

	vt_csi_parse(f->scan.seq, f->scan.len, &csi);
	if (csi.prefix || csi.intermediate) {
		if (csi.final == 'h' || csi.final == 'l')
			note_move(f, false); /* the other screen */
	} else if (csi.final == 'H')
		note_move(f, !csi.params_len || !strncmp(csi.params, "1;1", csi.params_len));
	else if (strchr("ABEFLMSTdefru", csi.final))
		note_move(f, false);
}

void replay_clear_note(struct replay_filter *f)
{
	const struct vt_scan *s = &f->scan;

	if (s->token == VT_CSI_SEQ)
		note_csi(f);
	else if (s->token == VT_ESCAPE && (s->len > 2 || strchr("8DEM", s->seq[1])))
		note_move(f, false);
	else if (s->token == VT_CONTROL && s->control >= '\n' && s->control <= '\f')
		note_line_end(f);
	if (s->token == VT_CONTROL && s->control == '\r')
		f->width = 0;
}

/* --- what is sent instead --- */

/* Leaves the cursor in the last row, if there is something to scroll. */
static void scroll_out(struct replay_text *t, const struct replay_filter *f)
{
	static const char line_ends[ROWS_MAX] = {[0 ... ROWS_MAX - 1] = '\n'};
	unsigned rows = f->used < rows_of(f) ? f->used : rows_of(f);

	if (rows)
		replay_put(t, LAST_ROW "%.*s", (int)rows, line_ends);
}

/* Whether so many bytes may be written for the token. */
static bool may_spend(struct replay_filter *f, size_t len)
{
	if (len > f->scan.len + f->spare)
		return false;
	f->spare -= len > f->scan.len ? len - f->scan.len : 0;
	return true;
}

/* CSI 2 J leaves the cursor where it is. Two other sequences do the same: terminals that keep a
 * screen which is erased as a whole would keep the empty one now. */
static size_t erase_all(struct replay_filter *f, uint8_t *out)
{
	struct replay_text t = {(char *)out, 0, REPLAY_ROOM};
	bool draws = replay_notice_is_below(&f->modes) || f->modes.is_kept;

	if (f->used && !draws) {
		replay_put(&t, REPLAY_SAVE);
		scroll_out(&t, f);
		replay_put(&t, REPLAY_RESTORE "\x1b[J\x1b[1J");
	}
	f->used = 0;
	f->is_home = false;
	return t.len && may_spend(f, t.len) ? t.len : replay_copy_token(&f->scan, out);
}

size_t replay_clear_erase(struct replay_filter *f, const struct vt_csi *csi, uint8_t *out)
{
	size_t at = 0;
	int value, first = -1;

	for (bool is_first = true; vt_csi_next(csi, &at, &value); is_first = false) {
		if (value == 3)
			return 0; /* erases what was scrolled out */
		if (is_first)
			first = value;
	}
	return first == 2 && !csi->prefix ? erase_all(f, out) : replay_copy_token(&f->scan, out);
}

size_t replay_clear_reset(struct replay_filter *f, uint8_t *out)
{
	struct replay_text t = {(char *)out, 0, REPLAY_ROOM};

	t.len = replay_modes_undo(&f->modes, f->terminal.columns, t.p, REPLAY_UNDO_ROOM);
	scroll_out(&t, f);
	replay_put(&t, "\x1b[H\x1b[J");
	if (!may_spend(f, t.len)) {
		t.len = 0;
		replay_put(&t, "\r\n");
		return t.len;
	}
	f->used = 0;
	f->width = 0;
	f->is_home = true;
	return t.len;
}
