/*
 * Patterns made to take for ever: each is refused, or every look with it ends within bounded time,
 * with a result or the name of a limit.
 *
 * Times are processor time, so that other load does not count.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "match_tools.h"

#define OUTPUT_LEN ((size_t)64 << 10)
#define STEP_MS_MAX 1000   /* of a look, the work of a few patterns of a test machine included */
#define COMPILE_MS_MAX 500 /* of what has at most MATCH_PATTERN_MAX bytes */
#define JOB_MS 100         /* after so much a test goes on with the next pattern */

static struct match_room *room;
static char *outputs[4];

static uint64_t processor_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* What such patterns are slow on: one letter, few letters, words, and nothing in particular. */
static char letter(size_t output, int number)
{
	switch (output) {
	case 0:
		return 'a';
	case 1:
		return number & 1 ? 'a' : 'b';
	case 2:
		return "aab 01.-"[number & 7];
	default:
		return (char)(' ' + number % 95);
	}
}

static int set_up(void **state)
{
	size_t i, j;

	for (i = 0; i < 4; i++) {
		outputs[i] = malloc(OUTPUT_LEN);
		if (!outputs[i])
			return -1;
		srand(1);
		for (j = 0; j < OUTPUT_LEN; j++)
			outputs[i][j] = letter(i, rand() >> 8);
		for (j = 79 + 400 * i; j < OUTPUT_LEN; j += 80 + 400 * i) {
			outputs[i][j - 1] = '!';
			outputs[i][j] = '\n';
		}
	}
	return match_room_create(&room);
}

static int tear_down(void **state)
{
	size_t i;

	for (i = 0; i < 4; i++)
		free(outputs[i]);
	match_room_destroy(&room);
	return 0;
}

struct tally {
	unsigned refused, found, stopped, through, time;
	uint64_t step_ms;
};

static void run_one(const char *pattern, struct match *m, const char *output, struct tally *tally)
{
	uint64_t begin = processor_ms(), now = begin, before;
	size_t at = 0, used;

	while (at < OUTPUT_LEN && now - begin < JOB_MS && match_state(m) <= MATCH_HOLDING) {
		before = now;
		assert_int_equal(
			match_step(m, at, (const uint8_t *)output + at, OUTPUT_LEN - at, &used), 0);
		at += used;
		now = processor_ms();
		if (now - before > tally->step_ms)
			tally->step_ms = now - before;
		if (now - before > STEP_MS_MAX)
			fail_msg("%s: a look took %d ms", pattern, (int)(now - before));
	}
	tally->found += match_state(m) == MATCH_HOLDING || match_state(m) == MATCH_FOUND;
	tally->stopped += match_state(m) == MATCH_STOPPED;
	tally->through += match_state(m) == MATCH_READING && at == OUTPUT_LEN;
	tally->time += match_state(m) == MATCH_READING && at < OUTPUT_LEN;
	if (match_state(m) == MATCH_STOPPED)
		assert_non_null(strstr(match_why(m), " exceeds the limit "));
}

/* Over outputs[first..end). */
static void try_on(const char *pattern, int flags, size_t first, size_t end, struct tally *tally)
{
	struct match_words words = {pattern, strlen(pattern)};
	struct match_options options = {.patterns = &words,
		.count = 1,
		.raw = (flags & RAW) != 0,
		.multi = (flags & MULTI) != 0};
	uint64_t begin = processor_ms();
	struct match_refusal why;
	struct match *m;
	size_t i;
	int r;

	for (i = first; i < end; i++) {
		r = match_create(room, &options, &m, &why);
		if (processor_ms() - begin > COMPILE_MS_MAX)
			fail_msg(
				"%s: compiling took %d ms", pattern, (int)(processor_ms() - begin));
		if (r < 0) {
			assert_int_equal(r, -EINVAL);
			tally->refused++;
			return;
		}
		run_one(pattern, m, outputs[i], tally);
		match_destroy(&m);
		begin = processor_ms();
	}
}

static void try_pattern(const char *pattern, int flags, struct tally *tally)
{
	try_on(pattern, flags, 0, 4, tally);
}

static void tell(const char *what, const struct tally *t)
{
	print_message("%s: %u refused; runs: %u found, %u read all, %u stopped by a limit, %u by "
		      "the test; longest look %u ms\n",
		what, t->refused, t->found, t->through, t->stopped, t->time, (unsigned)t->step_ms);
}

/* From the literature: OWASP, Davis et al. (ESEC/FSE 2018), CVEs, PCRE2's own manual. */
static const char *const public_shapes[] = {"(a+)+$", "([a-zA-Z]+)*$", "(a|aa)+$", "(a|a?)+$",
	"(.*a){20}$", "^(a?){25}a{25}$", "(?:a?){100}a{100}", "([ab]*a[ab]{200}c)", "(x+x+)+y",
	"^(([a-z])+.)+[A-Z]([a-z])+$",
	"^([a-zA-Z0-9])(([\\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}[a-z0-9]+$", "(.*)*x", "(.*?,){11}P",
	"(\\w+\\s?)+$", "^(\\w+\\s*)*:$", "\\s+$", "(\\s*\\S+\\s*)*!$", "(?s)(.+)\\1z",
	"(.)(.)(.)(.)(.).*\\5\\4\\3\\2\\1$", "^(?=(a+))\\1*b", "((a*)*)*b", "(a*)*b",
	"((((((a*)*)*)*)*)*)*c", "(?:[^\"\\\\]|\\\\.)*\"x", "(a(?1)?b|a)+$", "(?R)?a",
	"(?:(?R)|a)*b", "^((?:a|(?1))*)$", "(\\w+)\\s+\\1\\s+\\1", "\\w+\\s+\\w+\\s+\\d+",
	"(?<=a{200})b", "(?:.*(?:.*(?:.*=.*)))", ".*.*=.*", "(?i)(\\p{L}+)*1", "(|a|aa|aaa)*$z",
	"(?>a*)*b", "(?(?=a*b)a|b)*c", "\\X*y", "(?|(a)|(b)|(ab))*\\1$", "^(.+)+\\.(.+)+\\.(.+)+$",
	"(\\d+\\.?)+\\d+z", "(?:(?=.*a)(?=.*b)(?=.*!).)*$", "(?:a{1,30}){1,30}c",
	"((a{1,5}){1,5}){1,5}b", "(?!(a+)+$)a", "(*LIMIT_MATCH=4000000000)(a+)+$",
	"(*NO_START_OPT)(*NO_AUTO_POSSESS)(a+)+$", "(*UCP)(\\w+\\s?)+$", "(a+|b+|c+)*(?<!a|b)$",
	"(?C1)(a+)+$", "(a\\Kb?)*c"};

static void public_shapes_end(void **state)
{
	struct tally tally = {0};
	size_t i;

	for (i = 0; i < sizeof(public_shapes) / sizeof(public_shapes[0]); i++) {
		try_pattern(public_shapes[i], 0, &tally);
		try_pattern(public_shapes[i], MULTI, &tally);
	}
	tell("public shapes", &tally);
	assert_true(tally.stopped > 0);
}

/* Engines have hung or crashed while they compiled these. */
static void patterns_that_other_engines_die_of_end(void **state)
{
	struct tally tally = {0};
	char *many = malloc(60001), stars[1024], *p = stars;
	int i;

	assert_non_null(many);
	memset(many, '(', 60000);
	many[60000] = '\0';
	try_pattern(many, 0, &tally);
	assert_int_equal(tally.refused, 1);
	free(many);

	for (i = 0; i < 200; i++)
		*p++ = '(';
	*p++ = 'a';
	for (i = 0; i < 200; i++) {
		*p++ = ')';
		*p++ = '*';
	}
	*p = '\0';
	try_pattern(stars, 0, &tally);
	assert_int_equal(tally.refused, 2);

	try_pattern("((((a{1,100}){1,100}){1,100}){1,100}){1,100}", 0, &tally);
	assert_int_equal(tally.refused, 3);
	try_pattern("login:", 0, &tally);
	try_pattern("(a+)+$", 0, &tally);
	try_pattern("[ab]*a[ab]{200}c", 0, &tally);
	tell("five", &tally);
}

/* --- generated ones --- */

struct writer {
	char text[MATCH_PATTERN_MAX + 1];
	size_t len;
	unsigned groups;
};

static void add(struct writer *w, const char *text)
{
	size_t len = strlen(text);

	if (w->len + len < 400) {
		memcpy(w->text + w->len, text, len);
		w->len += len;
	}
}

static unsigned any(unsigned below)
{
	return (unsigned)(rand() >> 8) % below;
}

static void add_atom(struct writer *w)
{
	static const char *const atoms[] = {"a", "b", "a", "ab", ".", "\\w", "\\S", "[ab]", "[^b]",
		"\\s", "\\d", "a?", "\\X", "\\b", "^", "$", "\\1", "(?1)", "(?R)", "[a-z0-9.]",
		"!"};

	add(w, atoms[any(sizeof(atoms) / sizeof(atoms[0]))]);
}

static void add_repeat(struct writer *w)
{
	static const char *const repeats[] = {"*", "+", "?", "*?", "+?", "*", "+", "{2,}", "{1,9}",
		"{0,50}", "{3}", "{20}", "*+", "++", "", ""};

	add(w, repeats[any(sizeof(repeats) / sizeof(repeats[0]))]);
}

static void add_pattern(struct writer *w, int depth)
{
	static const char *const groups[] = {
		"(", "(", "(", "(?:", "(?:", "(?=", "(?!", "(?>", "(?<=", "(?|", "(?s:"};
	unsigned items = 1 + any(4), i;

	for (i = 0; i < items; i++) {
		if (depth > 0 && any(3) > 0) {
			add(w, groups[any(sizeof(groups) / sizeof(groups[0]))]);
			add_pattern(w, depth - 1);
			add(w, ")");
		} else {
			add_atom(w);
		}
		add_repeat(w);
		if (any(6) == 0)
			add(w, "|");
	}
}

static void a_thousand_generated_ones_end(void **state)
{
	struct tally tally = {0};
	unsigned made = 0;

	srand(11);
	while (made < 1000) {
		struct writer w = {.len = 0};
		unsigned refused = tally.refused, output = any(4);

		add_pattern(&w, 1 + (int)any(5));
		w.text[w.len] = '\0';
		if (w.len == 0)
			continue;
		try_on(w.text,
			any(4) == 0   ? MULTI
			: any(8) == 0 ? RAW
				      : 0,
			output, output + 1, &tally);
		/* What no engine takes does not count. */
		made += tally.refused == refused;
	}
	tell("generated", &tally);
	assert_true(tally.stopped > 0 && tally.found > 0 && tally.through > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(public_shapes_end),
		cmocka_unit_test(patterns_that_other_engines_die_of_end),
		cmocka_unit_test(a_thousand_generated_ones_end),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
