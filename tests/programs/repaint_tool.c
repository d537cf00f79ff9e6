/*
 * Task: writes what a viewer's terminal is sent whose screen is repainted, for
 * test_repaint_terminals.py.
 *
 * repaint_tool FILE: the bytes of FILE are what a guest prints on a terminal of 80 columns and 24
 * rows. Each line of the input is a number: after so many bytes a viewer comes. The output is a
 * line "LENGTH" and that many bytes, which end where what the guest prints next begins; and a line
 * with the offset of that, behind those of a sequence that was in the middle.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console/replay/replay.h"
#include "worker/screen/screen.h"
#include "worker/screen/screen_repaint.h"

#define COLUMNS 80
#define ROWS 24
#define FILE_MAX ((size_t)1 << 20)
#define MARK "[vmconsoled: live output from offset 1]"

static uint8_t out[4 * FILE_MAX];
static size_t out_len;

static void put(const void *p, size_t len)
{
	memcpy(out + out_len, p, len);
	out_len += len;
}

static struct screen *draw(const uint8_t *in, size_t len)
{
	struct screen *s;
	size_t used;

	if (screen_create(COLUMNS, ROWS, &s) < 0)
		exit(71);
	for (; len > 0; in += used, len -= used) {
		if (screen_feed(s, in, len, &used) < 0)
			exit(70);
	}
	return s;
}

static void put_repaint(const struct screen *s)
{
	static char part[SCREEN_REPAINT_ROOM];
	struct replay_filter filter;
	struct screen_repaint p;
	size_t len, used;

	replay_filter_init(&filter);
	screen_repaint_init(&p, s, MARK);
	while ((len = screen_repaint_write(&p, s, part)) > 0)
		out_len += replay_filter(
			&filter, (uint8_t *)part, len, out + out_len, sizeof(out) - out_len, &used);
}

static size_t put_join(const uint8_t *in, size_t history, size_t len)
{
	struct replay_filter filter;
	struct replay_modes modes;
	size_t used = 0;
	bool done;

	replay_modes_init(&modes);
	replay_modes_feed(&modes, in, history);
	replay_filter_init_after(&filter, &modes);
	out_len += replay_filter_join(&filter, in + history, len - history, out + out_len,
		sizeof(out) - out_len, &used, &done);
	return history + used;
}

static void show(const uint8_t *in, size_t history, size_t len)
{
	static const char clear[] = "\x1b[H\x1b[J";
	struct screen *s = draw(in, history);
	size_t prologue_len, next;
	const char *prologue = replay_prologue(&prologue_len);

	out_len = 0;
	put(prologue, prologue_len);
	put(clear, strlen(clear));
	put_repaint(s);
	next = put_join(in, history, len);
	printf("%zu\n", out_len);
	fwrite(out, 1, out_len, stdout);
	printf("%zu\n", next);
	fflush(stdout);
	screen_destroy(&s);
}

int main(int argc, char **argv)
{
	static uint8_t in[FILE_MAX];
	size_t len, history;

	if (argc != 2)
		return 64;
	FILE *file = fopen(argv[1], "rb");
	if (!file)
		return 66;
	len = fread(in, 1, sizeof(in), file);
	fclose(file);
	while (scanf("%zu", &history) == 1)
		show(in, history < len ? history : len, len);
	return 0;
}
