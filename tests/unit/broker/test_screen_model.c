/*
 * A screen drawn by a real worker process: its rows, its limits, and what a worker that dies or
 * lies comes to.
 *
 * The worker is this program, executed again as the service does it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/screen/screen_model.h"
#include "broker/worker/worker.h"
#include "console/replay/replay.h"
#include "core/build_id.h"
#include "core/log.h"
#include "wire/line.h"
#include "worker/screen_worker.h"
#include "worker/worker_process.h"

#define DEADLINE_US (600 * LOOP_SECOND) /* the worker is nice, and some jobs cost it seconds */
#define BASE 1000                       /* the offset of the first byte of output */
#define COLUMNS 20
#define ROWS 2

static struct loop *loop;
static struct worker *worker;

struct watcher {
	struct screen_model *model;
	const char *output;
	size_t sent;
	bool asked, over, failed, limit;
	struct screen_shown shown;
	char text[1 << 14]; /* the rows or the repaint, or why there are none */
};

static void on_room(void *arg)
{
	struct watcher *w = arg;
	size_t len = strlen(w->output);

	while (w->sent < len) {
		size_t n = screen_model_send(w->model, BASE + w->sent,
			(const uint8_t *)w->output + w->sent, len - w->sent);

		if (n == 0)
			return;
		w->sent += n;
	}
	if (!w->asked)
		w->asked = screen_model_ask(w->model);
}

static void on_row(void *arg, const char *text, size_t len)
{
	struct watcher *w = arg;
	size_t used = strlen(w->text);

	assert_true(len < sizeof(w->text) - used);
	memcpy(w->text + used, text, len);
	w->text[used + len] = '\0';
}

static void on_shown(void *arg, const struct screen_shown *shown)
{
	struct watcher *w = arg;

	w->shown = *shown;
	w->over = true;
}

static void on_failed(void *arg, bool limit, const char *text)
{
	struct watcher *w = arg;

	w->over = w->failed = true;
	w->limit = limit;
	snprintf(w->text, sizeof(w->text), "%s", text);
}

static const struct screen_model_events events = {on_room, on_row, on_shown, on_failed};

static int begin_with(struct watcher *w, const char *mark, const char *output)
{
	const struct screen_wanted wanted = {
		.columns = COLUMNS, .rows = ROWS, .offset = BASE, .mark = mark, .owner = "key:a"};

	memset(w, 0, sizeof(*w));
	w->output = output;
	return screen_model_create(worker, &wanted, &events, w, &w->model);
}

static int begin(struct watcher *w, const char *output)
{
	return begin_with(w, NULL, output);
}

static void run(struct watcher *w)
{
	uint64_t end = loop_now(loop) + DEADLINE_US;

	while (!w->over) {
		assert_true(loop_turn(loop, 100 * LOOP_MSEC) >= 0);
		assert_true(loop_now(loop) < end);
	}
	screen_model_destroy(&w->model);
}

static void make(const char *kind)
{
	const struct worker_options options = {.loop = loop,
		.build_id = build_id(),
		.name = "screen worker",
		.kind = kind,
		.does = "draws it",
		.restarts_max = SCREEN_MODEL_RESTARTS_MAX};

	worker_destroy(&worker);
	assert_int_equal(worker_create(&options, &worker), 0);
	worker_settings(worker, SCREEN_MODEL_JOBS_MAX, SCREEN_MODEL_OWNER_MAX, LOG_LEVEL_ERROR);
}

static int set_up(void **state)
{
	loop = loop_create();
	assert_non_null(loop);
	make("screen");
	return 0;
}

static int tear_down(void **state)
{
	worker_destroy(&worker);
	loop_destroy(loop);
	return 0;
}

/* --- answers --- */

static void the_rows_come_from_the_top_and_the_cursor_behind_them(void **state)
{
	struct watcher w;

	assert_int_equal(begin(&w, "gone\r\none\r\n\x1b[?25ltwo"), 0);
	run(&w);
	assert_false(w.failed);
	assert_string_equal(w.text, "one\ntwo\n");
	assert_int_equal(w.shown.column, 3);
	assert_int_equal(w.shown.row, 1);
	assert_true(w.shown.hidden);
	assert_false(w.shown.alternate);
}

static void output_that_is_missing_cuts_what_goes_on_behind_it(void **state)
{
	const uint8_t *before = (const uint8_t *)"\x1b[1", *after = (const uint8_t *)"mrest\nx";
	struct watcher w;

	assert_int_equal(begin(&w, ""), 0);
	w.asked = true;
	while (screen_model_send(w.model, BASE, before, 3) == 0)
		assert_true(loop_turn(loop, 100 * LOOP_MSEC) >= 0);
	while (screen_model_send(w.model, BASE + 10, after, 7) == 0)
		assert_true(loop_turn(loop, 100 * LOOP_MSEC) >= 0);
	while (!screen_model_ask(w.model))
		assert_true(loop_turn(loop, 100 * LOOP_MSEC) >= 0);
	run(&w);
	assert_string_equal(w.text, "\nx\n");
}

static void a_repaint_comes_with_its_mark(void **state)
{
	struct watcher w;

	assert_int_equal(begin_with(&w, "[live]", "one\x1b[2;5Htwo"), 0);
	run(&w);
	assert_false(w.failed);
	assert_int_equal(w.shown.row, 1);
	assert_non_null(strstr(w.text, "one"));
	assert_true(strstr(w.text, "two") < strstr(w.text, "[live]"));
}

static void modes_are_told_where_they_are_known(void **state)
{
	char word[REPLAY_WORD_MAX];
	struct replay_modes modes;
	struct watcher w;

	replay_modes_init(&modes);
	replay_modes_feed(&modes, (const uint8_t *)"\x1b[?1049h", 8);
	replay_modes_to_word(&modes, word);
	assert_int_equal(begin(&w, ""), 0);
	w.asked = true;
	while (!screen_model_set_modes(w.model, word))
		assert_true(loop_turn(loop, 100 * LOOP_MSEC) >= 0);
	while (!screen_model_ask(w.model))
		assert_true(loop_turn(loop, 100 * LOOP_MSEC) >= 0);
	run(&w);
	assert_true(!w.failed && w.shown.alternate);
}

static void one_owner_has_no_more_than_his_share(void **state)
{
	struct watcher w[SCREEN_MODEL_OWNER_MAX + 1];
	int i;

	for (i = 0; i < SCREEN_MODEL_OWNER_MAX; i++)
		assert_int_equal(begin(&w[i], "x"), 0);
	assert_int_equal(begin(&w[i], "x"), -EDQUOT);
	for (i = 0; i < SCREEN_MODEL_OWNER_MAX; i++)
		run(&w[i]);
}

/* --- a worker that dies or lies --- */

static void a_worker_that_dies_of_it_is_the_reason(void **state)
{
	struct watcher w;

	make("dies");
	assert_int_equal(begin(&w, "x"), 0);
	run(&w);
	assert_true(w.failed && !w.limit);
	assert_string_equal(w.text, "the process that draws it has died");
}

static void what_costs_too_much_is_told_apart(void **state)
{
	struct watcher w;

	make("limit");
	assert_int_equal(begin(&w, "x"), 0);
	run(&w);
	assert_true(w.failed && w.limit);
	assert_string_equal(w.text, "too dear");
}

static void what_a_worker_makes_up_is_not_passed_on(void **state)
{
	static const char *const kinds[] = {
		"escapes", "two", "half", "many", "few", "right", "below", "finds", "pattern"};
	struct watcher w;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		make(kinds[i]);
		assert_int_equal(begin(&w, "x"), 0);
		run(&w);
		assert_true(w.failed && !w.limit);
		assert_string_equal(w.text, "the process that draws it gives no sense");
	}
}

static void a_repaint_is_no_larger_than_its_cells_need(void **state)
{
	struct watcher w;

	make("large");
	assert_int_equal(begin_with(&w, "", "x"), 0);
	run(&w);
	assert_true(w.failed && !w.limit);
	assert_string_equal(w.text, "the process that draws it gives no sense");
}

/* --- this program as a worker --- */

static int no_begin(void *arg, struct loop *own)
{
	return 0;
}

static const char *lie;

static int row(struct line *line, const char *text)
{
	return line_send(line, WIRE_PRINT, NULL, text, strlen(text));
}

static int rows(struct line *line, int count)
{
	int r = 0;

	while (r == 0 && count-- > 0)
		r = row(line, "x\n");
	return r;
}

static int show(struct line *line, int count, unsigned column, unsigned at)
{
	const struct wire_shown shown = {.column = (uint16_t)column, .row = (uint16_t)at};
	int r = rows(line, count);

	return r < 0 ? r : line_send(line, WIRE_SHOWN, &shown, NULL, 0);
}

/* A byte more than there may be. */
static int large(struct line *line)
{
	static const char part[WIRE_REPAINT_MAX(COLUMNS, ROWS)];
	int r = line_send(line, WIRE_PRINT, NULL, part, sizeof(part));

	return r < 0 ? r : line_send(line, WIRE_PRINT, NULL, part, 1);
}

static int send_failure(struct line *line, enum wire_failure failure)
{
	const struct wire_failed failed = {.failure = (uint8_t)failure};

	return line_send(line, WIRE_FAILED, &failed, "too dear", strlen("too dear"));
}

static int tell_lie(struct line *line)
{
	const struct wire_found found = {.end = 1};

	if (strcmp(lie, "two") == 0)
		return row(line, "a\nb\n");
	if (strcmp(lie, "half") == 0)
		return row(line, "a");
	if (strcmp(lie, "many") == 0)
		return rows(line, ROWS + 1);
	if (strcmp(lie, "few") == 0)
		return show(line, ROWS - 1, 0, 0);
	if (strcmp(lie, "right") == 0)
		return show(line, ROWS, COLUMNS + 1, 0);
	if (strcmp(lie, "below") == 0)
		return show(line, ROWS, 0, ROWS);
	if (strcmp(lie, "large") == 0)
		return large(line);
	if (strcmp(lie, "finds") == 0)
		return line_send(line, WIRE_FOUND, &found, NULL, 0);
	if (strcmp(lie, "pattern") == 0)
		return send_failure(line, WIRE_FAIL_PATTERN);
	if (strcmp(lie, "limit") == 0)
		return send_failure(line, WIRE_FAIL_LIMIT);
	return row(line, "\x1b[2J\n");
}

static int say_lie(void *arg, int job_fd)
{
	struct line line;
	struct line_message m;

	if (strcmp(lie, "dies") == 0)
		_exit(1);
	line_init(&line, job_fd, WIRE_JOB, WIRE_DOOR);
	while (line_receive(&line, &m) == -EAGAIN)
		;
	if (tell_lie(&line) < 0)
		_exit(1);
	line_message_finish(&m);
	line_finish(&line);
	return 0;
}

static int become_worker(const char *kind)
{
	const struct door_options options = {
		.control_fd = 3, .line = WIRE_WORKER, .keys_fd = -1, .build_id = build_id()};
	const struct worker_role role = {.name = "other worker", .begin = no_begin, .job = say_lie};

	if (strcmp(kind, "screen") == 0)
		screen_worker_main(&options);
	lie = kind;
	worker_process_run(&options, &role, NULL);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_rows_come_from_the_top_and_the_cursor_behind_them),
		TEST(output_that_is_missing_cuts_what_goes_on_behind_it),
		TEST(a_repaint_comes_with_its_mark), TEST(modes_are_told_where_they_are_known),
		TEST(one_owner_has_no_more_than_his_share),
		TEST(a_worker_that_dies_of_it_is_the_reason),
		TEST(what_costs_too_much_is_told_apart),
		TEST(what_a_worker_makes_up_is_not_passed_on),
		TEST(a_repaint_is_no_larger_than_its_cells_need)};

	if (argc == 3 && strcmp(argv[1], "--worker") == 0)
		return become_worker(argv[2]);
	if (loop_block_signals() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
