/* Removing dumps of the store for one that is to be made. Which go: test_dump_plan.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/files/file_store_private.h"
#include "broker/keep/keeping.h"
#include "console/guest/console.h"
#include "console/guest/directory.h"
#include "core/io.h"

#define DEADLINE_US (100 * LOOP_SECOND)
#define DUMP_BYTES 4096

static time_t leap; /* of the clock that the service reads */

time_t __real_time(time_t *out); /* NOLINT(bugprone-reserved-identifier): the linker's name */
time_t __wrap_time(time_t *out); /* NOLINT(bugprone-reserved-identifier) */

time_t __wrap_time(time_t *out) /* NOLINT(bugprone-reserved-identifier) */
{
	return __real_time(out) + leap;
}

struct world {
	char folder[64], store[80], dump[DUMP_FILE_MAX + 80];
	struct config config;
	struct loop *loop;
	struct console_options options;
	struct directory *directory; /* of no guests */
	struct audit *audit;
	struct file_store *files;
	struct keeping *keeping;
	struct dump_want want;
	unsigned asked;
	int may; /* the answer, when it is asked whether one may be removed */
	unsigned answers;
	int error;
	uint64_t freed;
};

static void make_store(struct world *w)
{
	static const uint8_t bytes[DUMP_BYTES];
	char name[DUMP_FILE_MAX];

	assert_int_equal(mkdir(w->store, 0700), 0);
	dump_name_make("web", &w->want.guest, time(NULL), "elf", name);
	snprintf(w->dump, sizeof(w->dump), "%s/%s", w->store, name);
	assert_int_equal(write_file(w->dump, bytes, sizeof(bytes), 0600), 0);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	char audit[80];
	const struct audit_options options = {
		.file = audit, .rotate_size = UINT64_C(1) << 30, .rotate_keep = 1};

	snprintf(w->folder, sizeof(w->folder), "/tmp/test_keeping.XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	snprintf(w->store, sizeof(w->store), "%s/dumps", w->folder);
	snprintf(audit, sizeof(audit), "%s/audit", w->folder);
	w->config.dump.store = w->store;
	w->config.dump.size = DUMP_BYTES;
	w->want = (struct dump_want){.guest = {{1}}, .bytes = DUMP_BYTES};
	make_store(w);
	w->loop = loop_create();
	assert_int_equal(audit_create(w->loop, &options, &w->audit), 0);
	w->options.history_memory = 65536;
	assert_int_equal(directory_create(w->loop, w->folder, &w->options, &w->directory), 0);
	assert_int_equal(file_store_create(w->loop, w->folder, &w->files), 0);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	char command[128];

	leap = 0;
	keeping_destroy(&w->keeping);
	directory_destroy(&w->directory);
	file_store_destroy(&w->files);
	audit_destroy(&w->audit);
	loop_destroy(w->loop);
	snprintf(command, sizeof(command), "rm -rf %s", w->folder);
	free(w);
	return system(command);
}

static void begin(struct world *w)
{
	const struct keeping_services services = {w->loop, w->files, w->directory, w->audit};

	assert_int_equal(keeping_create(&services, &w->config, &w->keeping), 0);
}

static void on_room(void *arg, int error, const char *why, uint64_t freed)
{
	struct world *w = arg;

	w->answers++;
	w->error = error;
	w->freed = freed;
}

static void turn(const struct world *w, uint64_t end)
{
	assert_true(loop_turn(w->loop, 100 * LOOP_MSEC) >= 0);
	assert_true(loop_now(w->loop) < end);
}

static void ask(struct world *w, uint64_t bytes)
{
	uint64_t end = loop_now(w->loop) + DEADLINE_US;
	struct keeping_request *request;
	const unsigned before = w->answers;

	w->want.bytes = bytes;
	assert_int_equal(keeping_room(w->keeping, &w->want, on_room, w, &request), 0);
	while (w->answers == before)
		turn(w, end);
	assert_int_equal(w->error, 0);
}

static void the_oldest_goes_for_one_that_is_to_be_made(void **state)
{
	struct world *w = *state;

	begin(w);
	ask(w, DUMP_BYTES);
	assert_int_equal(w->freed, DUMP_BYTES);
	assert_int_not_equal(access(w->dump, F_OK), 0);
}

/* It was cancelled while a thread looked into the store. */
static void none_goes_for_one_that_nobody_makes_any_more(void **state)
{
	struct world *w = *state;
	uint64_t end;
	struct keeping_request *request;

	begin(w);
	end = loop_now(w->loop) + DEADLINE_US;
	assert_int_equal(keeping_room(w->keeping, &w->want, on_room, w, &request), 0);
	while (job_pending(w->files->pool) == 0)
		turn(w, end);
	keeping_forget(&request);
	ask(w, 0);
	assert_int_equal(w->answers, 1);
	assert_int_equal(access(w->dump, F_OK), 0);
}

/* --- removing one --- */

static int on_may(void *arg, char why[KEEPING_WHY_MAX])
{
	struct world *w = arg;

	w->asked++;
	snprintf(why, KEEPING_WHY_MAX, "no longer");
	return w->may;
}

/* Behind a request for room, which a thread is at. */
static void ask_to_remove(struct world *w, struct keeping_request **out)
{
	struct dump_file file;
	struct audit_record by = {0};
	const struct keeping_removal removal = {.file = &file, .by = &by, .may = on_may};
	char *folders[] = {w->store};
	struct dump_list list;
	struct keeping_request *room;

	assert_int_equal(dump_scan(folders, 1, &list), 0);
	assert_int_equal(list.count, 1);
	file = list.files[0];
	dump_list_finish(&list);
	w->config.dump.size = 10 * (uint64_t)DUMP_BYTES;
	begin(w);
	assert_int_equal(keeping_room(w->keeping, &w->want, on_room, w, &room), 0);
	assert_int_equal(keeping_remove(w->keeping, &removal, on_room, w, out), 0);
	assert_int_equal(w->asked, 0);
}

static void wait_answers(struct world *w, unsigned count)
{
	uint64_t end = loop_now(w->loop) + DEADLINE_US;

	while (w->answers < count)
		turn(w, end);
}

static void one_that_may_be_removed_is(void **state)
{
	struct world *w = *state;
	struct keeping_request *request;

	ask_to_remove(w, &request);
	wait_answers(w, 2);
	assert_int_equal(w->asked, 1);
	assert_int_equal(w->error, 0);
	assert_int_not_equal(access(w->dump, F_OK), 0);
}

static void one_whose_right_is_taken_back_before_its_turn_stays(void **state)
{
	struct world *w = *state;
	struct keeping_request *request;

	w->may = -EACCES;
	ask_to_remove(w, &request);
	wait_answers(w, 2);
	assert_int_equal(w->error, -EACCES);
	assert_int_equal(access(w->dump, F_OK), 0);
}

static void one_that_nobody_waits_for_at_its_turn_stays(void **state)
{
	struct world *w = *state;
	struct keeping_request *request;

	ask_to_remove(w, &request);
	keeping_forget(&request);
	ask(w, 0);
	wait_answers(w, 2); /* before it and behind it */
	assert_int_equal(w->asked, 0);
	assert_int_equal(access(w->dump, F_OK), 0);
}

/* --- age --- */

/* Whether the dump is there when the store was looked at once more. */
static bool is_kept(struct world *w)
{
	ask(w, 0);
	return access(w->dump, F_OK) == 0;
}

static void none_goes_for_its_age_when_the_clock_leaps(void **state)
{
	static const time_t day = 24L * 3600;
	struct world *w = *state;

	w->config.dump.size = 0;
	w->config.dump.age = (uint64_t)day * LOOP_SECOND;
	begin(w);
	leap = 2 * day;
	assert_true(is_kept(w));
	assert_true(is_kept(w));
	leap = 0;
	assert_true(is_kept(w));
	keeping_destroy(&w->keeping);
	leap = 2 * day; /* it was so when the service began: it is the time */
	begin(w);
	assert_false(is_kept(w));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_oldest_goes_for_one_that_is_to_be_made, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			none_goes_for_one_that_nobody_makes_any_more, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_that_may_be_removed_is, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			one_whose_right_is_taken_back_before_its_turn_stays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			one_that_nobody_waits_for_at_its_turn_stays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			none_goes_for_its_age_when_the_clock_leaps, set_up, tear_down)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
