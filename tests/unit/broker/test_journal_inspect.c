/*
 * What is found in a journal is told in JSON whole, or not at all.
 */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "broker/admin/journal_inspect.h"
#include "broker/verb/verb_steps.h"

#define GUEST "2b6fd1d5-3a0c-4f59-8c27-9d33f1f0aa10"
#define SLOT "serial:0"
#define LIST                                                                                       \
	"[{\"problems\":[\"offset: is damaged\"],\"uuid\":\"" GUEST "\",\"slot\":\"" SLOT "\"}]\n"
#define NEVER UINT_MAX

/* Allocations of jansson's: counted, and one of them fails. */
static unsigned allocations, failing;

static void *allocate(size_t size)
{
	return allocations++ == failing ? NULL : malloc(size);
}

static char folder[] = "/tmp/test_journal_inspect.XXXXXX";
static char guest[128], console[160], reserve[192];

/* One step of verifying: its result, and what it printed, the caller's. */
static int verify(unsigned fails, char **printed, unsigned *problems)
{
	const struct journal_inspect_options options = {
		.task = JOURNAL_INSPECT_VERIFY, .folder = folder, .json = true};
	struct journal_inspect *look;
	struct verb_piece piece;
	int r;

	assert_int_equal(journal_inspect_create(&options, &look), 0);
	allocations = 0;
	failing = fails;
	r = journal_inspect_step(look, &piece);
	failing = NEVER;
	*problems = journal_inspect_problems(look);
	*printed = piece.out;
	free(piece.err);
	journal_inspect_destroy(look);
	return r;
}

static void test_a_problem_is_in_the_list(void **state)
{
	unsigned problems;
	char *printed;

	assert_int_equal(verify(NEVER, &printed, &problems), 0);
	assert_int_equal(problems, 1);
	assert_string_equal(printed, LIST);
	free(printed);
}

static void test_a_list_for_which_memory_lacks_is_none(void **state)
{
	unsigned problems, all, n, none = 0;
	char *printed;
	int r;

	assert_int_equal(verify(NEVER, &printed, &problems), 0);
	free(printed);
	all = allocations;
	assert_true(all > 0);
	for (n = 0; n < all; n++) {
		r = verify(n, &printed, &problems);
		if (r != 0)
			assert_int_equal(r, -ENOMEM);
		else
			assert_string_equal(printed, LIST); /* jansson did without it */
		none += r != 0;
		free(printed);
	}
	assert_true(none > all / 2);
}

static int set_up(void **state)
{
	FILE *file;

	if (!mkdtemp(folder))
		return -1;
	snprintf(guest, sizeof(guest), "%s/" GUEST, folder);
	snprintf(console, sizeof(console), "%s/" SLOT, guest);
	snprintf(reserve, sizeof(reserve), "%s/offset", console);
	if (mkdir(guest, 0700) || mkdir(console, 0700))
		return -1;
	file = fopen(reserve, "w");
	if (!file)
		return -1;
	fputs("x", file);
	failing = NEVER;
	json_set_alloc_funcs(allocate, free);
	return fclose(file);
}

static int tear_down(void **state)
{
	unlink(reserve);
	rmdir(console);
	rmdir(guest);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_problem_is_in_the_list),
		cmocka_unit_test(test_a_list_for_which_memory_lacks_is_none),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
