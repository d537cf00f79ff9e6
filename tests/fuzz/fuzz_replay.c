/* Replay: output longer than input by a constant at most, independent of how it is cut, and free of
 * queries. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console/replay/replay.h"
#include "console/replay/replay_notice.h"

#define SPARE ((size_t)2 * REPLAY_MODES_ROOM + 2 * REPLAY_ROOM)

#define CHECK(x)                                                                                   \
	do {                                                                                       \
		if (!(x))                                                                          \
			abort();                                                                   \
	} while (0)

/* A reader of its own, much simpler than the one under test: what would a terminal answer? */
static void check_no_query(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		CHECK(p[i] != 0x05);
		/* No C1 control, neither alone nor as a character of two bytes. */
		if (p[i] >= 0x80 && p[i] <= 0x9f)
			CHECK(i && p[i - 1] >= 0x80 && p[i - 1] != 0xc2);
		if (p[i] != 0x1b)
			continue;
		CHECK(i + 1 < len);
		CHECK(!strchr("]PX^_kZ\\", p[i + 1]));
		if (p[i + 1] != '[')
			continue;
		size_t j = i + 2;

		while (j < len && p[j] < 0x40)
			j++;
		CHECK(j < len);
		CHECK(!strchr("cntixyqRW", p[j]) || (p[j - 1] >= 0x20 && p[j - 1] <= 0x2f) ||
			(p[j] == 'q' && p[j - 1] == '#'));
		CHECK(!(p[j] == 'p' && p[j - 1] == '$') && !(p[j] == 'y' && p[j - 1] == '*'));
		CHECK(!((p[j] == 'u' || p[j] == 'm' || p[j] == 'S') && p[i + 2] == '?'));
		CHECK(!(p[j] == 'q' && p[i + 2] == '>'));
	}
}

typedef void (*begin_fn)(struct replay_filter *f);

static size_t filter_from(
	begin_fn begin, const uint8_t *in, size_t len, size_t step, uint8_t *out, size_t room)
{
	struct replay_filter f;
	size_t n = 0;

	begin(&f);
	for (size_t at = 0; at < len;) {
		size_t piece = len - at < step ? len - at : step, used;

		n += replay_filter(&f, in + at, piece, out + n, room - n, &used);
		CHECK(used == piece);
		at += used;
	}
	return n;
}

static size_t filter(const uint8_t *in, size_t len, size_t step, uint8_t *out, size_t room)
{
	return filter_from(replay_filter_init, in, len, step, out, room);
}

static void init_lines(struct replay_filter *f)
{
	replay_filter_init(f);
	f->terminal.as_lines = true;
}

/* Lines to read are no longer than what they are made of, and nothing that erases one. */
static void check_lines(const uint8_t *in, size_t len, size_t step, uint8_t *out, size_t room)
{
	size_t n = filter_from(init_lines, in, len, len ? len : 1, out, room);

	CHECK(n <= len);
	check_no_query(out, n);
	CHECK(filter_from(init_lines, in, len, step, out, room) == n);
	for (size_t i = 0; i + 1 < n; i++) {
		if (out[i] != 0x1b)
			continue;
		CHECK(out[i + 1] == '[');
		size_t final = i + 2;

		while (final < n && out[final] < 0x40)
			final++;
		CHECK(final < n && strchr("@CDGKPX`am", out[final]));
	}
}

static void check_cut(const uint8_t *in, size_t len, size_t step, uint8_t *out, size_t room)
{
	size_t n = filter_from(replay_filter_init_cut, in, len, len ? len : 1, out, room);

	CHECK(n <= len + REPLAY_SPARE_MAX);
	check_no_query(out, n);
	CHECK(filter_from(replay_filter_init_cut, in, len, step, out, room) == n);
}

static void check_join(const uint8_t *in, size_t len, size_t cut, uint8_t *out, size_t room)
{
	struct replay_filter f;
	size_t used, n;
	bool done;

	replay_filter_init(&f);
	n = replay_filter(&f, in, cut, out, room, &used);
	CHECK(used == cut);
	n += replay_filter_join(&f, in + cut, len - cut, out + n, room - n, &used, &done);
	CHECK(done || used == len - cut);
	CHECK(used <= REPLAY_JOIN_MAX + 1 && n <= cut + used + REPLAY_SPARE_MAX);
	check_no_query(out, n);
}

/* A replay from anywhere is the rest of one from the start, if it is known what was before; but
 * for what clears the screen, which depends on what there is on it. */
static void check_after(const uint8_t *in, size_t len, size_t cut, const uint8_t *whole,
	size_t whole_len, uint8_t *out, size_t room)
{
	struct replay_modes before;
	struct replay_filter f;
	size_t used, n;

	if (memchr(in, 'J', len) || memchr(in, 'c', len))
		return;
	replay_filter_init(&f);
	size_t skipped = replay_filter(&f, in, cut, out, room, &used);
	replay_modes_init(&before);
	replay_modes_feed(&before, in, cut);
	replay_filter_init_after(&f, &before);
	n = replay_filter(&f, in + cut, len - cut, out, room, &used);
	CHECK(used == len - cut);
	CHECK(skipped + n == whole_len && !memcmp(out, whole + skipped, n));
}

static size_t write_all(const struct replay_modes *m, char *out)
{
	size_t n = replay_modes_write(m, out, REPLAY_MODES_ROOM);

	return n + replay_modes_undo(m, REPLAY_COLUMNS_MAX, out + n, REPLAY_UNDO_ROOM);
}

/* A terminal that is left is one without modes, but for what it saved. */
static void check_undo(const struct replay_modes *modes, size_t cut)
{
	char out[REPLAY_UNDO_ROOM];
	struct replay_modes m = *modes;

	vt_scan_init(&m.scan);
	size_t n = replay_modes_undo(&m, cut % 300, out, sizeof(out));

	replay_modes_feed(&m, (const uint8_t *)out, n);
	check_no_query((const uint8_t *)out, n);
	CHECK(!(m.modes & ~(UINT64_C(1) << REPLAY_TABS)));
	CHECK(!m.alternate && !m.top && !m.cursor_style && !m.modify_keys);
	CHECK(!m.keys[0].pushed && !m.keys[0].flags[0]);
}

/* A notice leaves what the guest has set. */
static void check_notice(const struct replay_modes *modes, size_t cut)
{
	static const char text[] = "[notice]\n[another one]\n";
	const struct replay_notice_place place = {cut % 100, cut % 60};
	char out[REPLAY_NOTICE_ROOM(sizeof(text))], bytes[2][REPLAY_MODES_ROOM];
	struct replay_modes m = *modes;

	vt_scan_init(&m.scan);
	size_t n = replay_notice_write(&m, place, text, sizeof(text) - 1, out, sizeof(out));

	check_no_query((const uint8_t *)out, n);
	size_t before = replay_modes_write(&m, bytes[0], sizeof(bytes[0]));
	replay_modes_feed(&m, (const uint8_t *)out, n);
	CHECK(m.scan.state == VT_GROUND);
	CHECK(before == replay_modes_write(&m, bytes[1], sizeof(bytes[1])));
	CHECK(!memcmp(bytes[0], bytes[1], before));
}

/* A word says all: the tracker that is made of it goes on as the other. */
static void check_word(const uint8_t *in, size_t len, size_t cut)
{
	char word[REPLAY_WORD_MAX], out[2][REPLAY_MODES_ROOM + REPLAY_UNDO_ROOM];
	struct replay_modes a, b;

	replay_modes_init(&a);
	replay_modes_feed(&a, in, cut);
	if (!replay_modes_is_whole(&a))
		return;
	replay_modes_to_word(&a, word);
	CHECK(strlen(word) < sizeof(word));
	CHECK(replay_modes_from_word(&b, word) == 0);
	replay_modes_feed(&a, in + cut, len - cut);
	replay_modes_feed(&b, in + cut, len - cut);
	CHECK(a.scan.state == b.scan.state);
	size_t n = write_all(&a, out[0]);

	CHECK(n == write_all(&b, out[1]) && !memcmp(out[0], out[1], n));
}

/* And a word that nobody wrote is refused, or as good as one. */
static void check_foreign_word(const uint8_t *in, size_t len)
{
	char word[REPLAY_WORD_MAX] = "1:", out[REPLAY_MODES_ROOM + REPLAY_UNDO_ROOM];
	struct replay_modes m;

	for (size_t i = 0; i < len && 4 + 2 * i < sizeof(word); i++)
		(void)snprintf(word + 2 + 2 * i, 3, "%02x", in[i]);
	if (replay_modes_from_word(&m, word) == 0)
		check_no_query((const uint8_t *)out, write_all(&m, out));
}

static void check_start(const uint8_t *in, size_t len, size_t cut, uint8_t *out)
{
	struct replay_modes a, b;
	char bytes[2][REPLAY_MODES_ROOM];
	const struct replay_known known = {.whole = cut & 1, .boot = cut & 2 ? cut : 0};
	bool gone;
	size_t start = replay_start(in, len, 1 + cut % 50, cut % 100, &known, &gone);

	CHECK(start <= len);
	replay_modes_init(&a);
	replay_modes_feed(&a, in, len);
	replay_modes_init(&b);
	replay_modes_feed(&b, in, cut);
	replay_modes_feed(&b, in + cut, len - cut);
	size_t n = replay_modes_write(&a, bytes[0], sizeof(bytes[0]));

	CHECK(n == replay_modes_write(&b, bytes[1], sizeof(bytes[1])));
	CHECK(!memcmp(bytes[0], bytes[1], n));
	check_no_query((const uint8_t *)bytes[0], n);
	/* What is written out says the same when it is read. */
	replay_modes_init(&b);
	replay_modes_feed(&b, (const uint8_t *)bytes[0], n);
	CHECK(n == replay_modes_write(&b, bytes[1], sizeof(bytes[1])));
	CHECK(!memcmp(bytes[0], bytes[1], n));
	/* And all of it passes the filter. */
	CHECK(filter((const uint8_t *)bytes[0], n, n ? n : 1, out, SPARE) == n);
	check_undo(&a, cut);
	check_notice(&a, cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	size_t cut = data[0] | data[1] << 8, room;

	data += 2;
	size -= 2;
	cut = size ? cut % size : 0;
	room = size + SPARE;
	uint8_t *a = malloc(room), *b = malloc(room);

	CHECK(a && b);
	size_t n = filter(data, size, size ? size : 1, a, room);

	CHECK(n <= size + REPLAY_SPARE_MAX);
	check_no_query(a, n);
	CHECK(filter(data, size, 1, b, room) == n && !memcmp(a, b, n));
	CHECK(filter(data, size, cut + 1, b, room) == n && !memcmp(a, b, n));
	check_cut(data, size, cut + 1, b, room);
	check_lines(data, size, cut + 1, b, room);
	check_after(data, size, cut, a, n, b, room);
	check_join(data, size, cut, b, room);
	check_start(data, size, cut, b);
	check_word(data, size, cut);
	check_foreign_word(data, size);
	free(a);
	free(b);
	return 0;
}
