/* Which dumps of the store go: the oldest, never one that is being read, none without need. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "broker/keep/dump_plan.h"

#define NOW 1000000
#define PICKS 8

struct world {
	struct dump_file files[PICKS];
	struct dump_list list;
	struct dump_rules rules;
	struct dump_want want;
	struct dump_pick picks[PICKS];
	const char *read; /* the name of one that is being read */
};

static bool is_read(void *arg, const struct dump_file *f)
{
	const struct world *w = arg;

	return w->read && strcmp(f->name, w->read) == 0;
}

static int begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		return -1;
	w->list.files = w->files;
	w->rules = (struct dump_rules){.now = NOW, .is_busy = is_read, .arg = w};
	*state = w;
	return 0;
}

static int end(void **state)
{
	free(*state);
	return 0;
}

static struct dump_file *put(
	struct world *w, const char *name, uint8_t guest, uint64_t size, int64_t age)
{
	struct dump_file *f = &w->files[w->list.count++];

	snprintf(f->name, sizeof(f->name), "%s", name);
	f->guest = (struct uuid){{guest}};
	f->size = size;
	f->mtime = NOW - age;
	f->folder = DUMP_STORE;
	f->known = f->made = true;
	return f;
}

static void wants(struct world *w, uint8_t guest, uint64_t bytes, uint64_t others)
{
	w->want = (struct dump_want){{{guest}}, bytes, others};
	w->rules.want = &w->want;
}

/* The names of those that go, or the error. */
static const char *going(struct world *w)
{
	static char text[PICKS * DUMP_FILE_MAX];
	int i, n = dump_plan(&w->list, &w->rules, w->picks, PICKS);
	size_t used = 0;

	if (n < 0)
		return strerrorname_np(-n);
	*text = '\0';
	for (i = 0; i < n; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i ? " " : "",
			w->picks[i].file->name);
	return text;
}

static void without_limits_nothing_goes(void **state)
{
	struct world *w = *state;

	put(w, "old", 1, UINT64_MAX, NOW);
	put(w, "new", 1, UINT64_MAX, 0);
	assert_string_equal(going(w), "");
	wants(w, 1, UINT64_MAX, 0);
	assert_string_equal(going(w), "");
}

static void what_is_too_old_goes(void **state)
{
	struct world *w = *state;

	put(w, "young", 1, 1, 99);
	put(w, "old", 1, 1, 101);
	put(w, "older", 2, 1, 500);
	w->rules.limits.age = 100;
	assert_string_equal(going(w), "older old");
	assert_string_equal(w->picks[0].why, "older than age of [dump]");
	w->read = "older";
	assert_string_equal(going(w), "old");
}

static void one_of_a_time_to_come_counts_as_new(void **state)
{
	struct world *w = *state;

	put(w, "early", 1, 4, -INT32_MAX);
	put(w, "old", 1, 4, 101);
	w->rules.limits.age = 100;
	assert_string_equal(going(w), "old");
	w->rules.limits.age = 0;
	w->rules.limits.size = 4;
	assert_string_equal(going(w), "old");
}

static void of_a_guest_the_oldest_go_and_the_newest_stays(void **state)
{
	struct world *w = *state;

	put(w, "c", 1, 8, 10);
	put(w, "a", 1, 1, 30);
	put(w, "b", 1, 4, 20);
	put(w, "other", 2, 99, 40);
	w->rules.limits.size = 12;
	assert_string_equal(going(w), "a");
	assert_string_equal(w->picks[0].why, "size of [dump] is reached");
	w->rules.limits.size = 11;
	assert_string_equal(going(w), "a b");
	w->rules.limits.size = 1;
	assert_string_equal(going(w), "a b");
	w->rules.limits.size = 12;
	w->read = "a";
	assert_string_equal(going(w), "b");
}

static void of_all_the_oldest_go(void **state)
{
	struct world *w = *state;

	put(w, "c", 1, 8, 10);
	put(w, "a", 2, 4, 30);
	put(w, "b", 1, 4, 20);
	w->rules.limits.total = 15;
	assert_string_equal(going(w), "a");
	assert_string_equal(w->picks[0].why, "total of [dump] is reached");
	w->rules.limits.total = 2;
	assert_string_equal(going(w), "a b");
	/* What goes for another reason makes room here as well. */
	w->rules.limits.total = 12;
	w->rules.limits.size = 8;
	assert_string_equal(going(w), "b");
}

static void for_a_dump_to_be_made_even_the_newest_goes(void **state)
{
	struct world *w = *state;

	put(w, "a", 1, 4, 30);
	put(w, "b", 1, 4, 20);
	put(w, "other", 2, 50, 10);
	w->rules.limits.size = 10;
	wants(w, 1, 6, 0);
	assert_string_equal(going(w), "a");
	wants(w, 1, 10, 0);
	assert_string_equal(going(w), "a b");
	w->rules.limits.size = 0;
	w->rules.limits.total = 60;
	wants(w, 1, 6, 0);
	assert_string_equal(going(w), "a");
	wants(w, 1, 6, 40); /* others are being made */
	assert_string_equal(going(w), "a b other");
}

static void where_there_is_no_room_nothing_goes(void **state)
{
	struct world *w = *state;

	put(w, "a", 1, 4, 30);
	w->rules.limits.size = 10;
	wants(w, 1, 11, 0);
	assert_string_equal(going(w), "EDQUOT");
	wants(w, 3, 11, 0); /* one without dumps */
	assert_string_equal(going(w), "EDQUOT");
	wants(w, 1, 8, 0);
	w->read = "a";
	assert_string_equal(going(w), "EDQUOT");
	w->rules.limits.size = 0;
	w->rules.limits.total = 10;
	assert_string_equal(going(w), "ENOSPC");
	w->read = NULL;
	assert_string_equal(going(w), "a");
}

static void what_the_service_has_not_made_stays_and_does_not_count(void **state)
{
	struct world *w = *state;

	put(w, "theirs", 1, 100, 50)->made = false;
	put(w, "elsewhere", 1, 100, 40)->folder = 1;
	put(w, "a", 1, 4, 30);
	put(w, "b", 1, 4, 20);
	w->rules.limits = (struct dump_limits){.size = 10, .total = 10, .age = 45};
	assert_string_equal(going(w), "");
	w->rules.limits.size = 7;
	assert_string_equal(going(w), "a");
}

static void no_size_makes_a_sum_that_wraps(void **state)
{
	struct world *w = *state;

	put(w, "a", 1, UINT64_MAX, 30);
	put(w, "b", 1, UINT64_MAX, 20);
	put(w, "c", 1, 2, 10);
	w->rules.limits.size = 10;
	assert_string_equal(going(w), "a b");
	wants(w, 1, UINT64_MAX, UINT64_MAX);
	assert_string_equal(going(w), "EDQUOT");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_limits_nothing_goes),
		TEST(what_is_too_old_goes),
		TEST(one_of_a_time_to_come_counts_as_new),
		TEST(of_a_guest_the_oldest_go_and_the_newest_stays),
		TEST(of_all_the_oldest_go),
		TEST(for_a_dump_to_be_made_even_the_newest_goes),
		TEST(where_there_is_no_room_nothing_goes),
		TEST(what_the_service_has_not_made_stays_and_does_not_count),
		TEST(no_size_makes_a_sum_that_wraps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
