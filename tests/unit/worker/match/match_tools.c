#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "match_tools.h"

struct match *match_make(struct match_room *room, const char *const *patterns, int flags,
	uint64_t offset, uint64_t from)
{
	struct match_words words[MATCH_PATTERNS_MAX];
	struct match_options options = {.patterns = words,
		.raw = (flags & RAW) != 0,
		.multi = (flags & MULTI) != 0,
		.offset = offset,
		.from = from};
	struct match_refusal why;
	struct match *m;

	for (; patterns[options.count]; options.count++)
		words[options.count] = (struct match_words){
			patterns[options.count], strlen(patterns[options.count])};
	if (match_create(room, &options, &m, &why) < 0)
		fail_msg("%s", why.text);
	return m;
}

static int goes_on(const struct match *m)
{
	return match_state(m) == MATCH_READING || match_state(m) == MATCH_HOLDING;
}

void match_feed(struct match *m, uint64_t offset, const char *data, size_t len, size_t piece)
{
	size_t at = 0;

	while (at < len && goes_on(m)) {
		size_t end = at + (len - at < piece ? len - at : piece), used = 0;

		while (at < end && goes_on(m)) {
			assert_int_equal(match_step(m, offset + at, (const uint8_t *)data + at,
						 end - at, &used),
				0);
			assert_true(used <= end - at);
			at += used;
		}
	}
}
