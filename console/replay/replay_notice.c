/*
 * Notices: see replay_notice.h.
 *
 * Where lines scroll by, the cursor stands somewhere in the text and a notice is a line more of it.
 * Where a program draws, the cursor must be where the program has left it: it is saved and brought
 * back, which costs the place that the guest may have saved.
 *
 * Owner: a session. May not know journals, sessions.
 */
#include "console/replay/replay_notice.h"

#include <string.h>

#include "console/replay/replay.h"
#include "console/replay/replay_modes.h"
#include "console/replay/replay_text.h"

#define COLUMNS_UNKNOWN 80
#define ROWS_UNKNOWN 24
#define NEUTRAL "\x0f\x1b(B\x1b[0m" /* ASCII, default colours, visible */

bool replay_notice_is_below(const struct replay_modes *m)
{
	return m->alternate || m->top || replay_has_mode(m, REPLAY_ORIGIN) ||
	       replay_has_mode(m, REPLAY_MARGINS);
}

bool replay_notice_may_stand(const struct replay_modes *m)
{
	if (m->scan.state != VT_GROUND)
		return false;
	return !replay_notice_is_below(m) || !(m->is_kept || m->follows_text);
}

static void put_neutral(struct replay_text *t, const struct replay_sgr *sgr)
{
	if (!replay_sgr_is_default(sgr))
		replay_put(t, NEUTRAL);
}

static void put_back(struct replay_text *t, const struct replay_sgr *sgr)
{
	if (!replay_sgr_is_default(sgr))
		replay_put_sgr(t, sgr);
}

static const char *end_of_line(const char *text, const char *end)
{
	const char *newline = memchr(text, '\n', (size_t)(end - text));

	return newline ? newline : end;
}

/* --- a line of its own --- */

static void write_lines(
	struct replay_text *t, const struct replay_modes *m, const char *text, const char *end)
{
	put_neutral(t, &m->sgr);
	if (replay_has_mode(m, REPLAY_NO_WRAP))
		replay_put(t, "\x1b[?7h");
	if (replay_has_mode(m, REPLAY_INSERT))
		replay_put(t, "\x1b[4l");
	for (const char *next; text < end; text = next + 1) {
		next = end_of_line(text, end);
		replay_put(t, "\r\n%.*s\r\n", (int)(next - text), text);
	}
	if (replay_has_mode(m, REPLAY_NO_WRAP))
		replay_put(t, "\x1b[?7l");
	if (replay_has_mode(m, REPLAY_INSERT))
		replay_put(t, "\x1b[4h");
	put_back(t, &m->sgr);
}

/* --- the last rows --- */

/* Where the row that begins at text ends: after so many columns, a character that is not ASCII
 * being counted as two, which it may take. */
static const char *end_of_row(const char *text, const char *end, unsigned columns)
{
	unsigned used = 0;

	for (; text < end && *text != '\n'; text++) {
		unsigned char byte = (unsigned char)*text;

		used += byte < 0x80 ? 1 : byte >= 0xc0 ? 2 : 0;
		if (used > columns)
			break;
	}
	return text;
}

/* Rows that text takes; at most so many are written, the last ones, from this row of the terminal
 * on. t NULL: they are counted. */
static unsigned write_rows(struct replay_text *t, const char *text, const char *end,
	unsigned columns, unsigned skip, unsigned row)
{
	unsigned count = 0;

	while (text < end) {
		const char *next = end_of_row(text, end, columns);

		if (t && count >= skip)
			replay_put(t, "\x1b[%u;1H\x1b[2K%.*s", row + count - skip,
				(int)(next - text), text);
		count++;
		text = next + (next < end && *next == '\n');
	}
	return count;
}

/* What DECRC will bring back is what the guest has saved, but for the place. */
static void put_saved(struct replay_text *t, const struct replay_modes *m)
{
	replay_put(t, REPLAY_SGR_RESET);
	put_back(t, &m->saved);
	replay_put(t, REPLAY_SAVE REPLAY_SGR_RESET);
	put_back(t, &m->sgr);
}

static void write_below(struct replay_text *t, const struct replay_modes *m,
	struct replay_notice_place place, const char *text, const char *end)
{
	unsigned columns = place.columns > 1 ? place.columns : COLUMNS_UNKNOWN;
	unsigned rows = place.rows ? place.rows : ROWS_UNKNOWN;
	unsigned most = rows < REPLAY_NOTICE_ROWS_MAX ? rows : REPLAY_NOTICE_ROWS_MAX;
	unsigned count = write_rows(NULL, text, end, columns, 0, 0);
	unsigned skip = count > most ? count - most : 0;
	bool is_wrapped = !replay_has_mode(m, REPLAY_NO_WRAP);

	replay_put(t, REPLAY_SAVE);
	if (replay_has_mode(m, REPLAY_ORIGIN))
		replay_put(t, "\x1b[?6l");
	put_neutral(t, &m->sgr);
	replay_put(t, "%s%s", is_wrapped ? "\x1b[?7l" : "",
		replay_has_mode(m, REPLAY_INSERT) ? "\x1b[4l" : "");
	write_rows(t, text, end, columns, skip, rows - (count - skip) + 1);
	replay_put(t, "%s%s", is_wrapped ? "\x1b[?7h" : "",
		replay_has_mode(m, REPLAY_INSERT) ? "\x1b[4h" : "");
	if (replay_has_mode(m, REPLAY_ORIGIN))
		replay_put(t, "\x1b[?6h");
	/* Not all terminals save character sets with the cursor, or origin mode. */
	replay_put(t, REPLAY_RESTORE);
	if (replay_sgr_is_same(&m->saved, &m->sgr))
		put_back(t, &m->sgr);
	else
		put_saved(t, m);
}

size_t replay_notice_write(const struct replay_modes *m, struct replay_notice_place place,
	const char *text, size_t len, char *out, size_t room)
{
	struct replay_text t = {out, 0, room};

	if (replay_notice_is_below(m))
		write_below(&t, m, place, text, text + len);
	else
		write_lines(&t, m, text, text + len);
	return t.len;
}
