/* Folders of the SFTP server: listed whole, in packets and lines that clients understand. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
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

/* The names of a NAME, separated by blanks; the lines of ls -l as well. */
static size_t join_names(struct world *w, uint32_t id, char *names, char *lines, size_t room)
{
	struct reply r;
	uint32_t count, i;
	size_t at = 0, line_at = 0;

	next_reply(w, &r);
	assert_int_equal(r.type, SFTP_NAME);
	assert_int_equal(r.id, id);
	count = unpack_u32(&r.in);
	for (i = 0; i < count; i++) {
		size_t len, line_len;
		const uint8_t *name = unpack_string(&r.in, &len);
		const uint8_t *line = unpack_string(&r.in, &line_len);

		at += (size_t)snprintf(
			names + at, room - at, "%.*s ", (int)len, (const char *)name);
		line_at += (size_t)snprintf(lines + line_at, room - line_at, "%.*s\n",
			(int)line_len, (const char *)line);
		assert_true(at < room && line_at < room);
		assert_int_equal(unpack_u32(&r.in), SFTP_ATTR_ALL);
		r.in.at += SFTP_ATTRS_LENGTH - 4;
		r.in.left -= SFTP_ATTRS_LENGTH - 4;
	}
	assert_false(r.in.bad);
	assert_int_equal(r.in.left, 0);
	return count;
}

static void a_folder_is_listed_with_itself_and_the_one_above(void **state)
{
	struct world *w = *state;
	char names[1024], lines[1024];
	uint64_t handle;

	client_path(w, SFTP_OPENDIR, 1, "dumps");
	assert_int_equal(last_asked(w, 0)->what, ASK_LIST);
	assert_string_equal(last_asked(w, 0)->path, "/dumps");
	answer_list(w, last_asked(w, 0), (const char *[]){"old/", "web-1.elf", NULL}, 0, true);
	handle = expect_handle(w, 1);
	client_handle(w, SFTP_READDIR, 2, handle);
	client_handle(w, SFTP_READDIR, 3, handle); /* WinSCP sends the next one ahead */
	assert_int_equal(join_names(w, 2, names, lines, sizeof(names)), 4);
	assert_string_equal(names, ". .. old web-1.elf ");
	assert_non_null(
		strstr(lines, "drwxr-xr-x    1 0        0                4096 Jan  1  1970 .\n"));
	assert_non_null(strstr(
		lines, "-rw-------    1 0        0                 123 Jan  1  1970 web-1.elf\n"));
	expect_status(w, 3, SFTP_EOF);
	client_handle(w, SFTP_FSTAT, 4, handle);
	next_reply(w, &(struct reply){0});
	client_handle(w, SFTP_CLOSE, 5, handle);
	expect_status(w, 5, SFTP_OK);
	assert_int_equal(w->closed, 0); /* that is of files */
}

static void an_empty_folder_is_no_empty_answer(void **state)
{
	struct world *w = *state;
	char names[1024], lines[1024];
	uint64_t handle;

	client_path(w, SFTP_OPENDIR, 1, "dumps");
	answer_list(w, last_asked(w, 0), (const char *[]){NULL}, 0, true);
	handle = expect_handle(w, 1);
	client_handle(w, SFTP_READDIR, 2, handle);
	assert_int_equal(join_names(w, 2, names, lines, sizeof(names)), 2);
	client_handle(w, SFTP_READDIR, 3, handle);
	expect_status(w, 3, SFTP_EOF);
	client_handle(w, SFTP_READDIR, 4, handle);
	expect_status(w, 4, SFTP_EOF);
}

static void a_long_list_is_asked_for_in_parts(void **state)
{
	struct world *w = *state;
	char names[1024], lines[1024];
	uint64_t handle;

	client_path(w, SFTP_OPENDIR, 1, "/");
	answer_list(w, last_asked(w, 0), (const char *[]){"a", NULL}, 77, false);
	handle = expect_handle(w, 1);
	client_handle(w, SFTP_READDIR, 2, handle);
	client_handle(w, SFTP_READDIR, 3, handle);
	client_handle(w, SFTP_READDIR, 4, handle);
	(void)join_names(w, 2, names, lines, sizeof(names));
	assert_string_equal(names, ". .. a ");
	assert_int_equal(last_asked(w, 0)->from, 77);
	answer_list(w, last_asked(w, 0), (const char *[]){"b", NULL}, 78, false);
	(void)join_names(w, 3, names, lines, sizeof(names));
	assert_string_equal(names, "b ");
	assert_int_equal(last_asked(w, 0)->from, 78);
	answer_list(w, last_asked(w, 0), (const char *[]){NULL}, 0, true);
	expect_status(w, 4, SFTP_EOF);
	client_path(w, SFTP_OPENDIR, 5, "/");
	answer_list(w, last_asked(w, 0), (const char *[]){"a", NULL}, 77, false);
	handle = expect_handle(w, 5);
	client_handle(w, SFTP_READDIR, 6, handle);
	client_handle(w, SFTP_READDIR, 7, handle);
	(void)join_names(w, 6, names, lines, sizeof(names));
	answer_error(w, last_asked(w, 0), -EIO);
	expect_status(w, 7, SFTP_FAILURE);
}

static void many_names_are_told_in_packets_that_clients_take(void **state)
{
	struct world *w = *state;
	static char text[TREE_LIST_MAX][TREE_NAME_MAX + 1], names[100000], lines[100000];
	const char *list[TREE_LIST_MAX + 1] = {0};
	size_t i, seen = 0, packets = 0;
	uint64_t handle;

	for (i = 0; i < TREE_LIST_MAX; i++) {
		memset(text[i], 'a' + (int)(i % 26), TREE_NAME_MAX);
		list[i] = text[i];
	}
	client_path(w, SFTP_OPENDIR, 1, "/");
	answer_list(w, last_asked(w, 0), list, 0, true);
	handle = expect_handle(w, 1);
	while (seen < TREE_LIST_MAX + 2) {
		const uint8_t *data;

		client_handle(w, SFTP_READDIR, 2, handle);
		assert_true(sftpd_output(w->server, &data) <= 34000);
		seen += join_names(w, 2, names, lines, sizeof(names));
		packets++;
	}
	assert_int_equal(seen, TREE_LIST_MAX + 2);
	assert_true(packets > 1);
	client_handle(w, SFTP_READDIR, 3, handle);
	expect_status(w, 3, SFTP_EOF);
}

static void names_that_are_none_are_left_out(void **state)
{
	struct world *w = *state;
	struct tree_entry entries[] = {{.name = ""}, {.name = "a/b"}, {.name = "good"}};
	char names[1024], lines[1024];

	client_path(w, SFTP_OPENDIR, 1, "/");
	assert_int_equal(
		sftpd_answer(w->server, last_asked(w, 0)->query,
			&(struct tree_answer){.entries = entries, .count = 3, .last = true}),
		0);
	client_handle(w, SFTP_READDIR, 2, expect_handle(w, 1));
	assert_int_equal(join_names(w, 2, names, lines, sizeof(names)), 3);
	assert_string_equal(names, ". .. good ");
}

/* Each keeps its list until the client reads it. */
static void few_folders_are_open_at_once(void **state)
{
	struct world *w = *state;
	uint64_t handle = 0;
	uint32_t i;

	for (i = 1; i <= SFTPD_FOLDERS_MAX + 1; i++) {
		client_path(w, SFTP_OPENDIR, i, "/");
		answer_list(w, last_asked(w, 0), (const char *[]){"a", NULL}, 0, true);
		if (i <= SFTPD_FOLDERS_MAX)
			handle = expect_handle(w, i);
		else
			expect_status(w, i, SFTP_FAILURE);
	}
	client_handle(w, SFTP_CLOSE, 100, handle);
	expect_status(w, 100, SFTP_OK);
	client_path(w, SFTP_OPENDIR, 101, "/");
	answer_list(w, last_asked(w, 0), (const char *[]){"a", NULL}, 0, true);
	expect_handle(w, 101);
}

static void files_are_no_folders_and_folders_no_files(void **state)
{
	struct world *w = *state;
	uint64_t file = open_file(w, 10, -1), folder;

	client_path(w, SFTP_OPENDIR, 1, "/");
	answer_list(w, last_asked(w, 0), (const char *[]){NULL}, 0, true);
	folder = expect_handle(w, 1);
	client_read(w, 2, folder, 0, 10);
	expect_status(w, 2, SFTP_FAILURE);
	client_handle(w, SFTP_READDIR, 3, file);
	expect_status(w, 3, SFTP_FAILURE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_folder_is_listed_with_itself_and_the_one_above),
		TEST(an_empty_folder_is_no_empty_answer),
		TEST(a_long_list_is_asked_for_in_parts),
		TEST(many_names_are_told_in_packets_that_clients_take),
		TEST(names_that_are_none_are_left_out),
		TEST(few_folders_are_open_at_once),
		TEST(files_are_no_folders_and_folders_no_files),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
