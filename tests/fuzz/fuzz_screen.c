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

static void check_rows(struct screen *s, unsigned columns, unsigned rows)
{
	static char text[SCREEN_ROW_MAX];
	struct screen_cursor cursor;

	CHECK(screen_look(s, &cursor) == 0);
	CHECK(cursor.row < rows && cursor.column <= columns);
	for (unsigned row = 0; row < rows; row++) {
		size_t len = screen_row(s, row, text);

		CHECK(len < SCREEN_ROW_MAX && strlen(text) == len);
		for (size_t i = 0; i < len; i++)
			CHECK((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
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
