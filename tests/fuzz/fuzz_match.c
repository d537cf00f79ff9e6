/*
 * Patterns over output: within bounds, whatever either is, and the same result however the output
 * is cut.
 *
 * Input: one byte of flags, two of a cut, the patterns separated by \n, an empty line, the output.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "worker/match/match.h"

#define CHECK(x)                                                                                   \
	do {                                                                                       \
		if (!(x))                                                                          \
			abort();                                                                   \
	} while (0)

#define GAP 5000

struct input {
	struct match_words words[MATCH_PATTERNS_MAX];
	struct match_options options;
	const uint8_t *output;
	size_t len, cut;
	size_t gap; /* before this byte, output is missing */
};

static bool read_patterns(struct input *in, const uint8_t *data, size_t size)
{
	for (in->options.count = 0; in->options.count < MATCH_PATTERNS_MAX;) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t len = end ? (size_t)(end - data) : size;

		if (len > 0)
			in->words[in->options.count++] =
				(struct match_words){(const char *)data, len};
		if (len == size)
			return false;
		data += len + 1;
		size -= len + 1;
		if (len == 0)
			break;
	}
	in->output = data;
	in->len = size;
	in->options.patterns = in->words;
	return in->options.count > 0;
}

static bool read_input(struct input *in, const uint8_t *data, size_t size)
{
	if (size < 3 || !read_patterns(in, data + 3, size - 3))
		return false;
	in->cut = data[1] | data[2] << 8;
	in->options.raw = data[0] & 1;
	in->options.multi = data[0] & 2;
	in->options.offset = data[0] & 4 ? 1000 : 0;
	in->options.from = in->options.offset + (data[0] & 8 ? in->len / 3 : 0);
	in->gap = data[0] & 16 ? in->len / 2 : in->len;
	return true;
}

static bool goes_on(const struct match *m)
{
	return match_state(m) == MATCH_READING || match_state(m) == MATCH_HOLDING;
}

static void feed(struct match *m, const struct input *in, size_t from, size_t to)
{
	while (from < to && goes_on(m)) {
		size_t end = from < in->gap && to > in->gap ? in->gap : to, used;
		uint64_t offset = in->options.offset + from + (from >= in->gap ? GAP : 0);

		CHECK(match_step(m, offset, in->output + from, end - from, &used) == 0);
		CHECK(used <= end - from);
		from += used;
	}
}

/* Valid UTF-8 of printable characters, tabs and, with multi, newlines. */
static void check_text(const struct input *in, const struct match_result *r)
{
	size_t i;

	CHECK(r->len <= MATCH_TEXT_MAX);
	CHECK(r->pattern < in->options.count);
	CHECK(r->start <= r->end && r->end <= in->options.offset + in->len + GAP);
	for (i = 0; !in->options.raw && i < r->len; i++) {
		uint8_t byte = (uint8_t)r->text[i];

		CHECK(byte != 0x7f);
		CHECK(byte >= 0x20 || byte == '\t' || (byte == '\n' && in->options.multi));
		CHECK(byte < 0x80 || byte > 0x9f || (i > 0 && (uint8_t)r->text[i - 1] >= 0x80) ||
			r->cut);
	}
}

static struct match *run(struct match_room *room, const struct input *in, size_t step)
{
	struct match_refusal why;
	struct match *m;
	size_t at;

	if (match_create(room, &in->options, &m, &why) < 0) {
		CHECK(why.text[0] && strlen(why.text) < MATCH_WHY_MAX);
		return NULL;
	}
	for (at = 0; at < in->len; at += step)
		feed(m, in, at, in->len - at < step ? in->len : at + step);
	match_rest(m);
	return m;
}

/* \G, and verbs that end a search early, ask where a search began. */
static bool asks_where(const struct input *in, const uint8_t *data)
{
	size_t len = (size_t)(in->output - data), i;

	for (i = 0; i + 1 < len; i++) {
		if (data[i] == '\\' && data[i + 1] == 'G')
			return true;
		if (data[i] == '(' && data[i + 1] == '*')
			return true;
	}
	return false;
}

static void check_same(const struct match *a, const struct match *b)
{
	struct match_result one, two;

	/* What a limit stops depends on how often there is a look. */
	if (match_state(a) == MATCH_STOPPED || match_state(b) == MATCH_STOPPED)
		return;
	CHECK(match_state(a) == match_state(b));
	if (match_state(a) != MATCH_FOUND)
		return;
	match_result(a, &one);
	match_result(b, &two);
	CHECK(one.pattern == two.pattern);
	CHECK(one.start == two.start && one.end == two.end);
	CHECK(one.len == two.len && !memcmp(one.text, two.text, one.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct match_room *room;
	struct input in = {0};
	struct match *whole, *cut;

	if (!room)
		CHECK(match_room_create(&room) == 0);
	if (!read_input(&in, data, size))
		return 0;
	whole = run(room, &in, in.len ? in.len : 1);
	if (!whole)
		return 0;
	cut = run(room, &in, 1 + in.cut % 50);
	if (match_state(whole) == MATCH_FOUND) {
		struct match_result result;

		match_result(whole, &result);
		check_text(&in, &result);
	}
	if (!asks_where(&in, data) && in.len < MATCH_LINE_MAX / 2)
		check_same(whole, cut);
	match_destroy(&whole);
	match_destroy(&cut);
	return 0;
}
