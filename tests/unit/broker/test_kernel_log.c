/*
 * A kernel's log from a real worker process: what it reads, what it refuses, when it dies or lies.
 *
 * The worker is this program, executed again as the service does it.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/dmesg/kernel_log.h"
#include "broker/worker/worker.h"
#include "core/build_id.h"
#include "core/io.h"
#include "core/log.h"
#include "kernel_image.h"
#include "wire/line.h"
#include "worker/dmesg_worker.h"
#include "worker/worker_process.h"

#define DEADLINE_US (600 * LOOP_SECOND) /* the worker is nice, and some jobs cost it seconds */
#define RECORDS IMAGE_DESCS

static struct loop *loop;
static struct worker *worker;

struct reader {
	struct kernel_log *log;
	bool over, failed;
	enum kernel_log_failure failure;
	unsigned pieces;
	char text[4096]; /* the log, or why there is none */
};

static void on_lines(void *arg, const char *text, size_t len)
{
	struct reader *r = arg;
	size_t used = strlen(r->text);

	assert_true(len < sizeof(r->text) - used);
	memcpy(r->text + used, text, len);
	r->text[used + len] = '\0';
	r->pieces++;
}

static void on_whole(void *arg)
{
	struct reader *r = arg;

	r->over = true;
}

static void on_failed(void *arg, enum kernel_log_failure failure, const char *text)
{
	struct reader *r = arg;

	r->over = r->failed = true;
	r->failure = failure;
	snprintf(r->text, sizeof(r->text), "%s", text);
}

static const struct kernel_log_events events = {on_lines, on_whole, on_failed};

/* --- dumps --- */

static int dump_of(const void *bytes, size_t len)
{
	int fd = memfd_create("dump", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, bytes, len), 0);
	return fd;
}

static int good_dump(void)
{
	static struct image image;
	char line[40];

	image_ring(&image, false);
	for (int i = 0; i < RECORDS; i++) {
		snprintf(line, sizeof(line), "line %d", i);
		image_print(&image, 0, line);
	}
	return dump_of(image.file, sizeof(image.file));
}

static int begin(struct reader *r, int dump, const char *owner)
{
	memset(r, 0, sizeof(*r));
	return kernel_log_of_dump(worker, dump, owner, &events, r, &r->log);
}

static void run(struct reader *r)
{
	uint64_t end = loop_now(loop) + DEADLINE_US;

	while (!r->over) {
		assert_true(loop_turn(loop, 100 * LOOP_MSEC) >= 0);
		assert_true(loop_now(loop) < end);
	}
	kernel_log_destroy(&r->log);
}

static void make(const char *kind)
{
	const struct worker_options options = {.loop = loop,
		.build_id = build_id(),
		.name = "dmesg worker",
		.kind = kind,
		.does = "reads it",
		.restarts_max = KERNEL_LOG_RESTARTS_MAX};

	worker_destroy(&worker);
	assert_int_equal(worker_create(&options, &worker), 0);
	worker_settings(worker, KERNEL_LOG_JOBS_MAX, KERNEL_LOG_OWNER_MAX, LOG_LEVEL_ERROR);
}

static int set_up(void **state)
{
	loop = loop_create();
	assert_non_null(loop);
	make("dmesg");
	return 0;
}

static int tear_down(void **state)
{
	worker_destroy(&worker);
	loop_destroy(loop);
	return 0;
}

/* --- tests --- */

static void the_log_of_a_dump_comes_whole(void **state)
{
	struct reader r;
	char wanted[1000] = "";

	assert_int_equal(begin(&r, good_dump(), "key:a"), 0);
	run(&r);
	for (int i = 0; i < RECORDS; i++)
		snprintf(wanted + strlen(wanted), sizeof(wanted) - strlen(wanted),
			"[    0.000000] line %d\n", i);
	assert_false(r.failed);
	assert_string_equal(r.text, wanted);
}

static void what_is_no_dump_is_told(void **state)
{
	struct reader r;

	assert_int_equal(begin(&r, dump_of("KDUMP   ", 8), "key:a"), 0);
	run(&r);
	assert_true(r.failed && r.failure == KERNEL_LOG_UNREADABLE);
	assert_string_equal(r.text, "it is no ELF file: only a dump of the format elf can be read");
}

static void nothing_comes_while_it_is_paused(void **state)
{
	struct reader r;
	uint64_t end;

	assert_int_equal(begin(&r, good_dump(), "key:a"), 0);
	kernel_log_pause(r.log, true);
	end = loop_now(loop) + LOOP_SECOND / 2;
	while (loop_now(loop) < end)
		assert_true(loop_turn(loop, 50 * LOOP_MSEC) >= 0);
	assert_true(worker_pid(worker) > 0);
	assert_int_equal(r.pieces, 0);
	kernel_log_pause(r.log, false);
	run(&r);
	assert_false(r.failed);
	assert_int_equal(r.pieces, 1);
}

static void one_owner_has_no_more_than_his_share(void **state)
{
	struct reader r[KERNEL_LOG_OWNER_MAX + 2];
	int i;

	for (i = 0; i < KERNEL_LOG_OWNER_MAX; i++)
		assert_int_equal(begin(&r[i], good_dump(), "key:a"), 0);
	assert_int_equal(begin(&r[i], good_dump(), "key:a"), -EDQUOT);
	assert_int_equal(begin(&r[i + 1], good_dump(), "key:b"), 0);
	for (i = 0; i < KERNEL_LOG_OWNER_MAX; i++)
		run(&r[i]);
	run(&r[i + 1]);
}

static void a_worker_that_dies_of_it_is_the_reason(void **state)
{
	struct reader r;

	make("dies");
	assert_int_equal(begin(&r, good_dump(), "key:a"), 0);
	run(&r);
	assert_true(r.failed && r.failure == KERNEL_LOG_BROKEN);
	assert_string_equal(r.text, "the process that reads it has died");
}

static void a_worker_without_memory_is_the_reason(void **state)
{
	struct reader r;

	make("starves");
	assert_int_equal(begin(&r, good_dump(), "key:a"), 0);
	run(&r);
	assert_true(r.failed && r.failure == KERNEL_LOG_BROKEN);
	assert_string_equal(r.text, "the process that reads it has no memory left");
}

static void what_a_worker_makes_up_is_not_passed_on(void **state)
{
	static const char *const kinds[] = {"escapes", "peeks", "finds"};
	struct reader r;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		make(kinds[i]);
		assert_int_equal(begin(&r, good_dump(), "key:a"), 0);
		run(&r);
		assert_true(r.failed && r.failure == KERNEL_LOG_BROKEN);
		assert_string_equal(r.text, "the process that reads it gives no sense");
	}
}

/* --- this program as a worker --- */

static int no_begin(void *arg, struct loop *own)
{
	return 0;
}

static int die(void *arg, int job_fd)
{
	_exit(1);
}

static const char *lie;

static int tell_lie(struct line *line)
{
	const struct wire_peek peek = {.address = 0xfee00000, .len = 4096};
	const struct wire_found found = {.end = 1};
	const struct wire_failed starved = {.failure = WIRE_FAIL_MEMORY};

	if (strcmp(lie, "peeks") == 0)
		return line_send(line, WIRE_PEEK, &peek, NULL, 0);
	if (strcmp(lie, "finds") == 0)
		return line_send(line, WIRE_FOUND, &found, NULL, 0);
	if (strcmp(lie, "starves") == 0)
		return line_send(line, WIRE_FAILED, &starved, NULL, 0);
	return line_send(line, WIRE_PRINT, NULL, "\x1b[2J\n", 5);
}

static int say_lie(void *arg, int job_fd)
{
	struct line line;
	struct line_message m;

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
	const struct worker_role role = {.name = "other worker",
		.begin = no_begin,
		.job = strcmp(kind, "dies") == 0 ? die : say_lie};

	if (strcmp(kind, "dmesg") == 0)
		dmesg_worker_main(&options);
	lie = kind;
	worker_process_run(&options, &role, NULL);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_log_of_a_dump_comes_whole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_dump_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			nothing_comes_while_it_is_paused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			one_owner_has_no_more_than_his_share, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_worker_that_dies_of_it_is_the_reason, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_worker_without_memory_is_the_reason, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_a_worker_makes_up_is_not_passed_on, set_up, tear_down),
	};

	if (argc == 3 && strcmp(argv[1], "--worker") == 0)
		return become_worker(argv[2]);
	if (loop_block_signals() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
