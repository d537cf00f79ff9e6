/*
 * Task: writes what a viewer's terminal is sent, for test_replay_terminals.py.
 *
 * replay_tool FILE HISTORY auto|start: the viewer comes when the first HISTORY bytes of FILE have
 * been printed, is shown the last 22 lines or everything, and then the rest live.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console/replay.h"

#define ROWS 22
#define COLUMNS 80
#define FILE_MAX ((size_t)1 << 20)

static void write_history(const uint8_t *in, size_t len, size_t history, size_t start)
{
	static uint8_t out[FILE_MAX + REPLAY_ROOM];
	struct replay_filter filter;
	size_t n, used;
	bool done;

	replay_filter_init(&filter);
	n = replay_filter(&filter, in + start, history - start, out, sizeof(out), &used);
	fwrite(out, 1, n, stdout);
	n = replay_filter_join(
		&filter, in + history, len - history, out, sizeof(out), &used, &done);
	fwrite(out, 1, n, stdout);
	fwrite(in + history + used, 1, len - history - used, stdout);
}

int main(int argc, char **argv)
{
	static uint8_t in[FILE_MAX];
	struct replay_modes modes;
	char text[REPLAY_MODES_ROOM];
	size_t n, start = 0;

	if (argc != 4)
		return 64;
	FILE *file = fopen(argv[1], "rb");
	if (!file)
		return 66;
	size_t len = fread(in, 1, sizeof(in), file);
	size_t history = strtoul(argv[2], NULL, 10);

	fclose(file);
	history = history < len ? history : len;
	if (strcmp(argv[3], "auto") == 0)
		start = replay_start(in, history, ROWS, COLUMNS, true);
	const char *prologue = replay_prologue(&n);
	fwrite(prologue, 1, n, stdout);
	replay_modes_init(&modes);
	replay_modes_feed(&modes, in, start);
	n = replay_modes_write(&modes, text, sizeof(text));
	fwrite(text, 1, n, stdout);
	write_history(in, len, history, start);
	return 0;
}
