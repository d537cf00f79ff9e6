/* vmconsolectl's pure parts: the command line, and quoting that the broker undoes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/text/tokenize.h"
#include "ctl/options.h"
#include "ctl/password_file.h"
#include "ctl/quote.h"

static void assert_comes_back(int count, const char *const *list)
{
	char text[8192];
	struct tokens words;
	size_t len = 0;
	int i;

	assert_int_equal(quote_words(count, list, text, sizeof(text), &len), 0);
	assert_int_equal(tokenize(text, len, &words), 0);
	assert_int_equal(words.count, count);
	for (i = 0; i < count; i++)
		assert_string_equal(words.list[i], list[i]);
	tokens_finish(&words);
}

static void words_come_back_as_they_were(void **state)
{
	const char *odd[] = {"attach", "", " ", "a b", "'", "''", "it's", "\"", "\\", "\\'",
		"'\\''", "$HOME", "`id`", "*", "a\nb", "\t", "--from=-100", "web-1+serial0",
		"\xc3\xa4", "\x01\xff"};

	assert_comes_back(sizeof(odd) / sizeof(odd[0]), odd);
}

static void random_words_come_back_too(void **state)
{
	static const char letters[] = "'\"\\ \t\nab";
	unsigned seed = 7;
	int round, i;

	for (round = 0; round < 5000; round++) {
		char mem[8][12];
		const char *list[8];
		int count = rand_r(&seed) % 8;

		for (i = 0; i < count; i++) {
			size_t len = (size_t)rand_r(&seed) % 11, k;

			for (k = 0; k < len; k++)
				mem[i][k] = letters[(size_t)rand_r(&seed) % (sizeof(letters) - 1)];
			mem[i][len] = '\0';
			list[i] = mem[i];
		}
		assert_comes_back(count, list);
	}
}

static void plain_words_stay_readable(void **state)
{
	const char *list[] = {"attach", "web-1", "--from=-100"};
	char text[64];
	size_t len;

	assert_int_equal(quote_words(3, list, text, sizeof(text), &len), 0);
	assert_int_equal(len, strlen("attach web-1 --from=-100"));
	assert_memory_equal(text, "attach web-1 --from=-100", len);
}

static void what_does_not_fit_is_refused(void **state)
{
	const char *list[] = {"a b", "it's"};
	char text[16]; /* 'a b' 'it'\''s' */
	size_t len = 0, room;

	for (room = 0; room < 15; room++)
		assert_int_equal(quote_words(2, list, text, room, &len), -ENOBUFS);
	assert_int_equal(quote_words(2, list, text, 15, &len), 0);
	assert_int_equal(len, 15);
}

static void options_end_at_the_verb(void **state)
{
	static const struct {
		const char *argv[6], *variable;
		int result;
		enum ctl_task task;
		const char *socket, *first;
	} rows[] = {
		{{"c", "list"}, NULL, 0, CTL_RUN, CTL_SOCKET_DEFAULT, "list"},
		{{"c"}, NULL, 0, CTL_RUN, CTL_SOCKET_DEFAULT, NULL},
		{{"c", "list"}, "/v", 0, CTL_RUN, "/v", "list"},
		{{"c", "list"}, "", 0, CTL_RUN, CTL_SOCKET_DEFAULT, "list"},
		{{"c", "-S", "/s", "list"}, "/v", 0, CTL_RUN, "/s", "list"},
		{{"c", "-S/s", "list"}, NULL, 0, CTL_RUN, "/s", "list"},
		{{"c", "--socket", "/s", "list"}, NULL, 0, CTL_RUN, "/s", "list"},
		{{"c", "--socket=/s", "list"}, NULL, 0, CTL_RUN, "/s", "list"},
		{{"c", "list", "-S", "/s"}, NULL, 0, CTL_RUN, CTL_SOCKET_DEFAULT, "list"},
		{{"c", "--", "--help"}, NULL, 0, CTL_RUN, CTL_SOCKET_DEFAULT, "--help"},
		{{"c", "-"}, NULL, 0, CTL_RUN, CTL_SOCKET_DEFAULT, "-"},
		{{"c", "-h"}, NULL, 0, CTL_HELP, CTL_SOCKET_DEFAULT, NULL},
		{{"c", "--version"}, NULL, 0, CTL_VERSION, CTL_SOCKET_DEFAULT, NULL},
		{{"c", "-S"}, NULL, -EINVAL, CTL_RUN, NULL, NULL},
		{{"c", "--socket="}, NULL, -EINVAL, CTL_RUN, NULL, NULL},
		{{"c", "--json"}, NULL, -EINVAL, CTL_RUN, NULL, NULL},
		{{"c", "-x"}, NULL, -EINVAL, CTL_RUN, NULL, NULL},
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *argv[7] = {NULL}, why[CTL_WHY_MAX] = "";
		struct ctl_options o;
		int argc = 0;

		while (argc < 6 && rows[i].argv[argc]) {
			argv[argc] = strdup(rows[i].argv[argc]);
			argc++;
		}
		assert_int_equal(
			ctl_options_parse(argc, argv, rows[i].variable, &o, why), rows[i].result);
		if (rows[i].result == 0) {
			assert_int_equal(o.task, rows[i].task);
			assert_string_equal(o.socket, rows[i].socket);
			assert_int_equal(o.word_count > 0, rows[i].first != NULL);
			if (rows[i].first)
				assert_string_equal(o.words[0], rows[i].first);
		} else {
			assert_true(why[0] != '\0');
		}
		while (argc > 0)
			free(argv[--argc]);
	}
}

/* The words of run, and which one of them names a file that is opened; the file is not there, so
 * that it is told. */
static void the_password_file_is_an_option_of_run_and_no_word_of_its_command(void **state)
{
	static const struct {
		const char *words[9];
		bool is_opened;
	} rows[] = {
		{{"run", "vm", "--password-file", "/no/file", "id"}, true},
		{{"run", "vm", "--login", "root", "--password-file=/no/file", "id"}, true},
		{{"run", "vm", "--force", "--timeout", "3", "--password-file", "/no/file"}, true},
		{{"run", "vm", "--password-file", "-", "id"}, false},
		{{"run", "vm", "id", "--password-file", "/no/file"}, false},
		{{"run", "vm", "--force", "id", "--password-file", "/no/file"}, false},
		{{"run", "vm", "--login", "--password-file", "/no/file"}, false},
		{{"run", "vm", "--", "--password-file", "/no/file"}, false},
		{{"run", "vm", "--password-file"}, false},
		{{"send", "vm", "--password-file", "/no/file"}, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *words[9] = {NULL}, why[CTL_WHY_MAX] = "";
		int count = 0, r;

		for (; rows[i].words[count]; count++)
			words[count] = (char *)(uintptr_t)rows[i].words[count];
		r = password_file_take(count, words, why);
		assert_int_equal(r, rows[i].is_opened ? -ENOENT : 0);
		assert_int_equal(strstr(why, "/no/file") != NULL, rows[i].is_opened);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_come_back_as_they_were),
		cmocka_unit_test(random_words_come_back_too),
		cmocka_unit_test(plain_words_stay_readable),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(options_end_at_the_verb),
		cmocka_unit_test(the_password_file_is_an_option_of_run_and_no_word_of_its_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
