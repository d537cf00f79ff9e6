/*
 * vmconsoled.conf(5) and the table of keys say the same: every key in its section and in the
 * table's order, its default, its range, whether it needs a restart; nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "config/config.h"
#include "config/keys.h"
#include "config/rights.h"
#include "config/values.h"
#include "core/io.h"

#define MAN_MAX (1u << 20)
#define LINES_MAX 4096

static char *text;
static const char *lines[LINES_MAX];
static size_t line_count;

static int read_manual(void **state)
{
	const char *source = getenv("SOURCE_DIR");
	char path[512], *save, *line;
	size_t len;

	if (!source)
		return -1;
	snprintf(path, sizeof(path), "%s/man/vmconsoled.conf.5", source);
	if (read_file(path, MAN_MAX, &text, &len) < 0)
		return -1;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (line_count == LINES_MAX)
			return -1;
		lines[line_count++] = line;
	}
	return 0;
}

static int forget_manual(void **state)
{
	free(text);
	return 0;
}

static const char *line_at(size_t i)
{
	return i < line_count ? lines[i] : "(end of the page)";
}

/* "NAME" of ".It Cm NAME Ar ..." into word. */
static int key_line(const char *line, char word[64])
{
	return sscanf(line, ".It Cm %63s", word) == 1;
}

/* "SECTION" of ".Ss [SECTION NAME] words". */
static int section_line(const char *line, char word[64])
{
	return sscanf(line, ".Ss [%63[a-z]", word) == 1;
}

static void expect_line(size_t i, const struct key *key, const char *expected)
{
	if (strcmp(line_at(i), expected) != 0)
		fail_msg("%s: the manual has \"%s\" where the table says \"%s\"", key->name,
			line_at(i), expected);
}

/* Returns the line after the statement of the default. */
static size_t check_default(size_t i, const struct key *key)
{
	char expected[256];

	if (!key->def) {
		expect_line(i, key, "Required.");
		return i + 1;
	}
	if (key->def[0] == '\0') {
		expect_line(i, key,
			key->reloadable ? "Default: none."
					: "Default: none; takes effect on restart.");
		return i + 1;
	}
	expect_line(i, key, "Default:");
	snprintf(expected, sizeof(expected), ".Cm %s %c", key->def, key->reloadable ? '.' : ';');
	expect_line(i + 1, key, expected);
	if (key->reloadable)
		return i + 2;
	expect_line(i + 2, key, "takes effect on restart.");
	return i + 3;
}

static void check_range(size_t i, const struct key *key)
{
	const char *(*number)(uint64_t, char *) = NULL;
	char low[VALUE_NUMBER_TEXT_MAX], high[VALUE_NUMBER_TEXT_MAX], expected[128];

	if (key->type == KEY_NUMBER)
		number = value_number_text;
	else if (key->type == KEY_SIZE)
		number = value_size_text;
	else if (key->type == KEY_DURATION)
		number = value_duration_text;
	if (!number || !key->max)
		return;
	snprintf(expected, sizeof(expected), "From %s to %s.", number(key->min, low),
		number(key->max, high));
	expect_line(i, key, expected);
}

static void the_manual_and_the_table_agree(void **state)
{
	const struct section *section = NULL;
	char word[64];
	size_t next = 0;

	for (size_t i = 0; i < line_count; i++) {
		const struct key *key;

		if (strncmp(lines[i], ".Ss ", 4) == 0)
			section = section_line(lines[i], word) ? section_find(word) : NULL;
		if (!key_line(lines[i], word))
			continue;
		key = section ? key_find(section->section, word) : NULL;
		if (!section) {
			fail_msg("%s stands in the manual outside of a section", word);
			return;
		}
		if (!key) {
			fail_msg("[%s] %s is in the manual and not in the table", section->name,
				word);
			return;
		}
		if (key != &config_keys[next])
			fail_msg("%s stands where the table has %s", word, config_keys[next].name);
		check_range(check_default(i + 1, key), key);
		next++;
	}
	if (next != config_key_count)
		fail_msg("%s is in the table and not in the manual", config_keys[next].name);
}

static int manual_has(const char *line)
{
	for (size_t i = 0; i < line_count; i++) {
		if (strcmp(lines[i], line) == 0)
			return 1;
	}
	return 0;
}

static void the_manual_has_every_kind_and_right(void **state)
{
	char expected[128];
	size_t words = 0, found = 0;

	for (size_t i = 0; config_who_kinds[i]; i++, words++) {
		snprintf(expected, sizeof(expected), ".It Ic %s", config_who_kinds[i]);
		if (!manual_has(expected))
			fail_msg("the kind %s is not in the manual", config_who_kinds[i]);
	}
	for (unsigned bit = 1; bit & RIGHT_ALL; bit <<= 1, words++) {
		snprintf(expected, sizeof(expected), ".It Ic %s", right_name(bit));
		if (!manual_has(expected))
			fail_msg("the right %s is not in the manual", right_name(bit));
	}
	for (size_t i = 0; i < line_count; i++)
		found += strncmp(lines[i], ".It Ic ", 7) == 0;
	assert_int_equal(found, words);
}

static void pages_say_what_descriptors_the_defaults_need(void **state)
{
	char path[512], expected[128], *page;
	struct config *c;
	size_t len;

	assert_int_equal(config_default(&c), 0);
	snprintf(expected, sizeof(expected), "The defaults need %u.",
		(unsigned)config_descriptors(c));
	config_free(c);
	if (!manual_has(expected))
		fail_msg("the manual lacks: %s", expected);
	snprintf(path, sizeof(path), "%s/docs/configuration.md", getenv("SOURCE_DIR"));
	assert_int_equal(read_file(path, MAN_MAX, &page, &len), 0);
	for (char *p = page; (p = strchr(p, '\n')); p++)
		*p = ' '; /* its paragraphs are filled */
	if (!strstr(page, expected))
		fail_msg("%s lacks: %s", path, expected);
	free(page);
}

/* The words of a row are all in its help, which is the sample's comment. */
static void the_help_names_every_word(void **state)
{
	for (size_t i = 0; i < config_key_count; i++) {
		const struct key *key = &config_keys[i];

		for (size_t k = 0; key->words && key->words[k]; k++) {
			if (!strstr(key->help, key->words[k]))
				fail_msg("the help of %s lacks %s", key->name, key->words[k]);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manual_and_the_table_agree),
		cmocka_unit_test(the_manual_has_every_kind_and_right),
		cmocka_unit_test(the_help_names_every_word),
		cmocka_unit_test(pages_say_what_descriptors_the_defaults_need),
	};

	return cmocka_run_group_tests(tests, read_manual, forget_manual);
}
