/* The SFTP server as its clients see it: what is answered, and that writing is refused. */
#include <endian.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
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

/* --- the beginning --- */

static void version_3_is_announced_with_what_there_is_beside_it(void **state)
{
	static const char *const wanted[] = {"limits@openssh.com", "1", "statvfs@openssh.com", "2",
		"fstatvfs@openssh.com", "2", "home-directory", "1", "expand-path@openssh.com", "1",
		"users-groups-by-id@openssh.com", "1", "ranges@asyncssh.com", "1"};
	struct world *w = world_create_fresh();
	struct reply r;
	size_t i;

	client_packet(w, SFTP_INIT, 6, "", 0);
	next_reply(w, &r);
	assert_int_equal(r.type, SFTP_VERSION_REPLY);
	assert_int_equal(r.id, 3); /* the place of the version */
	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		size_t len;
		const uint8_t *text = unpack_string(&r.in, &len);

		assert_int_equal(len, strlen(wanted[i]));
		assert_memory_equal(text, wanted[i], len);
	}
	assert_int_equal(r.in.left, 0);
	world_destroy(w);
}

static void a_request_before_init_ends_the_session(void **state)
{
	struct world *w = world_create_fresh();

	client_path(w, SFTP_STAT, 1, "/");
	no_reply(w);
	assert_true(sftpd_finished(w->server));
	assert_string_equal(sftpd_failure(w->server), "a request before INIT");
	world_destroy(w);
}

static void a_second_init_ends_the_session(void **state)
{
	struct world *w = *state;

	client_packet(w, SFTP_INIT, SFTP_VERSION, "", 0);
	assert_true(sftpd_finished(w->server));
	assert_string_equal(sftpd_failure(w->server), "a second INIT");
}

static void limits_are_those_that_hold(void **state)
{
	struct world *w = *state;
	struct reply r;

	client_extended(w, 1, "limits@openssh.com", "", 0);
	next_reply(w, &r);
	assert_int_equal(r.type, SFTP_EXTENDED_REPLY);
	assert_int_equal(unpack_u64(&r.in), 262144);
	assert_int_equal(unpack_u64(&r.in), 261120);
	assert_int_equal(unpack_u64(&r.in), 261120);
	assert_int_equal(
		unpack_u64(&r.in), 128); /* older clients keep no more requests in flight */
	assert_int_equal(r.in.left, 0);
}

/* --- names --- */

static void realpath_of_odd_names_is_absolute(void **state)
{
	static const char *const names[][2] = {
		{"", "/"},
		{".", "/"},
		{"/", "/"},
		{"..", "/"},
		{"dumps/../..", "/"},
		{"dumps", "/dumps"},
		{"/dumps/./x/", "/dumps/x"},
		{"//dumps///x//", "/dumps/x"},
		{"missing/also", "/missing/also"},
		{"../../etc/passwd", "/etc/passwd"},
		{"~", "/~"},
	};
	struct world *w = *state;
	uint32_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		client_path(w, SFTP_REALPATH, i, names[i][0]);
		expect_name(w, i, names[i][1]);
	}
	assert_int_equal(w->count, 0);
}

static void relative_names_begin_at_home(void **state)
{
	struct world *w = *state;

	sftpd_destroy(&w->server);
	w->config.home = "/vms/web";
	assert_int_equal(sftpd_create(&w->config, &w->server), 0);
	client_packet(w, SFTP_INIT, 3, "", 0);
	next_reply(w, &(struct reply){0});
	client_path(w, SFTP_REALPATH, 1, "dumps");
	expect_name(w, 1, "/vms/web/dumps");
	client_path(w, SFTP_REALPATH, 2, "..");
	expect_name(w, 2, "/vms");
	client_path(w, SFTP_REALPATH, 3, "/dumps");
	expect_name(w, 3, "/dumps");
	client_extended(w, 4, "expand-path@openssh.com", "~/x", 3);
	expect_name(w, 4, "/vms/web/x");
	client_extended(w, 5, "home-directory", "", 0);
	expect_name(w, 5, "/vms/web");
}

static void a_tilde_is_expanded_where_it_is_asked_for(void **state)
{
	struct world *w = *state;

	client_extended(w, 1, "expand-path@openssh.com", "~", 1);
	expect_name(w, 1, "/");
	client_extended(w, 2, "expand-path@openssh.com", "~//dumps", 8);
	expect_name(w, 2, "/dumps");
	client_extended(w, 3, "expand-path@openssh.com", "dumps/~", 7);
	expect_name(w, 3, "/dumps/~");
	client_extended(w, 4, "expand-path@openssh.com", "~root", 5);
	expect_status(w, 4, SFTP_NO_SUCH_FILE);
	client_extended(w, 5, "home-directory", "vm", 2);
	expect_name(w, 5, "/");
	client_extended(w, 6, "home-directory", "root", 4);
	expect_status(w, 6, SFTP_NO_SUCH_FILE);
}

static void a_name_that_cannot_be_is_not_asked_for(void **state)
{
	struct world *w = *state;
	char name[2 * TREE_PATH_MAX];
	static const uint8_t nul[] = {0, 0, 0, 3, 'a', 0, 'b'};

	memset(name, 'a', sizeof(name));
	name[TREE_NAME_MAX + 1] = '\0';
	client_path(w, SFTP_STAT, 1, name);
	expect_status(w, 1, SFTP_NO_SUCH_FILE);
	memset(name, '/', sizeof(name));
	name[sizeof(name) - 5] = '\0';
	client_path(w, SFTP_REALPATH, 2, name); /* long, and yet short */
	expect_name(w, 2, "/");
	client_packet(w, SFTP_STAT, 3, nul, sizeof(nul));
	expect_status(w, 3, SFTP_NO_SUCH_FILE);
	assert_int_equal(w->count, 0);
}

static void a_path_as_long_as_may_be_is_asked_for(void **state)
{
	struct world *w = *state;
	char path[TREE_PATH_MAX + 1];
	size_t i;

	for (i = 0; i < TREE_PATH_MAX; i++)
		path[i] = i % 256 ? 'a' : '/';
	path[TREE_PATH_MAX - 1] = '\0';
	client_path(w, SFTP_STAT, 1, path);
	assert_string_equal(last_asked(w, 0)->path, path);
	path[TREE_PATH_MAX - 1] = 'a';
	path[TREE_PATH_MAX] = '\0';
	client_path(w, SFTP_STAT, 2, path);
	expect_status(w, 2, SFTP_NO_SUCH_FILE);
}

static void no_path_leads_out_of_the_tree(void **state)
{
	struct world *w = *state;

	client_path(w, SFTP_STAT, 1, "/../../../etc/passwd");
	assert_string_equal(last_asked(w, 0)->path, "/etc/passwd");
	client_open(w, 2, "dumps/../../../etc/shadow", SFTP_OPEN_READ);
	assert_string_equal(last_asked(w, 0)->path, "/etc/shadow");
	client_path(w, SFTP_OPENDIR, 3, "..");
	assert_string_equal(last_asked(w, 0)->path, "/");
}

/* --- attributes --- */

static void expect_attrs(struct world *w, uint32_t id, uint32_t mode, uint64_t size)
{
	struct reply r;

	next_reply(w, &r);
	assert_int_equal(r.type, SFTP_ATTRS);
	assert_int_equal(r.id, id);
	assert_int_equal(unpack_u32(&r.in), SFTP_ATTR_ALL);
	assert_int_equal(unpack_u64(&r.in), size);
	assert_int_equal(unpack_u32(&r.in), 1001);
	assert_int_equal(unpack_u32(&r.in), 1002);
	assert_int_equal(unpack_u32(&r.in), mode);
	assert_int_equal(unpack_u32(&r.in), 1003);
	assert_int_equal(unpack_u32(&r.in), 1004);
	assert_int_equal(r.in.left, 0);
}

static void stat_tells_type_size_owner_and_times(void **state)
{
	struct world *w = *state;

	client_path(w, SFTP_STAT, 1, "dumps/big");
	assert_string_equal(last_asked(w, 0)->path, "/dumps/big");
	assert_true(last_asked(w, 0)->follow);
	answer_attr(w, last_asked(w, 0), FILE_MODE, UINT64_C(1) << 40);
	expect_attrs(w, 1, FILE_MODE, UINT64_C(1) << 40);
	client_path(w, SFTP_LSTAT, 2, "");
	assert_string_equal(last_asked(w, 0)->path, "/");
	answer_attr(w, last_asked(w, 0), FOLDER_MODE, 4096);
	expect_attrs(w, 2, FOLDER_MODE, 4096);
	client_path(w, SFTP_LSTAT, 3, "link");
	assert_false(last_asked(w, 0)->follow);
	answer_attr(w, last_asked(w, 0), 0120777, 5);
	expect_attrs(w, 3, 0120777, 5);
}

/* lftp finds out in this way whether a name is a folder. */
static void a_file_has_nothing_behind_a_slash(void **state)
{
	static const char *const names[] = {"x/.", "x/", "x/y/.."};
	struct world *w = *state;
	uint32_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		client_path(w, SFTP_STAT, i, names[i]);
		assert_string_equal(last_asked(w, 0)->path, "/x");
		answer_attr(w, last_asked(w, 0), FILE_MODE, 1);
		expect_status(w, i, SFTP_NO_SUCH_FILE);
		client_path(w, SFTP_STAT, i, names[i]);
		answer_attr(w, last_asked(w, 0), FOLDER_MODE, 1);
		next_reply(w, &(struct reply){0});
	}
	client_open(w, 8, "x/", SFTP_OPEN_READ);
	answer_open(w, last_asked(w, 0), 1, -1);
	expect_status(w, 8, SFTP_NO_SUCH_FILE);
	assert_int_equal(w->closed, 1);
}

static void what_the_tree_says_becomes_a_status(void **state)
{
	static const struct {
		int error;
		enum sftp_status status;
	} table[] = {{-ENOENT, SFTP_NO_SUCH_FILE}, {-ENOTDIR, SFTP_NO_SUCH_FILE},
		{-EACCES, SFTP_PERMISSION_DENIED}, {-EPERM, SFTP_PERMISSION_DENIED},
		{-EIO, SFTP_FAILURE}, {-EISDIR, SFTP_FAILURE}, {-ENOSYS, SFTP_OP_UNSUPPORTED}};
	struct world *w = *state;
	uint32_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		client_path(w, SFTP_STAT, i, "x");
		answer_error(w, last_asked(w, 0), table[i].error);
		expect_status(w, i, table[i].status);
		w->ask_error = table[i].error; /* the query itself fails */
		client_path(w, SFTP_STAT, i, "x");
		expect_status(w, i, table[i].status);
		w->ask_error = 0;
	}
}

static void a_reason_of_the_tree_is_told(void **state)
{
	struct world *w = *state;
	struct reply r;
	const uint8_t *text;
	size_t len;

	client_path(w, SFTP_STAT, 1, "x");
	assert_int_equal(sftpd_answer(w->server, last_asked(w, 0)->query,
				 &(struct tree_answer){.error = -EACCES,
					 .reason = "permission denied: dump-get"}),
		0);
	next_reply(w, &r);
	assert_int_equal(unpack_u32(&r.in), SFTP_PERMISSION_DENIED);
	text = unpack_string(&r.in, &len);
	assert_int_equal(len, strlen("permission denied: dump-get"));
	assert_memory_equal(text, "permission denied: dump-get", len);
}

static void an_answer_nobody_waits_for_is_not_taken(void **state)
{
	struct world *w = *state;
	struct tree_answer a = {.fd = -1};

	assert_int_equal(sftpd_answer(w->server, 0, &a), -ESRCH);
	assert_int_equal(sftpd_answer(w->server, 77, &a), -ESRCH);
	client_path(w, SFTP_STAT, 1, "x");
	answer_error(w, last_asked(w, 0), -ENOENT);
	assert_int_equal(sftpd_answer(w->server, last_asked(w, 0)->query, &a), -ESRCH);
}

/* --- writing --- */

static void every_write_is_refused_and_told(void **state)
{
	static const struct {
		uint8_t type;
		const char *told;
	} table[] = {
		{SFTP_SETSTAT, "setstat x"},
		{SFTP_MKDIR, "mkdir x"},
		{SFTP_RMDIR, "rmdir x"},
		{SFTP_RENAME, "rename x"},
		{SFTP_SYMLINK, "symlink x"},
	};
	struct world *w = *state;
	uint64_t handle = open_file(w, 10, -1);
	uint32_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		client_path(w, table[i].type, i, "x");
		expect_status(w, i, SFTP_PERMISSION_DENIED);
		assert_string_equal(w->refused, table[i].told);
	}
	client_read(w, 20, handle, 0, 0);
	next_reply(w, &(struct reply){0});
	client_handle(w, SFTP_WRITE, 21, handle);
	expect_status(w, 21, SFTP_PERMISSION_DENIED);
	assert_string_equal(w->refused, "write ");
	client_handle(w, SFTP_FSETSTAT, 22, handle);
	expect_status(w, 22, SFTP_PERMISSION_DENIED);
	assert_int_equal(w->count, 1);
}

static void opening_for_anything_but_reading_is_refused(void **state)
{
	struct world *w = *state;
	uint32_t bit;

	for (bit = 0x02; bit <= 0x20; bit <<= 1) {
		client_open(w, bit, "dir/x", SFTP_OPEN_READ | bit);
		expect_status(w, bit, SFTP_PERMISSION_DENIED);
		assert_string_equal(w->refused, "open /dir/x");
	}
	assert_int_equal(w->count, 0);
	assert_int_equal(w->refusals, 5);
}

static void extensions_that_write_are_refused(void **state)
{
	static const char *const names[] = {"posix-rename@openssh.com", "hardlink@openssh.com",
		"lsetstat@openssh.com", "fsync@openssh.com", "copy-data"};
	struct world *w = *state;
	uint32_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		client_extended(w, i, names[i], "x", 1);
		expect_status(w, i, SFTP_PERMISSION_DENIED);
	}
	assert_int_equal(w->refusals, i);
	client_extended(w, 9, "unknown@example.com", "x", 1);
	expect_status(w, 9, SFTP_OP_UNSUPPORTED);
	client_path(w, 42, 10, "x");
	expect_status(w, 10, SFTP_OP_UNSUPPORTED);
}

static void removal_is_the_trees_decision(void **state)
{
	struct world *w = *state;

	client_path(w, SFTP_REMOVE, 1, "dumps/old");
	assert_int_equal(last_asked(w, 0)->what, ASK_REMOVE);
	assert_string_equal(last_asked(w, 0)->path, "/dumps/old");
	answer_error(w, last_asked(w, 0), 0);
	expect_status(w, 1, SFTP_OK);
	client_path(w, SFTP_REMOVE, 2, "dumps/old");
	answer_error(w, last_asked(w, 0), -EACCES);
	expect_status(w, 2, SFTP_PERMISSION_DENIED);
	assert_int_equal(w->refusals, 0);
	w->ops.remove = NULL;
	client_path(w, SFTP_REMOVE, 3, "dumps/old");
	expect_status(w, 3, SFTP_PERMISSION_DENIED);
	assert_string_equal(w->refused, "remove /dumps/old");
}

/* --- what else there is --- */

static void free_space_is_told_as_read_only(void **state)
{
	struct world *w = *state;
	struct tree_answer a = {.space = {1, 2, 3, 4, 5, 6, 7, 8, 9}};
	uint64_t handle = open_file(w, 10, -1), i;
	struct reply r;

	client_extended(w, 1, "statvfs@openssh.com", "dumps", 5);
	assert_string_equal(last_asked(w, 0)->path, "/dumps");
	assert_int_equal(sftpd_answer(w->server, last_asked(w, 0)->query, &a), 0);
	next_reply(w, &r);
	assert_int_equal(r.type, SFTP_EXTENDED_REPLY);
	for (i = 1; i <= 9; i++)
		assert_int_equal(unpack_u64(&r.in), i);
	assert_int_equal(unpack_u64(&r.in), 3);
	assert_int_equal(unpack_u64(&r.in), 255);
	assert_int_equal(r.in.left, 0);
	handle = htobe64(handle);
	client_extended(w, 2, "fstatvfs@openssh.com", &handle, 8);
	assert_string_equal(last_asked(w, 0)->path, "/file");
	assert_int_equal(sftpd_answer(w->server, last_asked(w, 0)->query, &a), 0);
	next_reply(w, &r);
	assert_int_equal(r.type, SFTP_EXTENDED_REPLY);
}

static void expect_no_room(struct world *w)
{
	struct reply r;
	uint64_t i;

	next_reply(w, &r);
	assert_int_equal(r.type, SFTP_EXTENDED_REPLY);
	assert_true(unpack_u64(&r.in) > 0); /* the sizes of a block */
	assert_true(unpack_u64(&r.in) > 0);
	for (i = 0; i < 7; i++)
		assert_int_equal(unpack_u64(&r.in), 0);
	assert_int_equal(unpack_u64(&r.in), 3);
	assert_int_equal(unpack_u64(&r.in), 255);
	assert_int_equal(r.in.left, 0);
}

/* Clients who are told nothing make something up, or say that it failed. */
static void where_no_file_system_is_there_is_no_room(void **state)
{
	struct world *w = *state;
	uint64_t handle = open_file(w, 10, -1);

	w->ops.space = NULL;
	client_extended(w, 1, "statvfs@openssh.com", "dumps", 5);
	assert_int_equal(last_asked(w, 0)->what, ASK_STAT);
	answer_attr(w, last_asked(w, 0), FOLDER_MODE, 0);
	expect_no_room(w);
	client_extended(w, 2, "statvfs@openssh.com", "none", 4);
	answer_error(w, last_asked(w, 0), -ENOENT);
	expect_status(w, 2, SFTP_NO_SUCH_FILE);
	handle = htobe64(handle);
	client_extended(w, 3, "fstatvfs@openssh.com", &handle, 8);
	expect_no_room(w);
}

static void a_link_leads_where_the_tree_says(void **state)
{
	struct world *w = *state;

	client_path(w, SFTP_READLINK, 1, "latest");
	assert_int_equal(sftpd_answer(w->server, last_asked(w, 0)->query,
				 &(struct tree_answer){.data = "a/b", .len = 3}),
		0);
	expect_name(w, 1, "a/b");
	client_path(w, SFTP_READLINK, 2, "x");
	answer_error(w, last_asked(w, 0), -EINVAL);
	expect_status(w, 2, SFTP_FAILURE);
	w->ops.readlink = NULL;
	client_path(w, SFTP_READLINK, 3, "latest");
	expect_status(w, 3, SFTP_FAILURE);
}

static void send_ids(struct world *w, uint32_t id, size_t users, size_t groups)
{
	uint8_t body[SFTPD_REQUEST_MAX];
	struct pack p = {body, body + sizeof(body), false};
	size_t i;

	pack_text(&p, "users-groups-by-id@openssh.com");
	pack_u32(&p, (uint32_t)users * 4);
	for (i = 0; i < users; i++)
		pack_u32(&p, (uint32_t)i);
	pack_u32(&p, (uint32_t)groups * 4);
	for (i = 0; i < groups; i++)
		pack_u32(&p, (uint32_t)i);
	assert_false(p.bad);
	client_packet(w, SFTP_EXTENDED, id, body, (size_t)(p.at - body));
}

/* The names of one string of the reply, separated by commas. */
static void join_names(struct unpack *in, char *out, size_t room)
{
	struct unpack names = {0};
	size_t at = 0;

	names.at = unpack_string(in, &names.left);
	*out = '\0';
	while (names.left > 0) {
		size_t len;
		const uint8_t *name = unpack_string(&names, &len);

		at += (size_t)snprintf(out + at, room - at, "%.*s,", (int)len, (const char *)name);
		assert_true(at < room);
	}
	assert_false(names.bad);
}

static void owners_have_names(void **state)
{
	static const char *const names[] = {"root", NULL, "vm", "kvm"};
	struct world *w = *state;
	struct reply r;
	char text[64];

	send_ids(w, 1, 3, 1);
	assert_int_equal(last_asked(w, 0)->from, 3);
	assert_int_equal(last_asked(w, 0)->len, 1);
	assert_int_equal(sftpd_answer(w->server, last_asked(w, 0)->query,
				 &(struct tree_answer){.names = names}),
		0);
	next_reply(w, &r);
	assert_int_equal(r.type, SFTP_EXTENDED_REPLY);
	join_names(&r.in, text, sizeof(text));
	assert_string_equal(text, "root,,vm,");
	join_names(&r.in, text, sizeof(text));
	assert_string_equal(text, "kvm,");
	assert_int_equal(r.in.left, 0);
}

static void owners_beyond_the_limit_have_no_names_but_an_answer(void **state)
{
	static const char *names[SFTPD_IDS_MAX];
	struct world *w = *state;
	char text[16384];
	struct reply r;
	size_t i;

	for (i = 0; i < SFTPD_IDS_MAX; i++)
		names[i] = "n";
	send_ids(w, 1, 4000, 4000);
	assert_int_equal(last_asked(w, 0)->from, SFTPD_IDS_MAX);
	assert_int_equal(last_asked(w, 0)->len, 0);
	assert_int_equal(sftpd_answer(w->server, last_asked(w, 0)->query,
				 &(struct tree_answer){.names = names}),
		0);
	next_reply(w, &r);
	assert_int_equal(r.type, SFTP_EXTENDED_REPLY);
	join_names(&r.in, text, sizeof(text));
	assert_int_equal(strlen(text), 4000 + SFTPD_IDS_MAX);
	join_names(&r.in, text, sizeof(text));
	assert_int_equal(strlen(text), 4000);
	assert_int_equal(r.in.left, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_3_is_announced_with_what_there_is_beside_it),
		cmocka_unit_test(a_request_before_init_ends_the_session),
		TEST(a_second_init_ends_the_session),
		TEST(limits_are_those_that_hold),
		TEST(realpath_of_odd_names_is_absolute),
		TEST(relative_names_begin_at_home),
		TEST(a_tilde_is_expanded_where_it_is_asked_for),
		TEST(a_name_that_cannot_be_is_not_asked_for),
		TEST(a_path_as_long_as_may_be_is_asked_for),
		TEST(no_path_leads_out_of_the_tree),
		TEST(stat_tells_type_size_owner_and_times),
		TEST(a_file_has_nothing_behind_a_slash),
		TEST(what_the_tree_says_becomes_a_status),
		TEST(a_reason_of_the_tree_is_told),
		TEST(an_answer_nobody_waits_for_is_not_taken),
		TEST(every_write_is_refused_and_told),
		TEST(opening_for_anything_but_reading_is_refused),
		TEST(extensions_that_write_are_refused),
		TEST(removal_is_the_trees_decision),
		TEST(free_space_is_told_as_read_only),
		TEST(where_no_file_system_is_there_is_no_room),
		TEST(a_link_leads_where_the_tree_says),
		TEST(owners_have_names),
		TEST(owners_beyond_the_limit_have_no_names_but_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
