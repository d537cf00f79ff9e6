/* Clients that break rules, ask for too much or take nothing: the right status, and bounded memory.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sftp_world.h"

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

/* --- packets --- */

static void packets_may_come_in_any_pieces(void **state)
{
	static const size_t pieces[] = {1, 2, 3, 5, 8, 13, 21};
	struct world *w = *state;
	uint8_t path[] = "\0\0\0\x12\x11\0\0\0\1\0\0\0\x9/a/b/../c"; /* STAT */
	size_t i, at = 0, total = sizeof(path) - 1;

	path[3] = (uint8_t)(total - 4);
	for (i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		for (at = 0; at < total; at += pieces[i])
			client_send(w, path + at, total - at < pieces[i] ? total - at : pieces[i]);
		assert_int_equal(w->count, i + 1);
		assert_string_equal(last_asked(w, 0)->path, "/a/c");
	}
}

static void expect_failure(const uint8_t *bytes, size_t len, const char *why)
{
	struct world *w = world_create();

	client_send(w, bytes, len);
	assert_true(sftpd_finished(w->server));
	assert_false(sftpd_wants_input(w->server));
	assert_string_equal(sftpd_failure(w->server), why);
	world_destroy(w);
}

static void a_wrong_length_ends_the_session(void **state)
{
	static const uint8_t lengths[][4] = {
		{0, 0, 0, 0}, {0, 4, 0, 1}, {0x7f, 0xff, 0xff, 0xff}, {0xff, 0xff, 0xff, 0xff}};
	size_t i;

	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		expect_failure(lengths[i], 4, "the length of a packet is wrong");
}

static void nothing_is_answered_after_the_end(void **state)
{
	struct world *w = *state;
	const struct asked *q;

	client_path(w, SFTP_STAT, 1, "x");
	q = last_asked(w, 0);
	client_send(w, "\0\0\0\0", 4);
	answer_attr(w, q, FILE_MODE, 1);
	no_reply(w);
	assert_true(sftpd_finished(w->server));
	assert_int_equal(sftpd_input(w->server, "x", 1), 0);
}

static void what_is_missing_in_a_request_is_a_bad_message(void **state)
{
	struct world *w = *state;
	uint64_t handle = open_file(w, 10, -1);
	uint8_t body[64];
	struct pack p = {body, body + sizeof(body), false};

	client_send(w, "\0\0\0\1\5", 5); /* without an id */
	expect_status(w, 0, SFTP_BAD_MESSAGE);
	client_send(w, "\0\0\0\4\5\0\0\0", 8);
	expect_status(w, 0, SFTP_BAD_MESSAGE);
	client_packet(w, SFTP_STAT, 1, "\0\0\0\5abc", 7);
	expect_status(w, 1, SFTP_BAD_MESSAGE);
	client_packet(w, SFTP_STAT, 2, "", 0);
	expect_status(w, 2, SFTP_BAD_MESSAGE);
	client_packet(w, SFTP_OPEN, 3, "\0\0\0\1x\0\0", 7);
	expect_status(w, 3, SFTP_BAD_MESSAGE);
	client_packet(w, SFTP_EXTENDED, 4, "\xff\xff\xff\xffx", 5);
	expect_status(w, 4, SFTP_OP_UNSUPPORTED);
	pack_u32(&p, 8);
	pack_u64(&p, handle);
	pack_u64(&p, 0);
	client_packet(w, SFTP_READ, 5, body, (size_t)(p.at - body)); /* without a length */
	expect_status(w, 5, SFTP_BAD_MESSAGE);
	client_packet(w, SFTP_READ, 6, "\0\0\0\0", 4);
	expect_status(w, 6, SFTP_FAILURE);
	assert_int_equal(w->count, 1);
}

/* Longer than is kept: not read, answered, and the next packet is understood. */
static void requests_that_are_too_long_are_passed_over(void **state)
{
	static const struct {
		uint8_t type;
		enum sftp_status status;
	} table[] = {{SFTP_STAT, SFTP_NO_SUCH_FILE}, {SFTP_OPEN, SFTP_NO_SUCH_FILE},
		{SFTP_REALPATH, SFTP_NO_SUCH_FILE}, {SFTP_WRITE, SFTP_PERMISSION_DENIED},
		{SFTP_MKDIR, SFTP_PERMISSION_DENIED}, {SFTP_READ, SFTP_BAD_MESSAGE},
		{SFTP_EXTENDED, SFTP_BAD_MESSAGE}, {77, SFTP_BAD_MESSAGE}};
	static const size_t lengths[] = {SFTPD_REQUEST_MAX - 5 + 1, 65536, SFTPD_PACKET_MAX - 5};
	struct world *w = *state;
	uint8_t *body = malloc(SFTPD_PACKET_MAX);
	size_t i, l;
	uint32_t id = 0;

	assert_non_null(body);
	memset(body, 'a', SFTPD_PACKET_MAX);
	for (l = 0; l < 3; l++) {
		pack_at(body, (uint32_t)lengths[l] - 4);
		for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
			client_packet(w, table[i].type, ++id, body, lengths[l]);
			expect_status(w, id, table[i].status);
			client_path(w, SFTP_REALPATH, ++id, "x");
			expect_name(w, id, "/x");
		}
	}
	assert_int_equal(w->count, 0);
	free(body);
}

static void a_name_of_64_kib_cut_off_does_not_hurt(void **state)
{
	struct world *w = *state;

	client_send(w, "\0\1\0\x9\x11\0\0\0\1\0\1\0\0", 13);
	expect_status(w, 1, SFTP_NO_SUCH_FILE);
	client_send(w, "abc", 3);
	sftpd_input_ends(w->server);
	assert_true(sftpd_finished(w->server));
	assert_null(sftpd_failure(w->server));
}

/* --- too much --- */

static void ten_thousand_handles_are_128(void **state)
{
	struct world *w = *state;
	uint32_t id;
	unsigned opened = 0;

	for (id = 0; id < 10000; id++) {
		struct reply r;

		client_open(w, id, "/file", SFTP_OPEN_READ);
		if (w->count > opened)
			answer_open(w, last_asked(w, 0), 10, -1);
		next_reply(w, &r);
		assert_int_equal(r.id, id);
		opened += r.type == SFTP_HANDLE;
	}
	assert_int_equal(opened, SFTPD_HANDLES_MAX);
	assert_int_equal(w->count, SFTPD_HANDLES_MAX);
}

/* What the client has sent is left to it; all of it is answered in the end. */
static void a_client_that_asks_ahead_without_end_is_held_back(void **state)
{
	struct world *w = *state;
	uint64_t handle = open_file(w, 4000000, make_file(4000000));
	uint32_t id, most = 20000;
	const uint8_t *data;

	for (id = 0; id < most; id++)
		client_read(w, id, handle, (id % 100) * UINT64_C(32768), 32768);
	assert_false(sftpd_wants_input(w->server));
	assert_true(buf_len(&w->sent) > 500000);
	for (id = 0; id < most; id++) {
		wait_reply(w);
		assert_true(sftpd_output(w->server, &data) <= SFTPD_OUTPUT_MAX);
		next_reply(w, &(struct reply){0});
	}
	assert_true(sftpd_wants_input(w->server));
	assert_int_equal(buf_len(&w->sent), 0);
	no_reply(w);
}

static void assert_output_is_bounded(struct world *w)
{
	const uint8_t *data;
	size_t len = sftpd_output(w->server, &data);

	assert_true(len >= SFTPD_READ_MAX && len <= SFTPD_OUTPUT_MAX);
}

static void a_client_that_takes_nothing_costs_no_more(void **state)
{
	struct world *w = *state;
	uint64_t handle = open_file(w, 4000000, make_file(4000000));
	uint32_t id;

	for (id = 0; id < 1000; id++)
		client_read(w, id, handle, 0, SFTPD_READ_MAX);
	wait_reply(w);
	while (job_pending(w->jobs))
		assert_int_equal(loop_turn(w->loop, 20 * LOOP_MSEC), 0);
	assert_output_is_bounded(w);
	for (id = 0; id < 1000; id++)
		client_path(w, SFTP_REALPATH, id, "/a/long/path/that/is/answered/twice");
	assert_output_is_bounded(w);
	assert_false(sftpd_wants_input(w->server));
}

static void queries_are_bounded(void **state)
{
	struct world *w = *state;
	uint32_t id;

	for (id = 0; id < 5000; id++)
		client_path(w, SFTP_STAT, id, "/some/file");
	assert_int_equal(w->count, SFTPD_REQUESTS_MAX);
	assert_false(sftpd_wants_input(w->server));
	for (id = 0; id < 5000; id++) {
		size_t behind = w->count - id - 1;

		answer_attr(w, last_asked(w, behind), FILE_MODE, id);
		next_reply(w, &(struct reply){0});
	}
	assert_int_equal(w->count, 5000);
	assert_true(sftpd_wants_input(w->server));
}

static void answers_of_paths_may_come_in_any_order(void **state)
{
	struct world *w = *state;
	struct reply r;

	client_path(w, SFTP_STAT, 1, "a");
	client_path(w, SFTP_STAT, 2, "b");
	answer_attr(w, last_asked(w, 0), FILE_MODE, 2);
	next_reply(w, &r);
	assert_int_equal(r.id, 2);
	answer_attr(w, last_asked(w, 1), FILE_MODE, 1);
	next_reply(w, &r);
	assert_int_equal(r.id, 1);
}

/* --- the tree takes no query --- */

static void queries_wait_until_they_can_be_asked(void **state)
{
	struct world *w = *state;
	uint64_t handle = open_file(w, 100000, -1);
	struct reply r;

	w->ask_error = -EAGAIN;
	client_path(w, SFTP_STAT, 1, "a");
	client_open(w, 2, "b", SFTP_OPEN_READ);
	client_path(w, SFTP_REMOVE, 3, "c");
	client_read(w, 4, handle, 0, 10);
	no_reply(w);
	assert_int_equal(w->count, 1);
	w->ask_error = 0;
	client_path(w, SFTP_STAT, 5, "d"); /* not before the others */
	assert_int_equal(w->count, 1);
	sftpd_resume(w->server);
	assert_int_equal(w->count, 6);
	assert_string_equal(last_asked(w, 4)->path, "/a");
	assert_string_equal(last_asked(w, 3)->path, "/b");
	assert_string_equal(last_asked(w, 2)->path, "/c");
	assert_string_equal(last_asked(w, 1)->path, "/d");
	assert_int_equal(last_asked(w, 0)->what, ASK_READ);
	answer_bytes(w, last_asked(w, 0), 0, 10, true);
	expect_data(w, 4, 0, 10);
	answer_attr(w, last_asked(w, 4), FILE_MODE, 1);
	next_reply(w, &r);
	assert_int_equal(r.id, 1);
}

/* --- the end --- */

static void what_was_asked_is_answered_after_the_clients_end(void **state)
{
	struct world *w = *state;

	client_path(w, SFTP_STAT, 1, "x");
	client_send(w, "\0\0", 2); /* the rest never comes */
	sftpd_input_ends(w->server);
	assert_false(sftpd_wants_input(w->server));
	assert_false(sftpd_finished(w->server));
	answer_attr(w, last_asked(w, 0), FILE_MODE, 1);
	assert_false(sftpd_finished(w->server));
	next_reply(w, &(struct reply){0});
	assert_true(sftpd_finished(w->server));
	assert_null(sftpd_failure(w->server));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(packets_may_come_in_any_pieces),
		cmocka_unit_test(a_wrong_length_ends_the_session),
		TEST(nothing_is_answered_after_the_end),
		TEST(what_is_missing_in_a_request_is_a_bad_message),
		TEST(requests_that_are_too_long_are_passed_over),
		TEST(a_name_of_64_kib_cut_off_does_not_hurt),
		TEST(ten_thousand_handles_are_128),
		TEST(a_client_that_asks_ahead_without_end_is_held_back),
		TEST(a_client_that_takes_nothing_costs_no_more),
		TEST(queries_are_bounded),
		TEST(answers_of_paths_may_come_in_any_order),
		TEST(queries_wait_until_they_can_be_asked),
		TEST(what_was_asked_is_answered_after_the_clients_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
