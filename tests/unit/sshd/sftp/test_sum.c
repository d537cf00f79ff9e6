/* sha256sum and md5sum over a tree: what is printed, and what is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sshd/scp/sum.h"

#define FILE_SIZE (3 * SUM_PIECE / 2) /* of one byte, 'x' */
#define FILE_SHA256 "7c30a2f67ab6b95ac06d18c13eb5a15840d7234df4a727e3726c21be32381953"
#define EMPTY_MD5 "d41d8cd98f00b204e9800998ecf8427e"

struct world {
	struct loop *loop;
	struct job_pool *jobs;
	struct tree_ops ops;
	struct sum *sum;
	char opened[TREE_PATH_MAX]; /* what is asked for; "": nothing */
	uint32_t query;
	uint64_t from;
	uint32_t len; /* of a read; 0: none asked */
	int ask_error;
	unsigned closed;
	struct taken taken;
	bool woken;
};

static int ask_open(void *arg, uint32_t query, const char *path)
{
	struct world *w = arg;

	if (w->ask_error)
		return w->ask_error;
	w->query = query;
	snprintf(w->opened, sizeof(w->opened), "%s", path);
	return 0;
}

static int ask_read(void *arg, uint32_t query, uint32_t file, uint64_t offset, uint32_t len)
{
	struct world *w = arg;

	w->query = query;
	w->from = offset;
	w->len = len;
	return 0;
}

static void on_close(void *arg, uint32_t file, const struct taken *taken)
{
	struct world *w = arg;

	w->closed++;
	w->taken = *taken;
}

static void on_wake(void *arg)
{
	struct world *w = arg;

	w->woken = true;
}

static int begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		return -1;
	w->loop = loop_create();
	w->ops = (struct tree_ops){.open = ask_open, .read = ask_read, .close = on_close};
	*state = w;
	return job_pool_create(w->loop, "files", 1, 1, &w->jobs);
}

static int end(void **state)
{
	struct world *w = *state;

	sum_destroy(&w->sum);
	job_pool_destroy(&w->jobs, LOOP_SECOND);
	loop_destroy(w->loop);
	free(w);
	return 0;
}

static int create(struct world *w, const char *command)
{
	const struct sftp_config config = {
		.tree = &w->ops, .tree_arg = w, .jobs = w->jobs, .wake = on_wake, .wake_arg = w};

	sum_destroy(&w->sum);
	return sum_create(&config, command, strlen(command), &w->sum);
}

static void start(struct world *w, const char *command)
{
	assert_int_equal(create(w, command), 0);
	sum_resume(w->sum);
}

static void answer(struct world *w, struct tree_answer a)
{
	*w->opened = '\0';
	assert_int_equal(sum_answer(w->sum, w->query, &a), 0);
}

/* All that is read of a file that the tree reads. */
static void answer_reads(struct world *w)
{
	static char bytes[SUM_PIECE];

	memset(bytes, 'x', sizeof(bytes));
	while (w->len) {
		struct tree_answer a = {.fd = -1, .data = bytes, .len = w->len, .last = true};

		w->len = 0;
		assert_int_equal(sum_answer(w->sum, w->query, &a), 0);
	}
}

static void expect_output(struct world *w, const char *text)
{
	const uint8_t *data;
	size_t len = sum_output(w->sum, &data);

	assert_int_equal(len, strlen(text));
	assert_memory_equal(data, text, len);
	sum_sent(w->sum, len);
	assert_true(sum_finished(w->sum));
}

static void expect_failure(struct world *w, const char *text)
{
	expect_output(w, "");
	assert_string_equal(sum_failure(w->sum), text);
	assert_int_equal(sum_status(w->sum), 1);
}

static void other_commands_are_not_taken(void **state)
{
	static const char *const others[] = {
		"", "sha1sum x", "sha256sums x", "/bin/sha256sum x", "scp -f x", "sha256sum 'x"};
	size_t i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(create(*state, others[i]), -ENOENT);
}

static void a_file_that_the_tree_reads_has_a_sum(void **state)
{
	struct world *w = *state;

	start(w, "sha256sum 'dumps/../console.log'");
	assert_string_equal(w->opened, "/console.log");
	answer(w, (struct tree_answer){.fd = -1, .attr = {.size = FILE_SIZE}});
	answer_reads(w);
	expect_output(w, FILE_SHA256 "  dumps/../console.log\n");
	assert_null(sum_failure(w->sum));
	assert_int_equal(sum_status(w->sum), 0);
	assert_int_equal(w->closed, 1);
	assert_int_equal(w->taken.bytes, FILE_SIZE);
}

static void a_descriptor_is_read_by_a_thread(void **state)
{
	struct world *w = *state;
	FILE *f = tmpfile();
	size_t i;
	int fd;

	assert_non_null(f);
	for (i = 0; i < FILE_SIZE; i++)
		fputc('x', f);
	assert_int_equal(fflush(f), 0);
	fd = dup(fileno(f));
	assert_true(fd >= 0);
	fclose(f);
	start(w, "sha256sum a");
	answer(w, (struct tree_answer){.fd = fd, .attr = {.size = FILE_SIZE}});
	while (!sum_status(w->sum) && w->closed == 0)
		assert_int_equal(loop_turn(w->loop, LOOP_SECOND), 0);
	assert_true(w->woken);
	expect_output(w, FILE_SHA256 "  a\n");
}

static void several_files_have_a_line_each(void **state)
{
	struct world *w = *state;

	start(w, "md5sum a\\ b /c");
	assert_string_equal(w->opened, "/a b");
	answer(w, (struct tree_answer){.fd = -1});
	assert_string_equal(w->opened, "/c");
	answer(w, (struct tree_answer){.fd = -1});
	expect_output(w, EMPTY_MD5 "  a b\n" EMPTY_MD5 "  /c\n");
	start(w, "md5sum -c x");
	expect_failure(w, "md5sum: -c: unknown option; usage: sha256sum|md5sum [PATH...]");
}

static void nothing_has_the_sum_of_nothing(void **state)
{
	struct world *w = *state;

	start(w, "md5sum");
	assert_false(sum_finished(w->sum));
	sum_input_ends(w->sum);
	expect_output(w, EMPTY_MD5 "  -\n");
	start(w, "md5sum -");
	assert_int_equal(sum_input(w->sum, "x", 1), 1);
	expect_failure(w, "md5sum: -: only files of this host have sums here");
	start(w, "md5sum a -"); /* it came before its turn */
	assert_int_equal(sum_input(w->sum, "x", 1), 1);
	sum_input_ends(w->sum);
	answer(w, (struct tree_answer){.fd = -1});
	expect_output(w, EMPTY_MD5 "  a\n");
	expect_failure(w, "md5sum: -: only files of this host have sums here");
}

static void what_cannot_be_read_is_told(void **state)
{
	struct world *w = *state;

	start(w, "md5sum a");
	answer(w, (struct tree_answer){.fd = -1, .error = -ENOENT});
	expect_failure(w, "md5sum: a: No such file or directory");
	start(w, "md5sum a");
	answer(w, (struct tree_answer){.fd = -1, .error = -EACCES, .reason = "no right"});
	expect_failure(w, "md5sum: a: no right");
	start(w, "md5sum a/");
	expect_failure(w, "md5sum: a/: Is a directory");
	start(w, "md5sum a");
	answer(w, (struct tree_answer){.fd = -1, .attr = {.size = 5}});
	assert_int_equal(w->len, 5);
	answer(w, (struct tree_answer){.fd = -1, .error = -EIO, .last = true});
	expect_failure(w, "md5sum: a: Input/output error");
	assert_int_equal(w->closed, 1);
}

static void a_full_tree_is_asked_again(void **state)
{
	struct world *w = *state;

	w->ask_error = -EAGAIN;
	start(w, "md5sum a");
	assert_string_equal(w->opened, "");
	assert_false(sum_finished(w->sum));
	w->ask_error = 0;
	sum_resume(w->sum);
	assert_string_equal(w->opened, "/a");
	answer(w, (struct tree_answer){.fd = -1});
	expect_output(w, EMPTY_MD5 "  a\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(other_commands_are_not_taken),
		TEST(a_file_that_the_tree_reads_has_a_sum),
		TEST(a_descriptor_is_read_by_a_thread),
		TEST(several_files_have_a_line_each),
		TEST(nothing_has_the_sum_of_nothing),
		TEST(what_cannot_be_read_is_told),
		TEST(a_full_tree_is_asked_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
