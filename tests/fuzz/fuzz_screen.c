/*
 * Output on a screen: within its bounds, and what a row tells is text without control characters,
 * whatever was printed and however it was cut.
 *
 * Input: columns, rows, the length of a piece, the output. A piece of length 0 begins with a cut.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "worker/screen/screen.h"

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
	if (feed(s, data + 3, size - 3, data[2]))
		check_rows(s, data[0], data[1]);
	screen_destroy(&s);
	return 0;
}
