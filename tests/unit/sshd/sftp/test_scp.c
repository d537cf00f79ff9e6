/*
 * scp's old protocol, the server's side, step by step: what a client reads for what it asks and
 * replies. The tree is a table, and every file begins with the same bytes.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sshd/scp/scp.h"

#define MODE_FILE 0100640
#define MODE_FOLDER 040755

/* All there is. Folders end with a slash; "dumps/latest" is not listed. */
static const char *const tree[] = {"/console.log", "/dumps/", "/dumps/a b", "/dumps/a1.elf",
	"/dumps/b1.elf", "/dumps/old/", "/dumps/old/x", "/empty/"};

enum ask { ASK_NOTHING, ASK_OPEN, ASK_LIST, ASK_READ };

struct world {
	struct loop *loop;
	struct job_pool *jobs;
	struct tree_ops ops;
	struct scp *scp;
	enum ask asked;
	uint32_t query;
	char path[TREE_PATH_MAX];
	uint64_t from;
	uint32_t len;
	int ask_error;
	int open_error; /* of every file */
	size_t closed;
	struct taken taken;
	char refused[256];
};

/* --- the tree --- */

static int note(struct world *w, enum ask what, uint32_t query, const char *path)
{
	if (w->ask_error)
		return w->ask_error;
	assert_int_equal(w->asked, ASK_NOTHING); /* one at a time */
	w->asked = what;
	w->query = query;
	snprintf(w->path, sizeof(w->path), "%s", path);
	return 0;
}

static int ask_list(void *arg, uint32_t query, const char *path, uint64_t from)
{
	struct world *w = arg;

	w->from = from;
	return note(w, ASK_LIST, query, path);
}

static int ask_open(void *arg, uint32_t query, const char *path)
{
	return note(arg, ASK_OPEN, query, path);
}

static int ask_read(void *arg, uint32_t query, uint32_t file, uint64_t offset, uint32_t len)
{
	struct world *w = arg;

	w->from = offset;
	w->len = len;
	return note(w, ASK_READ, query, "");
}

static void notify_close(void *arg, uint32_t file, const struct taken *taken)
{
	struct world *w = arg;

	w->closed++;
	w->taken = *taken;
}

static void notify_refused(void *arg, const char *request, const char *path)
{
	struct world *w = arg;

	snprintf(w->refused, sizeof(w->refused), "%s %s", request, path);
}

/* A file is as long as its path. */
static bool find(const char *path, struct tree_attr *attr)
{
	size_t len = strlen(path), i;

	if (strcmp(path, "/dumps/latest") == 0)
		path = "/dumps/b1.elf";
	*attr = (struct tree_attr){len, MODE_FILE, 0, 0, 11, 12};
	for (i = 0; i < sizeof(tree) / sizeof(tree[0]); i++) {
		if (strcmp(tree[i], path) == 0)
			return true;
		attr->mode = MODE_FOLDER;
		if (strncmp(tree[i], path, len) == 0 && strcmp(tree[i] + len, "/") == 0)
			return true;
		attr->mode = MODE_FILE;
	}
	attr->mode = MODE_FOLDER;
	return strcmp(path, "/") == 0;
}

/* The names right below path: two in an answer. */
static void fill_list(struct world *w, struct tree_answer *a, struct tree_entry *entries,
	char names[2][TREE_NAME_MAX + 1])
{
	size_t len = strlen(w->path), i, seen = 0;

	a->last = true;
	for (i = 0; i < sizeof(tree) / sizeof(tree[0]); i++) {
		const char *name;
		size_t name_len;

		if (strncmp(tree[i], w->path, len) != 0 || (len > 1 && tree[i][len] != '/'))
			continue;
		name = tree[i] + len + (len > 1);
		name_len = strcspn(name, "/");
		if (name_len == 0 || name[name_len + (name[name_len] == '/')] != '\0')
			continue;
		if (seen++ < w->from)
			continue;
		if (a->count == 2) {
			a->last = false;
			break;
		}
		snprintf(names[a->count], TREE_NAME_MAX, "%.*s", (int)name_len, name);
		entries[a->count].name = names[a->count];
		entries[a->count].attr.mode = name[name_len] ? MODE_FOLDER : MODE_FILE;
		a->count++;
	}
	a->entries = entries;
	a->next = w->from + a->count;
}

static void answer_one(struct world *w)
{
	struct tree_answer a = {.fd = -1, .last = true};
	struct tree_entry entries[2] = {0};
	char names[2][TREE_NAME_MAX + 1];
	uint32_t query = w->query;

	switch (w->asked) {
	case ASK_OPEN:
		a.error = !find(w->path, &a.attr)      ? -ENOENT
			  : a.attr.mode == MODE_FOLDER ? -EISDIR
						       : w->open_error;
		break;
	case ASK_LIST:
		if (find(w->path, &a.attr) && a.attr.mode == MODE_FOLDER)
			fill_list(w, &a, entries, names);
		else
			a.error = -ENOENT;
		break;
	case ASK_READ:
		a.data = &"/dumps/b1.elf"[w->from];
		a.len = w->len;
		break;
	case ASK_NOTHING:
		return;
	}
	w->asked = ASK_NOTHING;
	assert_int_equal(scp_answer(w->scp, query, &a), 0);
}

/* Everything the tree is asked for. */
static void answer_all(struct world *w)
{
	while (w->asked != ASK_NOTHING)
		answer_one(w);
}

/* --- the client --- */

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->loop = loop_create();
	assert_int_equal(job_pool_create(w->loop, "files", 1, 4, &w->jobs), 0);
	w->ops = (struct tree_ops){.list = ask_list,
		.open = ask_open,
		.read = ask_read,
		.close = notify_close,
		.refused = notify_refused};
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	scp_destroy(&w->scp);
	scp_destroy(&w->scp);
	job_pool_destroy(&w->jobs, 10 * LOOP_SECOND);
	loop_destroy(w->loop);
	free(w);
	return 0;
}

static void on_wake(void *arg)
{
}

static void run(struct world *w, const char *command)
{
	struct sftp_config config = {
		.tree = &w->ops, .tree_arg = w, .jobs = w->jobs, .wake = on_wake};

	assert_int_equal(scp_create(&config, command, strlen(command), &w->scp), 0);
}

static void reply(struct world *w, const char *text, size_t len)
{
	assert_int_equal(scp_input(w->scp, text, len), len);
	answer_all(w);
}

#define OK(w) reply(w, "", 1)

/* The output is exactly this, and is taken. */
static void expect_bytes(struct world *w, const char *wanted, size_t len)
{
	const uint8_t *data;
	size_t got = scp_output(w->scp, &data);
	char text[1024];

	assert_true(got < sizeof(text));
	if (got > 0)
		memcpy(text, data, got);
	text[got] = '\0';
	assert_string_equal(text, wanted);
	assert_int_equal(got, len);
	scp_sent(w->scp, got);
	answer_all(w);
}

static void expect(struct world *w, const char *wanted)
{
	expect_bytes(w, wanted, strlen(wanted));
}

/* A file whose content is given, with a 0 behind it. */
static void expect_file(struct world *w, const char *head, const char *content)
{
	expect(w, head);
	OK(w);
	expect_bytes(w, content, strlen(content) + 1);
	OK(w);
}

static void expect_end(struct world *w, int status)
{
	expect(w, "");
	assert_true(scp_finished(w->scp));
	assert_int_equal(scp_status(w->scp), status);
}

/* --- tests --- */

static void a_file_is_sent_by_the_name_that_was_asked_for(void **state)
{
	struct world *w = *state;

	run(w, "scp -f dumps/latest");
	expect(w, "");
	assert_true(scp_wants_input(w->scp));
	OK(w);
	expect_file(w, "C0640 13 latest\n", "/dumps/b1.elf");
	expect_end(w, 0);
	assert_int_equal(w->closed, 1);
	assert_int_equal(w->taken.ranges[0].from, 0);
	assert_int_equal(w->taken.ranges[0].to, 13);
	assert_null(scp_failure(w->scp));
}

static void times_are_sent_when_asked_for(void **state)
{
	struct world *w = *state;

	run(w, "scp -pf 'dumps/b1.elf'");
	OK(w);
	expect(w, "T12 0 11 0\n");
	OK(w);
	expect_file(w, "C0640 13 b1.elf\n", "/dumps/b1.elf");
	expect_end(w, 0);
}

static void several_names_come_one_after_another(void **state)
{
	struct world *w = *state;

	run(w, "scp -f dumps/b1.elf nothing dumps/a1.elf");
	OK(w);
	expect_file(w, "C0640 13 b1.elf\n", "/dumps/b1.elf");
	expect_file(w, "\001scp: nothing: No such file or directory\nC0640 13 a1.elf\n",
		"/dumps/b1.elf");
	expect_end(w, 1);
}

static void patterns_are_expanded_in_the_order_of_the_tree(void **state)
{
	struct world *w = *state;

	run(w, "scp -f dumps/*1.elf");
	OK(w);
	expect_file(w, "C0640 13 a1.elf\n", "/dumps/b1.elf");
	expect_file(w, "C0640 13 b1.elf\n", "/dumps/b1.elf");
	expect_end(w, 0);
}

static void a_pattern_may_stand_anywhere(void **state)
{
	struct world *w = *state;

	run(w, "scp -f /*/latest ~/d[u]mps/?ld/x");
	OK(w);
	expect_file(w, "C0640 13 latest\n", "/dumps/b1.elf");
	expect_file(w, "C0640 12 x\n", "/dumps/b1.el");
	expect_end(w, 0);
}

static void a_pattern_without_a_match_is_told_as_it_was_written(void **state)
{
	struct world *w = *state;

	run(w, "scp -f dumps/*.core */nothing 'dumps/*'");
	OK(w);
	expect(w, "\001scp: dumps/*.core: No such file or directory\n"
		  "\001scp: */nothing: No such file or directory\n"
		  "\001scp: dumps/*: No such file or directory\n");
	expect_end(w, 1);
}

static void a_folder_needs_r(void **state)
{
	struct world *w = *state;

	run(w, "scp -f dumps");
	OK(w);
	expect(w, "\001scp: dumps: not a regular file\n");
	expect_end(w, 1);
}

static void folders_are_sent_with_all_that_is_in_them(void **state)
{
	struct world *w = *state;

	run(w, "scp -r -f dumps/");
	OK(w);
	expect(w, "D0755 0 dumps\n");
	OK(w);
	expect_file(w, "C0640 10 a b\n", "/dumps/b1.");
	expect_file(w, "C0640 13 a1.elf\n", "/dumps/b1.elf");
	expect_file(w, "C0640 13 b1.elf\n", "/dumps/b1.elf");
	expect(w, "D0755 0 old\n");
	OK(w);
	expect_file(w, "C0640 12 x\n", "/dumps/b1.el");
	expect(w, "E\n");
	OK(w);
	expect(w, "E\n");
	OK(w);
	expect_end(w, 0);
}

static void an_empty_folder_has_an_end(void **state)
{
	struct world *w = *state;

	run(w, "scp -rpf empty");
	OK(w);
	expect(w, "T12 0 11 0\n");
	OK(w);
	expect(w, "D0755 0 empty\n");
	OK(w);
	expect(w, "E\n");
	OK(w);
	expect_end(w, 0);
}

static void what_the_client_does_not_want_is_left_out(void **state)
{
	struct world *w = *state;

	run(w, "scp -r -f dumps/b1.elf dumps/old dumps/a1.elf");
	OK(w);
	expect(w, "C0640 13 b1.elf\n");
	reply(w, "\001scp: b1.elf: Permission denied\n", 32);
	expect(w, "D0755 0 old\n");
	reply(w, "\001no\n", 4);
	expect_file(w, "C0640 13 a1.elf\n", "/dumps/b1.elf");
	expect_end(w, 1);
}

static void a_client_that_gives_up_is_let_go(void **state)
{
	struct world *w = *state;

	run(w, "scp -f dumps/b1.elf dumps/a1.elf");
	OK(w);
	expect(w, "C0640 13 b1.elf\n");
	reply(w, "\002disk full\n", 11);
	expect_end(w, 1);
	assert_string_equal(scp_failure(w->scp), "the client gave up");
	scp_destroy(&w->scp);
	assert_int_equal(w->closed, 1);
}

static void a_client_that_leaves_ends_it(void **state)
{
	struct world *w = *state;

	run(w, "scp -f dumps/b1.elf");
	OK(w);
	expect(w, "C0640 13 b1.elf\n");
	scp_input_ends(w->scp);
	expect_end(w, 1);
}

static void names_that_mean_a_place_are_no_names(void **state)
{
	struct world *w = *state;

	run(w, "scp -r -f . / ~ dumps/.. ''");
	OK(w);
	expect(w, "\001scp: .: cannot be sent by this name: ask for what is in it\n"
		  "\001scp: /: cannot be sent by this name: ask for what is in it\n"
		  "\001scp: .: cannot be sent by this name: ask for what is in it\n"
		  "\001scp: dumps/..: cannot be sent by this name: ask for what is in it\n"
		  "\001scp: .: cannot be sent by this name: ask for what is in it\n");
	expect_end(w, 1);
}

static void no_path_leads_out_of_the_tree(void **state)
{
	struct world *w = *state;

	run(w, "scp -f ../../etc/passwd");
	assert_int_equal(scp_input(w->scp, "", 1), 1);
	assert_string_equal(w->path, "/etc/passwd");
	answer_all(w);
	expect(w, "\001scp: ../../etc/passwd: No such file or directory\n");
	expect_end(w, 1);
}

static void what_the_client_wrote_cannot_break_a_line(void **state)
{
	struct world *w = *state;

	run(w, "scp -f 'a\nC0644 5 x' '\033]0;t\a'");
	OK(w);
	expect(w, "\001scp: a\\x0aC0644 5 x: No such file or directory\n"
		  "\001scp: \\x1b]0;t\\x07: No such file or directory\n");
	expect_end(w, 1);
}

static void uploads_are_refused_in_scps_words(void **state)
{
	struct world *w = *state;

	run(w, "scp -r -t dumps");
	expect(w, "\001scp: files here are read-only\n");
	expect_end(w, 1);
	assert_string_equal(w->refused, "scp -t dumps");
}

static void a_command_that_needs_a_shell_is_refused(void **state)
{
	struct world *w = *state;

	run(w, "scp -f $(id)");
	expect(w, "\001scp: this command is not understood here\n");
	expect_end(w, 1);
}

/* So many bytes were promised: the client must not take fewer, or others, for the file. */
static void a_file_that_cannot_be_read_ends_it(void **state)
{
	struct world *w = *state;

	run(w, "scp -f dumps/b1.elf dumps/a1.elf");
	OK(w);
	expect(w, "C0640 13 b1.elf\n");
	assert_int_equal(scp_input(w->scp, "", 1), 1);
	assert_int_equal(w->asked, ASK_READ);
	w->asked = ASK_NOTHING;
	assert_int_equal(
		scp_answer(w->scp, w->query, &(struct tree_answer){.error = -EIO, .fd = -1}), 0);
	expect_end(w, 1);
	assert_string_equal(scp_failure(w->scp), "the file cannot be read");
	assert_int_equal(w->closed, 1);
}

static void what_may_not_be_read_is_told_and_the_rest_is_sent(void **state)
{
	struct world *w = *state;

	w->open_error = -EACCES;
	run(w, "scp -r -f dumps/old dumps/b1.elf");
	OK(w);
	expect(w, "D0755 0 old\n");
	OK(w);
	expect(w, "\001scp: dumps/old/x: Permission denied\nE\n");
	w->open_error = 0;
	OK(w);
	expect_file(w, "C0640 13 b1.elf\n", "/dumps/b1.elf");
	expect_end(w, 1);
}

/* A guest's name may stand in it. A second line would be a file that nobody asked for. */
static void why_something_is_refused_is_one_line(void **state)
{
	struct world *w = *state;
	struct tree_answer a = {.error = -EACCES, .reason = "VM x\nC0644 5 y", .fd = -1};

	w->ask_error = 0;
	run(w, "scp -f dumps/b1.elf");
	assert_int_equal(scp_input(w->scp, "", 1), 1);
	assert_int_equal(w->asked, ASK_OPEN);
	w->asked = ASK_NOTHING;
	assert_int_equal(scp_answer(w->scp, w->query, &a), 0);
	expect(w, "\001scp: dumps/b1.elf: VM x\\x0aC0644 5 y\n");
	expect_end(w, 1);
}

static void queries_wait_until_they_can_be_asked(void **state)
{
	struct world *w = *state;

	w->ask_error = -EAGAIN;
	run(w, "scp -f dumps/b*");
	OK(w);
	expect(w, "");
	w->ask_error = 0;
	scp_resume(w->scp);
	assert_int_equal(w->asked, ASK_LIST);
	answer_all(w);
	expect(w, "C0640 13 b1.elf\n");
	w->ask_error = -EAGAIN;
	OK(w);
	expect(w, "");
	w->ask_error = 0;
	scp_resume(w->scp);
	assert_int_equal(w->asked, ASK_READ);
	answer_all(w);
	expect_bytes(w, "/dumps/b1.elf", 14);
	OK(w);
	expect_end(w, 0);
}

static void an_answer_nobody_waits_for_is_not_taken(void **state)
{
	struct world *w = *state;
	struct tree_answer a = {.fd = -1};

	run(w, "scp -f x");
	assert_int_equal(scp_answer(w->scp, 0, &a), -ESRCH);
	assert_int_equal(scp_answer(w->scp, 1, &a), -ESRCH);
}

static void other_commands_are_left_to_others(void **state)
{
	struct world *w = *state;
	struct sftp_config config = {.tree = &w->ops};

	assert_int_equal(scp_create(&config, "status", 6, &w->scp), -ENOENT);
	assert_null(w->scp);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_is_sent_by_the_name_that_was_asked_for),
		TEST(times_are_sent_when_asked_for),
		TEST(several_names_come_one_after_another),
		TEST(patterns_are_expanded_in_the_order_of_the_tree),
		TEST(a_pattern_may_stand_anywhere),
		TEST(a_pattern_without_a_match_is_told_as_it_was_written),
		TEST(a_folder_needs_r),
		TEST(folders_are_sent_with_all_that_is_in_them),
		TEST(an_empty_folder_has_an_end),
		TEST(what_the_client_does_not_want_is_left_out),
		TEST(a_client_that_gives_up_is_let_go),
		TEST(a_client_that_leaves_ends_it),
		TEST(names_that_mean_a_place_are_no_names),
		TEST(no_path_leads_out_of_the_tree),
		TEST(what_the_client_wrote_cannot_break_a_line),
		TEST(uploads_are_refused_in_scps_words),
		TEST(a_command_that_needs_a_shell_is_refused),
		TEST(a_file_that_cannot_be_read_ends_it),
		TEST(what_may_not_be_read_is_told_and_the_rest_is_sent),
		TEST(why_something_is_refused_is_one_line),
		TEST(queries_wait_until_they_can_be_asked),
		TEST(an_answer_nobody_waits_for_is_not_taken),
		TEST(other_commands_are_left_to_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
