/*
 * Output on a screen: within its bounds, and what a row tells is text without control characters,
 * whatever was printed and however it was cut. Its repaint is no longer than the cells need.
 * Another screen of the size that is fed it is the same: its repaint is. One that is fed what the
 * filter lets through of it, as a viewer's terminal is, shows the same.
 *
 * Input: columns, rows, the length of a piece, the output. A piece of length 0 begins with a cut.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "console/replay/replay.h"
#include "worker/screen/screen.h"
#include "worker/screen/screen_repaint.h"

#define CHECK(x)                                                                                   \
	do {                                                                                       \
		if (!(x))                                                                          \
			abort();                                                                   \
	} while (0)

static void check_text(const char *text, size_t len)
{
	unsigned char before = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		CHECK(c >= 0x20 && c != 0x7f);
		CHECK(before != 0xc2 || c >= 0xa0); /* U+0080 to U+009F are controls too */
		before = c;
	}
}

static void check_rows(struct screen *s, unsigned columns, unsigned rows)
{
	static char text[SCREEN_ROW_MAX];
	struct screen_cursor cursor;

	screen_look(s, &cursor);
	CHECK(cursor.row < rows && cursor.column <= columns);
	for (unsigned row = 0; row < rows; row++) {
		size_t len = screen_row(s, row, text);

		CHECK(len < SCREEN_ROW_MAX && strlen(text) == len);
		check_text(text, len);
	}
}

/* What the filter lets through of it reaches another screen. Returns whether that could be drawn.
 */
static bool repaint(const struct screen *s, struct screen *late, size_t most)
{
	static char part[SCREEN_REPAINT_ROOM];
	static uint8_t out[SCREEN_REPAINT_ROOM + REPLAY_ROOM];
	struct replay_filter filter;
	struct screen_repaint p;
	size_t total = 0, len, used;

	replay_filter_init(&filter);
	screen_repaint_init(&p, s, "mark");
	while ((len = screen_repaint_write(&p, s, part)) > 0) {
		size_t n = replay_filter(&filter, (uint8_t *)part, len, out, sizeof(out), &used);

		total += len;
		CHECK(len <= sizeof(part) && used == len && total <= most);
		for (size_t at = 0; at < n; at += used) {
			if (screen_feed(late, out + at, n - at, &used) < 0)
				return false;
		}
	}
	return true;
}

static void check_same(struct screen *a, struct screen *b, unsigned rows)
{
	static char text_a[SCREEN_ROW_MAX], text_b[SCREEN_ROW_MAX];
	struct screen_cursor at_a, at_b;

	screen_look(a, &at_a);
	screen_look(b, &at_b);
	CHECK(at_a.column == at_b.column && at_a.row == at_b.row);
	CHECK(at_a.hidden == at_b.hidden && at_a.alternate == at_b.alternate);
	for (unsigned row = 0; row < rows; row++) {
		screen_row(a, row, text_a);
		screen_row(b, row, text_b);
		CHECK(strcmp(text_a, text_b) == 0);
	}
}

static bool feed_all(struct screen *s, const uint8_t *data, size_t len)
{
	size_t used;

	for (; len > 0; data += used, len -= used) {
		if (screen_feed(s, data, len, &used) < 0)
			return false;
	}
	return true;
}

static bool copy(const struct screen *s, struct screen *to)
{
	static char part[SCREEN_REPAINT_ROOM];
	struct screen_repaint p;
	size_t len;

	screen_repaint_init(&p, s, "mark");
	while ((len = screen_repaint_write(&p, s, part)) > 0) {
		if (!feed_all(to, (uint8_t *)part, len))
			return false;
	}
	return true;
}

static void check_same_repaint(const struct screen *s, const struct screen *other)
{
	static char part_a[SCREEN_REPAINT_ROOM], part_b[SCREEN_REPAINT_ROOM];
	struct screen_repaint a, b;
	size_t len;

	screen_repaint_init(&a, s, "mark");
	screen_repaint_init(&b, other, "mark");
	do {
		len = screen_repaint_write(&a, s, part_a);
		CHECK(screen_repaint_write(&b, other, part_b) == len);
		CHECK(memcmp(part_a, part_b, len) == 0);
	} while (len > 0);
}

/* One erased cell may become a blank: behind the last column. */
static void check_copies(struct screen *s, unsigned columns, unsigned rows)
{
	struct screen *copies[2];

	CHECK(screen_create(columns, rows, &copies[0]) == 0);
	CHECK(screen_create(columns, rows, &copies[1]) == 0);
	if (copy(s, copies[0]) && copy(copies[0], copies[1])) {
		check_same(s, copies[0], rows);
		check_same_repaint(copies[0], copies[1]);
	}
	screen_destroy(&copies[0]);
	screen_destroy(&copies[1]);
}

static void check_repaint(struct screen *s, unsigned columns, unsigned rows)
{
	struct screen *late;

	if (columns < 4) /* the mark fits in a row */
		return;
	check_copies(s, columns, rows);
	CHECK(screen_create(columns, rows, &late) == 0);
	if (repaint(s, late, SCREEN_REPAINT_MAX(columns, rows)))
		check_same(s, late, rows);
	screen_destroy(&late);
}

/* False: it costs more than a screen may. */
static bool feed(struct screen *s, const uint8_t *data, size_t size, size_t piece)
{
	size_t used;

	if (piece == 0)
		screen_cut(s);
	while (size > 0) {
		size_t len = piece && piece < size ? piece : size;

		if (screen_feed(s, data, len, &used) < 0)
			return false;
		CHECK(used > 0 && used <= len);
		data += used;
		size -= used;
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct screen *s;

	if (size < 3)
		return 0;
	if (screen_create(data[0], data[1], &s) < 0)
		return 0;
	if (feed(s, data + 3, size - 3, data[2])) {
		check_rows(s, data[0], data[1]);
		check_repaint(s, data[0], data[1]);
	}
	screen_destroy(&s);
	return 0;
}
