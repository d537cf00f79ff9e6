/* Open files of the SFTP server: bytes, order, ends, and what was taken. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "sftp_world.h"

#define MIB UINT64_C(1048576)

static int set_up(void **state)
{
	*state = world_create();
	return 0;
}

static int tear_down(void **state)
{
	world_destroy(*state);
	return 0;
}

/* --- reading --- */

static void a_file_is_read_byte_by_byte_the_same(void **state)
{
	struct world *w = *state;
	uint64_t size = 3 * MIB + 17, at = 0;
	uint64_t handle = open_file(w, size, make_file(size));
	uint32_t id = 0;

	while (at < size) {
		size_t left = size - at < 100000 ? (size_t)(size - at) : 100000;

		client_read(w, ++id, handle, at, 100000);
		wait_reply(w);
		expect_data(w, id, at, left);
		at += left;
	}
	client_read(w, ++id, handle, at, 100000);
	expect_status(w, id, SFTP_EOF);
	client_handle(w, SFTP_CLOSE, ++id, handle);
	expect_status(w, id, SFTP_OK);
	assert_int_equal(w->closed, 1);
	assert_int_equal(w->taken.bytes, size);
	assert_int_equal(w->taken.ranges[0].from, 0);
	assert_int_equal(w->taken.ranges[0].to, size);
}

static void a_read_is_short_at_the_end_of_the_file_only(void **state)
{
	struct world *w = *state;
	uint64_t handle = open_file(w, 300000, make_file(300000));

	client_read(w, 1, handle, 0, UINT32_MAX); /* as much as one answer may hold */
	wait_reply(w);
	expect_data(w, 1, 0, SFTPD_READ_MAX);
	client_read(w, 2, handle, 299999, 32768);
	wait_reply(w);
	expect_data(w, 2, 299999, 1);
	client_read(w, 3, handle, 300000, 1);
	expect_status(w, 3, SFTP_EOF);
	client_read(w, 4, handle, UINT64_MAX, UINT32_MAX);
	expect_status(w, 4, SFTP_EOF);
	client_read(w, 5, handle, UINT64_MAX - 5, 10);
	expect_status(w, 5, SFTP_EOF);
	client_read(w, 6, handle, 7, 0);
	expect_data(w, 6, 7, 0);
}

static void bytes_that_are_not_in_memory_come_from_a_thread(void **state)
{
	struct world *w = *state;
	int fd = make_file(4 * MIB);
	uint64_t handle, at;
	uint32_t id = 0;

	assert_int_equal(fdatasync(fd), 0);
	assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	handle = open_file(w, 4 * MIB, fd);
	for (at = 0; at < 4 * MIB; at += 131072) {
		client_read(w, ++id, handle, at, 131072);
		wait_reply(w);
		expect_data(w, id, at, 131072);
	}
	assert_true(w->wakes > 0);
}

/* Every client counts on that; OpenSSH's does not resume a download that was out of order. */
static void reads_of_one_handle_are_answered_in_order(void **state)
{
	struct world *w = *state;
	int fd = make_file(4 * MIB);
	uint64_t handle;
	uint32_t id;

	assert_int_equal(fdatasync(fd), 0);
	assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	handle = open_file(w, 4 * MIB, fd);
	for (id = 0; id < 128; id++)
		client_read(w, id, handle, id * UINT64_C(32768), 32768);
	for (id = 0; id < 128; id++) {
		wait_reply(w);
		expect_data(w, id, id * UINT64_C(32768), 32768);
	}
}

static void a_slow_file_does_not_hold_up_another_one(void **state)
{
	struct world *w = *state;
	uint64_t slow = open_file(w, 1000, -1), other = open_file(w, 1000, make_file(1000));
	const struct asked *q;
	struct reply r;

	client_read(w, 1, slow, 0, 500);
	q = last_asked(w, 0);
	client_read(w, 2, slow, 500, 500);
	client_handle(w, SFTP_FSTAT, 3, slow);
	client_read(w, 4, other, 0, 1000);
	expect_data(w, 4, 0, 1000);
	client_handle(w, SFTP_CLOSE, 5, other);
	expect_status(w, 5, SFTP_OK);
	no_reply(w);
	answer_bytes(w, q, 0, 500, true);
	expect_data(w, 1, 0, 500);
	answer_bytes(w, last_asked(w, 0), 500, 500, true);
	expect_data(w, 2, 500, 500);
	next_reply(w, &r);
	assert_int_equal(r.type, SFTP_ATTRS);
	assert_int_equal(r.id, 3);
}

static void what_is_no_plain_file_is_read_through_the_tree(void **state)
{
	struct world *w = *state;
	uint64_t handle = open_file(w, 100000, -1);
	const struct asked *q;
	size_t at;

	client_read(w, 1, handle, 50000, 100000);
	q = last_asked(w, 0);
	assert_int_equal(q->what, ASK_READ);
	assert_int_equal(q->file, last_asked(w, 1)->query);
	assert_int_equal(q->from, 50000);
	assert_int_equal(q->len, 50000); /* never beyond the size it had */
	for (at = 0; at < 48000; at += 16000) {
		answer_bytes(w, q, 50000 + at, 16000, false);
		no_reply(w);
	}
	answer_bytes(w, q, 98000, 2000, true);
	expect_data(w, 1, 50000, 50000);
	client_handle(w, SFTP_CLOSE, 2, handle);
	expect_status(w, 2, SFTP_OK);
	assert_int_equal(w->taken.ranges[0].from, 50000);
	assert_int_equal(w->taken.ranges[0].to, 100000);
	assert_int_equal(w->taken.count, 1);
}

static void too_few_or_too_many_bytes_of_the_tree_are_a_failure(void **state)
{
	struct world *w = *state;
	uint64_t handle = open_file(w, 1000, -1);

	client_read(w, 1, handle, 0, 1000);
	answer_bytes(w, last_asked(w, 0), 0, 999, true);
	expect_status(w, 1, SFTP_FAILURE);
	client_read(w, 2, handle, 0, 1000);
	answer_bytes(w, last_asked(w, 0), 0, 1001, true);
	expect_status(w, 2, SFTP_FAILURE);
	client_read(w, 3, handle, 0, 1000);
	answer_bytes(w, last_asked(w, 0), 0, 10, false);
	answer_error(w, last_asked(w, 0), -EIO);
	expect_status(w, 3, SFTP_FAILURE);
	client_read(w, 4, handle, 0, 1000);
	answer_bytes(w, last_asked(w, 0), 0, 1000, true);
	expect_data(w, 4, 0, 1000);
}

static void a_file_that_grows_is_as_long_as_it_was_when_opened(void **state)
{
	struct world *w = *state;
	int fd = make_file(1000), again = dup(fd);
	uint64_t handle = open_file(w, 600, fd);
	struct reply r;

	client_handle(w, SFTP_FSTAT, 1, handle);
	next_reply(w, &r);
	assert_int_equal(unpack_u32(&r.in), SFTP_ATTR_ALL);
	assert_int_equal(unpack_u64(&r.in), 600);
	client_read(w, 2, handle, 0, 1000);
	expect_data(w, 2, 0, 600);
	client_read(w, 3, handle, 600, 1000);
	expect_status(w, 3, SFTP_EOF);
	close(again);
}

static void a_file_that_shrinks_is_a_failure_not_a_short_file(void **state)
{
	struct world *w = *state;
	int fd = make_file(3 * MIB), again = dup(fd);
	uint64_t handle = open_file(w, 3 * MIB, fd);

	client_read(w, 1, handle, 0, 1000);
	wait_reply(w);
	expect_data(w, 1, 0, 1000);
	assert_int_equal(ftruncate(again, MIB), 0);
	client_read(w, 2, handle, MIB - 10, 20);
	wait_reply(w);
	expect_status(w, 2, SFTP_FAILURE);
	client_read(w, 3, handle, 2 * MIB, 20);
	wait_reply(w);
	expect_status(w, 3, SFTP_FAILURE);
	client_read(w, 4, handle, 0, 1000);
	wait_reply(w);
	expect_data(w, 4, 0, 1000);
	close(again);
}

/* --- handles --- */

static void a_closed_handle_is_no_handle(void **state)
{
	struct world *w = *state;
	uint64_t first = open_file(w, 1000, make_file(1000)), second;

	client_handle(w, SFTP_CLOSE, 1, first);
	expect_status(w, 1, SFTP_OK);
	client_read(w, 2, first, 0, 10);
	expect_status(w, 2, SFTP_FAILURE);
	second = open_file(w, 1000, make_file(1000)); /* in the same place */
	assert_int_not_equal(first, second);
	client_read(w, 3, first, 0, 10);
	expect_status(w, 3, SFTP_FAILURE);
	client_handle(w, SFTP_CLOSE, 4, first);
	expect_status(w, 4, SFTP_FAILURE);
	client_read(w, 5, second, 0, 10);
	expect_data(w, 5, 0, 10);
	client_packet(w, SFTP_CLOSE, 6, "\0\0\0\4\0\0\0\1", 8);
	expect_status(w, 6, SFTP_FAILURE);
}

static void a_close_waits_for_the_reads_before_it(void **state)
{
	struct world *w = *state;
	uint64_t handle = open_file(w, 1000, -1);

	client_read(w, 1, handle, 0, 1000);
	client_handle(w, SFTP_CLOSE, 2, handle);
	client_read(w, 3, handle, 0, 1000); /* comes too late */
	expect_status(w, 3, SFTP_FAILURE);
	no_reply(w);
	assert_int_equal(w->closed, 0);
	answer_bytes(w, last_asked(w, 0), 0, 1000, true);
	expect_data(w, 1, 0, 1000);
	expect_status(w, 2, SFTP_OK);
	assert_int_equal(w->closed, 1);
}

static void one_file_can_be_open_many_times(void **state)
{
	struct world *w = *state;
	uint64_t handles[SFTPD_HANDLES_MAX];
	uint32_t i;

	for (i = 0; i < SFTPD_HANDLES_MAX; i++)
		handles[i] = open_file(w, 1000, make_file(1000));
	client_open(w, 1, "/file", SFTP_OPEN_READ);
	expect_status(w, 1, SFTP_FAILURE);
	client_path(w, SFTP_OPENDIR, 2, "/");
	expect_status(w, 2, SFTP_FAILURE);
	for (i = 0; i < SFTPD_HANDLES_MAX; i++) {
		client_read(w, i, handles[i], i, 100);
		expect_data(w, i, i, 100);
	}
	client_handle(w, SFTP_CLOSE, 3, handles[7]);
	expect_status(w, 3, SFTP_OK);
	(void)open_file(w, 1000, make_file(1000));
}

static void a_failed_open_leaves_no_handle(void **state)
{
	struct world *w = *state;
	uint32_t i;

	for (i = 0; i < 2 * SFTPD_HANDLES_MAX; i++) {
		client_open(w, i, "/file", SFTP_OPEN_READ);
		answer_error(w, last_asked(w, 0), -ENOENT);
		expect_status(w, i, SFTP_NO_SUCH_FILE);
		client_path(w, SFTP_OPENDIR, i, "/x");
		answer_error(w, last_asked(w, 0), -EACCES);
		expect_status(w, i, SFTP_PERMISSION_DENIED);
	}
	assert_int_equal(w->closed, 0);
}

static void the_server_can_end_while_files_are_read(void **state)
{
	struct world *w = *state;
	int fd = make_file(4 * MIB);
	uint64_t slow = open_file(w, 1000, -1), cold;

	assert_int_equal(fdatasync(fd), 0);
	assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	cold = open_file(w, 4 * MIB, fd);
	client_read(w, 1, slow, 0, 1000);
	client_read(w, 2, cold, 0, 100000);
	client_read(w, 3, cold, 100000, 100000);
	client_path(w, SFTP_STAT, 4, "x");
	client_open(w, 5, "x", SFTP_OPEN_READ);
	sftpd_destroy(&w->server);
	assert_int_equal(w->closed, 2);
	while (job_pending(w->jobs))
		assert_int_equal(loop_turn(w->loop, 20 * LOOP_MSEC), 0);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_is_read_byte_by_byte_the_same),
		TEST(a_read_is_short_at_the_end_of_the_file_only),
		TEST(bytes_that_are_not_in_memory_come_from_a_thread),
		TEST(reads_of_one_handle_are_answered_in_order),
		TEST(a_slow_file_does_not_hold_up_another_one),
		TEST(what_is_no_plain_file_is_read_through_the_tree),
		TEST(too_few_or_too_many_bytes_of_the_tree_are_a_failure),
		TEST(a_file_that_grows_is_as_long_as_it_was_when_opened),
		TEST(a_file_that_shrinks_is_a_failure_not_a_short_file),
		TEST(a_closed_handle_is_no_handle),
		TEST(a_close_waits_for_the_reads_before_it),
		TEST(one_file_can_be_open_many_times),
		TEST(a_failed_open_leaves_no_handle),
		TEST(the_server_can_end_while_files_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
