/*
 * Task: writes what a viewer's terminal is sent, for test_replay_terminals.py.
 *
 * replay_tool FILE: the bytes of FILE are what a guest prints. Each line of the input
 *
 *     KEPT SHOWN HISTORY
 *
 * is a viewer who comes when HISTORY bytes have been printed, of which those from KEPT on are still
 * there. He is shown them from SHOWN on ("auto": his last 22 lines), and then the rest live. The
 * output is a line "SHOWN MODES REPLAYED LENGTH" and that many bytes: MODES of them set the modes,
 * those up to REPLAYED are history. SHOWN may also be
 *
 *     known   as auto, but what was before KEPT is known to the tracker
 *     left    he was there from the start, and leaves: all bytes of the history, and what undoes
 *             them
 *     told    he was there from the start, and is told something as soon as it may stand: MODES is
 *             1 if it stands on the last row, and up to REPLAYED is what the guest has printed
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console/replay/replay.h"
#include "console/replay/replay_notice.h"

#define ROWS 22
#define COLUMNS 80
#define NOTICE "[vmconsoled: told 1234567890]\n"
#define FILE_MAX ((size_t)1 << 20)

struct bytes {
	uint8_t *p;
	size_t len;
};

static void put(struct bytes *out, const void *p, size_t len)
{
	memcpy(out->p + out->len, p, len);
	out->len += len;
}

static void put_modes(struct bytes *out, const struct replay_modes *modes)
{
	char text[REPLAY_MODES_ROOM];
	size_t len;
	const char *prologue = replay_prologue(&len);

	put(out, prologue, len);
	put(out, text, replay_modes_write(modes, text, sizeof(text)));
}

static void put_history(
	struct bytes *out, struct replay_filter *filter, const uint8_t *in, size_t len)
{
	size_t used;

	out->len += replay_filter(filter, in, len, out->p + out->len, FILE_MAX, &used);
}

static void put_live(struct bytes *out, struct replay_filter *filter, const uint8_t *in, size_t len)
{
	size_t used;
	bool done;

	out->len += replay_filter_join(filter, in, len, out->p + out->len, FILE_MAX, &used, &done);
	put(out, in + used, len - used);
}

/* The first place from kept on where the tracker can be kept, and what it says there. */
static size_t know(const struct bytes *in, size_t kept, size_t history, struct replay_modes *modes)
{
	char word[REPLAY_WORD_MAX];

	replay_modes_init(modes);
	replay_modes_feed(modes, in->p, kept);
	while (kept < history && !replay_modes_is_whole(modes))
		replay_modes_feed(modes, in->p + kept++, 1);
	if (!replay_modes_is_whole(modes))
		exit(65);
	replay_modes_to_word(modes, word);
	if (replay_modes_from_word(modes, word) < 0)
		exit(70);
	return kept;
}

static void leave(const struct bytes *in, size_t history)
{
	static uint8_t room[2 * FILE_MAX];
	struct bytes out = {room, 0};
	struct replay_modes modes;
	char text[REPLAY_UNDO_ROOM];

	replay_modes_init(&modes);
	replay_modes_feed(&modes, in->p, history);
	put(&out, in->p, history);
	put(&out, REPLAY_BREAK_OFF, sizeof(REPLAY_BREAK_OFF) - 1);
	put(&out, text, replay_modes_undo(&modes, COLUMNS, text, sizeof(text)));
	printf("0 0 %zu %zu\n", history, out.len);
	fwrite(out.p, 1, out.len, stdout);
	fflush(stdout);
}

static void tell(const struct bytes *in, size_t history)
{
	const struct replay_notice_place place = {COLUMNS, 24};
	static char text[REPLAY_NOTICE_ROOM(sizeof(NOTICE))];
	struct replay_modes modes;

	replay_modes_init(&modes);
	replay_modes_feed(&modes, in->p, history);
	while (history < in->len && !replay_notice_may_stand(&modes))
		replay_modes_feed(&modes, in->p + history++, 1);
	size_t len =
		replay_notice_write(&modes, place, NOTICE, sizeof(NOTICE) - 1, text, sizeof(text));

	printf("0 %d %zu %zu\n", replay_notice_is_below(&modes), history, history + len);
	fwrite(in->p, 1, history, stdout);
	fwrite(text, 1, len, stdout);
	fflush(stdout);
}

static void show(const struct bytes *in, size_t kept, const char *where, size_t history)
{
	static uint8_t room[2 * FILE_MAX];
	struct bytes out = {room, 0};
	struct replay_modes modes;
	struct replay_filter filter;
	size_t shown;
	bool gone;
	bool known = strcmp(where, "known") == 0;
	struct replay_known what = {.before = known ? &modes : NULL};

	history = history < in->len ? history : in->len;
	kept = kept < history ? kept : history;
	replay_modes_init(&modes);
	if (strcmp(where, "left") == 0) {
		leave(in, history);
		return;
	}
	if (strcmp(where, "told") == 0) {
		tell(in, history);
		return;
	}
	if (known)
		kept = know(in, kept, history, &modes);
	what.whole = kept == 0;
	if (known || strcmp(where, "auto") == 0)
		shown = kept +
			replay_start(in->p + kept, history - kept, ROWS, COLUMNS, &what, &gone);
	else
		shown = strtoul(where, NULL, 10);
	if (shown < kept || shown > history)
		exit(65);
	replay_modes_feed(&modes, in->p + kept, shown - kept);
	if (shown > kept || known)
		replay_filter_init_after(&filter, &modes);
	else
		replay_filter_init(&filter);
	put_modes(&out, &modes);
	size_t modes_end = out.len;
	put_history(&out, &filter, in->p + shown, history - shown);
	size_t history_end = out.len;
	put_live(&out, &filter, in->p + history, in->len - history);
	printf("%zu %zu %zu %zu\n", shown, modes_end, history_end, out.len);
	fwrite(out.p, 1, out.len, stdout);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static uint8_t room[FILE_MAX];
	struct bytes in = {room, 0};
	char where[24];
	size_t kept, history;

	if (argc != 2)
		return 64;
	FILE *file = fopen(argv[1], "rb");
	if (!file)
		return 66;
	in.len = fread(room, 1, sizeof(room), file);
	fclose(file);
	while (scanf("%zu %23s %zu", &kept, where, &history) == 3)
		show(&in, kept, where, history);
	return 0;
}
