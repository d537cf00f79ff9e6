/* Every verb of the table is in the manuals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "broker/verbs/verbs.h"
#include "core/io.h"
#include "ctl/password_file.h"

static char *page(const char *name)
{
	const char *source = getenv("SOURCE_DIR");
	char path[4096], *text;
	size_t len;

	snprintf(path, sizeof(path), "%s/man/%s", source ? source : ".", name);
	assert_int_equal(read_file(path, 1 << 20, &text, &len), 0);
	return text;
}

static void check(const char *text, const char *verb, const char *name)
{
	char entry[64];

	snprintf(entry, sizeof(entry), ".It Ic %s", verb);
	if (!strstr(text, entry))
		fail_msg("%s has no entry for the verb %s", name, verb);
}

static void every_verb_is_in_the_manuals(void **state)
{
	char *daemon = page("vmconsoled.8"), *ctl = page("vmconsolectl.8");
	const struct verb *verb;
	size_t i;

	for (i = 0; i < verbs_table.count; i++) {
		verb = verbs_table.rows[i];
		/* ovirt-vmconsole's word, over ssh; and the https door's own */
		if (strcmp(verb->name, "connect") != 0 && verb->caller != VERB_FOR_HTTPS)
			check(ctl, verb->name, "vmconsolectl.8");
		if (verb->caller == VERB_FOR_ALL)
			check(daemon, verb->name, "vmconsoled.8");
	}
	assert_true(i > 8);
	free(daemon);
	free(ctl);
}

/* A table that is too large for a call is found here, not by a user. */
static void every_option_is_in_its_verbs_usage(void **state)
{
	for (size_t i = 0; i < verbs_table.count; i++) {
		const struct verb *verb = verbs_table.rows[i];

		assert_true(verb->option_count <= VERB_OPTIONS_MAX);
		assert_true(verb->options_size <= VERB_OPTIONS_ROOM);
		for (size_t k = 0; k < verb->option_count; k++) {
			char word[64];

			snprintf(word, sizeof(word), "--%s", verb->options[k].name);
			if (!strstr(verb->usage, word))
				fail_msg("usage of %s without %s", verb->name, word);
			assert_non_null(verb->options[k].help);
			assert_true(verb->options[k].group < VERB_OPTIONS_MAX);
		}
	}
}

static void every_verb_has_an_example(void **state)
{
	for (size_t i = 0; i < verbs_table.count; i++) {
		if (!verbs_table.rows[i]->example)
			fail_msg("help says no example of the verb %s", verbs_table.rows[i]->name);
	}
}

/* A heading of it names the verb: "## `break`, `sysrq`, `nmi`". */
static bool has_heading(const char *text, const char *verb)
{
	char name[64];

	snprintf(name, sizeof(name), "`%s`", verb);
	while ((text = strstr(text, "\n## "))) {
		size_t len = strcspn(++text, "\n");

		if (memmem(text, len, name, strlen(name)))
			return true;
	}
	return false;
}

static void every_answer_in_json_is_documented(void **state)
{
	char *text = page("../docs/json.md");

	for (size_t i = 0; i < verbs_table.count; i++) {
		const struct verb *verb = verbs_table.rows[i];

		for (size_t k = 0; k < verb->option_count; k++) {
			if (verb->options[k].type == OPTION_JSON && !has_heading(text, verb->name))
				fail_msg("docs/json.md has no table of the verb %s", verb->name);
		}
	}
	free(text);
}

/* It looks for the file of run's password between them. */
static void vmconsolectl_knows_which_options_of_run_take_a_value(void **state)
{
	const struct verb *verb = verb_find(&verbs_table, "run");

	for (size_t k = 0; k < verb->option_count; k++) {
		const struct verb_option *o = &verb->options[k];
		char word[64];

		snprintf(word, sizeof(word), "--%s", o->name);
		assert_int_equal(
			password_file_is_before_value(word), o->takes != NULL && !o->may_lack);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_verb_is_in_the_manuals),
		cmocka_unit_test(every_verb_has_an_example),
		cmocka_unit_test(every_option_is_in_its_verbs_usage),
		cmocka_unit_test(every_answer_in_json_is_documented),
		cmocka_unit_test(vmconsolectl_knows_which_options_of_run_take_a_value)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
