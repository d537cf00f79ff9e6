/* Sparse files of the SFTP server: holes are not read, and can be left out. */
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

/* Data in three places of 64 GiB, one of them behind 4 GiB. */
#define SPARSE_SIZE (UINT64_C(64) * 1024 * MIB)
#define FAR (UINT64_C(5) * 1024 * MIB + 12288)

static void put(int fd, uint64_t at, size_t len)
{
	uint8_t data[65536];
	size_t i;

	for (i = 0; i < len; i++)
		data[i] = pattern(at + i);
	assert_int_equal(pwrite(fd, data, len, (off_t)at), len);
}

static int make_sparse(void)
{
	int fd = make_file(0);

	put(fd, 0, 65536);
	put(fd, MIB, 65536);
	put(fd, FAR, 65536);
	assert_int_equal(ftruncate(fd, (off_t)SPARSE_SIZE), 0);
	return fd;
}

static void expect_zeros(struct world *w, uint32_t id, size_t len)
{
	struct reply r;
	const uint8_t *data;
	size_t got, i;

	next_reply(w, &r);
	assert_int_equal(r.type, SFTP_DATA);
	assert_int_equal(r.id, id);
	data = unpack_string(&r.in, &got);
	assert_int_equal(got, len);
	for (i = 0; i < len; i++)
		assert_int_equal(data[i], 0);
}

static void holes_are_zeros_and_data_behind_them_is_found(void **state)
{
	struct world *w = *state;
	uint64_t handle = open_file(w, SPARSE_SIZE, make_sparse());
	struct reply r;
	const uint8_t *data;
	size_t len;

	client_read(w, 1, handle, 0, 65536);
	wait_reply(w);
	expect_data(w, 1, 0, 65536);
	client_read(w, 2, handle, 4 * MIB, 200000);
	wait_reply(w);
	expect_zeros(w, 2, 200000);
	client_read(w, 3, handle, FAR, 65536);
	wait_reply(w);
	expect_data(w, 3, FAR, 65536);
	/* from a hole into the data, and out of it */
	client_read(w, 4, handle, FAR - 1000, 68536);
	wait_reply(w);
	next_reply(w, &r);
	data = unpack_string(&r.in, &len);
	assert_int_equal(len, 68536);
	assert_int_equal(data[999], 0);
	assert_int_equal(data[1000], pattern(FAR));
	assert_int_equal(data[66535], pattern(FAR + 65535));
	assert_int_equal(data[66536], 0);
	client_read(w, 5, handle, SPARSE_SIZE - 10, 100);
	wait_reply(w);
	expect_zeros(w, 5, 10);
}

static void a_hole_is_looked_up_once(void **state)
{
	struct world *w = *state;
	uint64_t handle = open_file(w, SPARSE_SIZE, make_sparse());
	uint32_t id;

	client_read(w, 0, handle, 8 * MIB, 261120);
	wait_reply(w);
	expect_zeros(w, 0, 261120);
	for (id = 1; id < 1000; id++) {
		client_read(w, id, handle, 8 * MIB + id * UINT64_C(261120), 261120);
		expect_zeros(w, id, 261120); /* at once: no thread was needed */
	}
}

static void send_ranges(struct world *w, uint32_t id, uint64_t handle, uint64_t from, uint64_t len)
{
	uint8_t body[64];
	struct pack p = {body, body + sizeof(body), false};

	pack_text(&p, "ranges@asyncssh.com");
	pack_u32(&p, 8);
	pack_u64(&p, handle);
	pack_u64(&p, from);
	pack_u64(&p, len);
	client_packet(w, SFTP_EXTENDED, id, body, (size_t)(p.at - body));
}

static void ranges_say_where_a_file_has_data(void **state)
{
	static const uint64_t data[][2] = {{0, 65536}, {MIB, 65536}, {FAR, 65536}};
	struct world *w = *state;
	uint64_t handle = open_file(w, SPARSE_SIZE, make_sparse());
	struct reply r;
	size_t i;

	send_ranges(w, 1, handle, 0, UINT64_MAX);
	wait_reply(w);
	next_reply(w, &r);
	assert_int_equal(r.type, SFTP_EXTENDED_REPLY);
	assert_int_equal(unpack_u32(&r.in), 3);
	for (i = 0; i < 3; i++) {
		assert_int_equal(unpack_u64(&r.in), data[i][0]);
		assert_int_equal(unpack_u64(&r.in), data[i][1]);
	}
	assert_int_equal(unpack_u8(&r.in), 1);
	assert_int_equal(r.in.left, 0);
	send_ranges(w, 2, handle, MIB + 4096, 10000);
	wait_reply(w);
	next_reply(w, &r);
	assert_int_equal(unpack_u32(&r.in), 1);
	assert_int_equal(unpack_u64(&r.in), MIB + 4096);
	assert_int_equal(unpack_u64(&r.in), 10000);
	send_ranges(w, 3, handle, FAR + 65536, UINT64_MAX);
	wait_reply(w);
	expect_status(w, 3, SFTP_EOF);
	send_ranges(w, 4, handle, UINT64_MAX, UINT64_MAX);
	wait_reply(w);
	expect_status(w, 4, SFTP_EOF);
}

static void at_most_128_ranges_come_at_once(void **state)
{
	struct world *w = *state;
	int fd = make_file(0);
	uint64_t handle, at;
	struct reply r;
	size_t i;

	for (i = 0; i < 200; i++)
		put(fd, i * 131072, 65536);
	assert_int_equal(ftruncate(fd, INT64_C(200) * 131072), 0);
	handle = open_file(w, UINT64_C(200) * 131072, fd);
	send_ranges(w, 1, handle, 0, UINT64_MAX);
	wait_reply(w);
	next_reply(w, &r);
	assert_int_equal(unpack_u32(&r.in), 128);
	for (i = 0; i < 127; i++)
		(void)unpack_u64(&r.in), (void)unpack_u64(&r.in);
	at = unpack_u64(&r.in) + unpack_u64(&r.in);
	assert_int_equal(at, 127 * 131072 + 65536);
	assert_int_equal(unpack_u8(&r.in), 0); /* there are more */
	send_ranges(w, 2, handle, at, UINT64_MAX);
	wait_reply(w);
	next_reply(w, &r);
	assert_int_equal(unpack_u32(&r.in), 72);
}

static void what_the_tree_reads_is_all_data(void **state)
{
	struct world *w = *state;
	uint64_t handle = open_file(w, 1000, -1);
	struct reply r;

	send_ranges(w, 1, handle, 10, UINT64_MAX);
	next_reply(w, &r);
	assert_int_equal(unpack_u32(&r.in), 1);
	assert_int_equal(unpack_u64(&r.in), 10);
	assert_int_equal(unpack_u64(&r.in), 990);
	assert_int_equal(unpack_u8(&r.in), 1);
	send_ranges(w, 2, handle, 1000, 1);
	expect_status(w, 2, SFTP_EOF);
}

static void a_folder_has_no_ranges(void **state)
{
	struct world *w = *state;

	client_path(w, SFTP_OPENDIR, 1, "/");
	answer_list(w, last_asked(w, 0), (const char *[]){NULL}, 0, true);
	send_ranges(w, 2, expect_handle(w, 1), 0, 10);
	expect_status(w, 2, SFTP_FAILURE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(holes_are_zeros_and_data_behind_them_is_found),
		TEST(a_hole_is_looked_up_once),
		TEST(ranges_say_where_a_file_has_data),
		TEST(at_most_128_ranges_come_at_once),
		TEST(what_the_tree_reads_is_all_data),
		TEST(a_folder_has_no_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
