/*
 * Task: the screen of the screen worker as a terminal, for test_screen_terminals.py.
 *
 * Input and output are those of replay_vterm.c, of which there is SCREEN only, and no attributes.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "worker/screen/screen.h"

#define ROWS 24
#define COLUMNS 80
#define FRAME_MAX ((size_t)4 << 20)

static bool draw(struct screen *s, const uint8_t *bytes, size_t len)
{
	size_t used;

	for (; len > 0; bytes += used, len -= used) {
		if (screen_feed(s, bytes, len, &used) < 0)
			return false;
	}
	return true;
}

static void put_screen(FILE *out, const struct screen *s)
{
	char text[SCREEN_ROW_MAX];
	struct screen_cursor cursor;

	screen_look(s, &cursor);
	fprintf(out, "\n%u,%u\n", cursor.column < COLUMNS ? cursor.column : COLUMNS - 1,
		cursor.row);
	for (unsigned row = 0; row < ROWS; row++) {
		(void)screen_row(s, row, text);
		fprintf(out, "%s\n", text);
	}
}

static bool answer(const uint8_t *bytes, size_t len)
{
	struct screen *s;
	char *text = NULL;
	size_t text_len;
	FILE *out;
	bool done;

	if (screen_create(COLUMNS, ROWS, &s) < 0)
		return false;
	out = open_memstream(&text, &text_len);
	done = out && draw(s, bytes, len);
	if (done)
		put_screen(out, s);
	screen_destroy(&s);
	if (!out || fclose(out) != 0 || !done) {
		free(text);
		return false;
	}
	printf("%zu\n", text_len);
	fwrite(text, 1, text_len, stdout);
	free(text);
	return fflush(stdout) == 0;
}

int main(void)
{
	static uint8_t bytes[FRAME_MAX];
	char line[64];

	while (fgets(line, sizeof(line), stdin)) {
		size_t len = 0;

		if (sscanf(line, "SCREEN %zu", &len) != 1 || len > sizeof(bytes) ||
			fread(bytes, 1, len, stdin) != len || !answer(bytes, len))
			return 1;
	}
	return 0;
}
