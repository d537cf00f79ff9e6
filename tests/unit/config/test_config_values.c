/* Values, lists, addresses, rights and neighbours of words: text to value and back. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "config/listen_address.h"
#include "config/list.h"
#include "config/ini/nearest.h"
#include "config/rights.h"
#include "config/values.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define UNTOUCHED UINT64_C(0x5555)

struct number_case {
	const char *text;
	int rc;
	uint64_t value;
	const char *back; /* NULL: as text */
};

static void check_numbers(const struct number_case *cases, size_t count,
	int (*parse)(const char *, uint64_t *), const char *(*to_text)(uint64_t, char *))
{
	char text[VALUE_NUMBER_TEXT_MAX];

	for (size_t i = 0; i < count; i++) {
		uint64_t value = UNTOUCHED;

		if (parse(cases[i].text, &value) != cases[i].rc)
			fail_msg("\"%s\" gives another result", cases[i].text);
		assert_int_equal(value, cases[i].rc == 0 ? cases[i].value : UNTOUCHED);
		if (cases[i].rc == 0)
			assert_string_equal(to_text(value, text),
				cases[i].back ? cases[i].back : cases[i].text);
	}
}

static void sizes_are_bytes_or_carry_a_unit(void **state)
{
	static const struct number_case cases[] = {
		{"0", 0, 0, NULL},
		{"1", 0, 1, NULL},
		{"512", 0, 512, NULL},
		{"1000", 0, 1000, NULL},
		{"64K", 0, 65536, NULL},
		{"64k", 0, 65536, "64K"},
		{"1024", 0, 1024, "1K"},
		{"1M", 0, 1 << 20, NULL},
		{"1024K", 0, 1 << 20, "1M"},
		{"1G", 0, 1 << 30, NULL},
		{"2T", 0, UINT64_C(2) << 40, NULL},
		{"18446744073709551615", 0, UINT64_MAX, NULL},
		{"18446744073709551616", -ERANGE, 0, NULL},
		{"16777215T", 0, UINT64_C(16777215) << 40, NULL},
		{"16777216T", -ERANGE, 0, NULL},
		{"", -EINVAL, 0, NULL},
		{"K", -EINVAL, 0, NULL},
		{"-1", -EINVAL, 0, NULL},
		{"+1", -EINVAL, 0, NULL},
		{"1.5M", -EINVAL, 0, NULL},
		{"1 M", -EINVAL, 0, NULL},
		{"1MB", -EINVAL, 0, NULL},
		{"0x10", -EINVAL, 0, NULL},
		{"1M ", -EINVAL, 0, NULL},
	};

	check_numbers(cases, COUNT(cases), value_size, value_size_text);
}

static void durations_are_seconds_or_carry_a_unit(void **state)
{
	static const struct number_case cases[] = {
		{"0", 0, 0, NULL},
		{"1", 0, 1000000, "1s"},
		{"250ms", 0, 250000, NULL},
		{"1500ms", 0, 1500000, NULL},
		{"2000ms", 0, 2000000, "2s"},
		{"30s", 0, 30000000, NULL},
		{"90", 0, 90000000, "90s"},
		{"60s", 0, 60000000, "1m"},
		{"5m", 0, 300000000, NULL},
		{"1h", 0, UINT64_C(3600000000), NULL},
		{"2d", 0, UINT64_C(172800000000), NULL},
		{"18446744073709s", 0, UINT64_C(18446744073709000000), NULL},
		{"18446744073710s", -ERANGE, 0, NULL},
		{"99999999999999999999d", -ERANGE, 0, NULL},
		{"", -EINVAL, 0, NULL},
		{"s", -EINVAL, 0, NULL},
		{"1us", -EINVAL, 0, NULL},
		{"5M", -EINVAL, 0, NULL},
		{"5 m", -EINVAL, 0, NULL},
		{"1h30m", -EINVAL, 0, NULL},
		{"-1s", -EINVAL, 0, NULL},
		{"forever", -EINVAL, 0, NULL},
	};

	check_numbers(cases, COUNT(cases), value_duration, value_duration_text);
}

static void plain_numbers_are_decimal_digits(void **state)
{
	static const struct number_case cases[] = {
		{"0", 0, 0, NULL},
		{"007", 0, 7, "7"},
		{"3000", 0, 3000, NULL},
		{"3K", -EINVAL, 0, NULL},
		{"3s", -EINVAL, 0, NULL},
		{"-3", -EINVAL, 0, NULL},
		{"", -EINVAL, 0, NULL},
		{"99999999999999999999", -ERANGE, 0, NULL},
	};

	check_numbers(cases, COUNT(cases), value_number, value_number_text);
}

static void booleans_are_yes_or_no(void **state)
{
	static const char *const wrong[] = {"", "Yes", "true", "1", "on", "yes ", "noo"};
	bool value = false;

	assert_int_equal(value_bool("yes", &value), 0);
	assert_true(value);
	assert_int_equal(value_bool("no", &value), 0);
	assert_false(value);
	for (size_t i = 0; i < COUNT(wrong); i++)
		assert_int_equal(value_bool(wrong[i], &value), -EINVAL);
}

static void words_are_of_the_set(void **state)
{
	static const char *const words[] = {"one", "many", NULL};
	int index = 7;

	assert_int_equal(value_word("many", words, &index), 0);
	assert_int_equal(index, 1);
	assert_int_equal(value_word("", words, &index), -EINVAL);
	assert_int_equal(value_word("on", words, &index), -EINVAL);
	assert_int_equal(value_word("One", words, &index), -EINVAL);
	assert_int_equal(index, 1);
}

static void escape_characters_are_written_with_a_caret(void **state)
{
	static const struct {
		const char *text;
		int rc, value;
		const char *back;
	} cases[] = {
		{"^]", 0, 0x1d, "^]"},
		{"^A", 0, 0x01, "^A"},
		{"^a", 0, 0x01, "^A"},
		{"^[", 0, 0x1b, "^["},
		{"^\\", 0, 0x1c, "^\\"},
		{"^_", 0, 0x1f, "^_"},
		{"^?", 0, 0x7f, "^?"},
		{"none", 0, VALUE_ESCAPE_NONE, "none"},
		{"^@", -EINVAL, 0, NULL}, /* NUL */
		{"^J", -EINVAL, 0, NULL}, /* newline: nobody could type any more */
		{"^m", -EINVAL, 0, NULL}, /* carriage return */
		{"", -EINVAL, 0, NULL},
		{"^", -EINVAL, 0, NULL},
		{"]", -EINVAL, 0, NULL},
		{"^]]", -EINVAL, 0, NULL},
		{"^{", -EINVAL, 0, NULL},
		{"^1", -EINVAL, 0, NULL},
		{"^\xc3", -EINVAL, 0, NULL},
		{"None", -EINVAL, 0, NULL},
	};
	char text[VALUE_NUMBER_TEXT_MAX];

	for (size_t i = 0; i < COUNT(cases); i++) {
		int value = 1000;

		if (value_escape(cases[i].text, &value) != cases[i].rc)
			fail_msg("\"%s\" gives another result", cases[i].text);
		assert_int_equal(value, cases[i].rc == 0 ? cases[i].value : 1000);
		if (cases[i].rc == 0)
			assert_string_equal(value_escape_text(value, text), cases[i].back);
	}
}

static void percent_sequences_stand_for_bytes(void **state)
{
	static const struct {
		const char *text;
		const char *value; /* NULL: refused */
	} cases[] = {
		{"", ""},
		{"plain", "plain"},
		{"a%2Cb%3bc%23d%22e%20f", "a,b;c#d\"e f"},
		{"100%25", "100%"},
		{"%C3%A4%ff", "\xc3\xa4\xff"},
		{"%0A", "\n"},
		{"%", NULL},
		{"%2", NULL},
		{"%2G", NULL},
		{"%%41", NULL},
		{"a%00b", NULL},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[64];
		int rc;

		snprintf(text, sizeof(text), "%s", cases[i].text);
		rc = value_decode(text);
		if (rc != (cases[i].value ? 0 : -EINVAL))
			fail_msg("\"%s\" gives another result", cases[i].text);
		if (cases[i].value)
			assert_string_equal(text, cases[i].value);
	}
}

static void any_text_survives_encoding(void **state)
{
	static const struct {
		const char *value;
		bool in_list;
		const char *text;
	} cases[] = {
		{"", false, ""},
		{"a b", false, "a b"},
		{" a ", false, "%20a%20"},
		{" ", false, "%20"},
		{"a\tb\t", false, "a\tb%09"},
		{"a,b", false, "a,b"},
		{"a,b", true, "a%2Cb"},
		{"%;#\"'\\", false, "%25%3B%23%22%27%5C"},
		{"\t\n\x7f", false, "%09%0A%7F"},
		{"CN=\xc3\xa4,O=\xe2\x82\xac", true, "CN=\xc3\xa4%2CO=\xe2\x82\xac"},
		{"\xff\xc3", false, "%FF%C3"},
		{"\xc2\x85", false, "%C2%85"},        /* a C1 control */
		{"\xe2\x80\xae", false, "%E2%80%AE"}, /* turns the line around */
		{"\xf0\x9f\x92\xbb", false, "\xf0\x9f\x92\xbb"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[128];

		assert_int_equal(value_encode(cases[i].value, cases[i].in_list, text, sizeof(text)),
			strlen(cases[i].text));
		assert_string_equal(text, cases[i].text);
		assert_int_equal(value_decode(text), 0);
		assert_string_equal(text, cases[i].value);
	}
}

static void encoding_never_overruns(void **state)
{
	char text[8];

	for (size_t room = 0; room < 7; room++) {
		memset(text, 'x', sizeof(text));
		assert_int_equal(value_encode("a,\xc3\xa4", true, text, room), -ENOBUFS);
		for (size_t i = room; i < sizeof(text); i++)
			assert_int_equal(text[i], 'x');
	}
	assert_int_equal(value_encode("a,\xc3\xa4", true, text, 7), 6);
}

static void lists_are_split_at_commas_and_decoded(void **state)
{
	struct config_list list;
	size_t bad;
	char *text;

	assert_int_equal(config_list_parse(" cert:CN=a%2CO=b ,\tticket,c  d", &list, &bad), 0);
	assert_int_equal(list.count, 3);
	assert_string_equal(list.items[0], "cert:CN=a,O=b");
	assert_string_equal(list.items[1], "ticket");
	assert_string_equal(list.items[2], "c  d");
	text = config_list_text(&list, ", ");
	assert_string_equal(text, "cert:CN=a%2CO=b, ticket, c  d");
	free(text);
	config_list_finish(&list);

	assert_int_equal(config_list_parse("  ", &list, &bad), 0);
	assert_int_equal(list.count, 0);
	text = config_list_text(&list, ", ");
	assert_string_equal(text, "");
	free(text);
	config_list_finish(&list);
}

static void a_bad_list_names_its_item(void **state)
{
	static const struct {
		const char *text;
		size_t bad;
	} cases[] = {{",", 1}, {"a,", 2}, {"a,,b", 2}, {"a,b,%zz", 3}, {"%00", 1}};
	struct config_list list = {0};
	char many[2 * CONFIG_LIST_MAX + 3];

	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t bad = 99;

		assert_int_equal(config_list_parse(cases[i].text, &list, &bad), -EINVAL);
		assert_int_equal(bad, cases[i].bad);
		assert_null(list.items);
	}
	for (size_t i = 0; i <= CONFIG_LIST_MAX; i++)
		memcpy(many + 2 * i, "a,", 3);
	many[2 * CONFIG_LIST_MAX + 1] = '\0';
	assert_int_equal(config_list_parse(many, &list, NULL), -E2BIG);
	many[2 * CONFIG_LIST_MAX - 1] = '\0';
	assert_int_equal(config_list_parse(many, &list, NULL), 0);
	assert_int_equal(list.count, CONFIG_LIST_MAX);
	config_list_finish(&list);
}

static void addresses_are_numeric_with_a_port(void **state)
{
	static const struct {
		const char *text;
		int family; /* 0: refused */
		const char *back;
	} cases[] = {
		{"127.0.0.1:2222", AF_INET, "127.0.0.1:2222"},
		{"0.0.0.0:22", AF_INET, "0.0.0.0:22"},
		{"[::]:2222", AF_INET6, "[::]:2222"},
		{"[2001:DB8:0:0::1]:65535", AF_INET6, "[2001:db8::1]:65535"},
		{"[::ffff:192.0.2.1]:1", AF_INET6, "[::ffff:192.0.2.1]:1"},
		{"*:2222", AF_INET6, "[::]:2222"},
		{"127.0.0.1:0", AF_INET, "127.0.0.1:0"},
		{"", 0, NULL},
		{"2222", 0, NULL},
		{":2222", 0, NULL},
		{"127.0.0.1", 0, NULL},
		{"127.0.0.1:", 0, NULL},
		{"127.0.0.1:65536", 0, NULL},
		{"127.0.0.1:-1", 0, NULL},
		{"127.0.0.1:2222 ", 0, NULL},
		{"127.1:2222", 0, NULL},
		{"localhost:2222", 0, NULL},
		{"::1:2222", 0, NULL},
		{"[::1]", 0, NULL},
		{"[]:22", 0, NULL},
		{"[:22", 0, NULL},
		{"[127.0.0.1]:22", 0, NULL},
		{"[fe80::1%eth0]:22", 0, NULL},
		{"1111111111111111111111111111111111111111111111111111:22", 0, NULL},
		{"[1111111111111111111111111111111111111111111111111111]:22", 0, NULL},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct config_address address = {.sa_len = 99};
		int rc = config_address_parse(cases[i].text, &address);

		if (rc != (cases[i].family ? 0 : -EINVAL))
			fail_msg("\"%s\" gives another result", cases[i].text);
		if (rc < 0) {
			assert_int_equal(address.sa_len, 99);
			continue;
		}
		assert_int_equal(address.sa.ss_family, cases[i].family);
		assert_int_equal(address.sa_len, cases[i].family == AF_INET
							 ? sizeof(struct sockaddr_in)
							 : sizeof(struct sockaddr_in6));
		assert_string_equal(address.text, cases[i].back);
	}
}

static void the_port_is_in_network_order(void **state)
{
	struct config_address address;
	struct sockaddr_in6 sa;

	assert_int_equal(config_address_parse("[::1]:2222", &address), 0);
	memcpy(&sa, &address.sa, sizeof(sa));
	assert_int_equal(ntohs(sa.sin6_port), 2222);
	assert_true(IN6_IS_ADDR_LOOPBACK(&sa.sin6_addr));
}

static void every_right_has_its_word(void **state)
{
	static const char *const words[] = {"view", "type", "force", "control", "log", "dump-make",
		"dump-get", "dump-delete", "admin", "forward", "power", "metrics"};
	unsigned all = 0;
	char text[RIGHTS_TEXT_MAX];

	for (size_t i = 0; i < COUNT(words); i++) {
		unsigned bit = right_parse(words[i]);

		assert_int_equal(bit, 1u << i);
		assert_string_equal(right_name(bit), words[i]);
		all |= bit;
	}
	assert_int_equal(all, RIGHT_ALL);
	assert_int_equal(right_parse("View"), 0);
	assert_int_equal(right_parse(""), 0);
	assert_null(right_name(0));
	assert_null(right_name(RIGHT_VIEW | RIGHT_TYPE));
	assert_null(right_name(RIGHT_ALL + 1));

	assert_string_equal(rights_text(RIGHT_ALL, text, sizeof(text)),
		"view, type, force, control, log, dump-make, dump-get, dump-delete, admin, "
		"forward, power, metrics");
	assert_string_equal(
		rights_text(RIGHT_VIEW | RIGHT_ADMIN, text, sizeof(text)), "view, admin");
	assert_string_equal(rights_text(0, text, sizeof(text)), "nothing");
	assert_string_equal(rights_text(RIGHT_ALL, text, 8), "view, t");
}

static const char *nearest_of(const char *word)
{
	static const char *const names[] = {"listen", "linger", "linger_max", "log_level", "escape",
		"max_channels", "max_connections", "uri", NULL};
	struct nearest n = {.word = word};

	for (size_t i = 0; names[i]; i++)
		nearest_offer(&n, names[i]);
	return n.best;
}

static void a_misspelt_word_finds_its_neighbour(void **state)
{
	assert_string_equal(nearest_of("lisetn"), "listen");
	assert_string_equal(nearest_of("lingermax"), "linger_max");
	assert_string_equal(nearest_of("loglevel"), "log_level");
	assert_string_equal(nearest_of("max_conections"), "max_connections");
	assert_string_equal(nearest_of("url"), "uri");
	assert_null(nearest_of("banner"));
	assert_null(nearest_of("xyz"));
	assert_null(nearest_of(""));
	assert_int_equal(nearest_distance("ab", "ba"), 1);
	assert_int_equal(nearest_distance("", "abc"), 3);
	assert_int_equal(nearest_distance("kitten", "sitting"), 3);
}

static void an_endless_word_has_no_neighbour(void **state)
{
	char word[4096];

	memset(word, 'a', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	assert_null(nearest_of(word));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_bytes_or_carry_a_unit),
		cmocka_unit_test(durations_are_seconds_or_carry_a_unit),
		cmocka_unit_test(plain_numbers_are_decimal_digits),
		cmocka_unit_test(booleans_are_yes_or_no),
		cmocka_unit_test(words_are_of_the_set),
		cmocka_unit_test(escape_characters_are_written_with_a_caret),
		cmocka_unit_test(percent_sequences_stand_for_bytes),
		cmocka_unit_test(any_text_survives_encoding),
		cmocka_unit_test(encoding_never_overruns),
		cmocka_unit_test(lists_are_split_at_commas_and_decoded),
		cmocka_unit_test(a_bad_list_names_its_item),
		cmocka_unit_test(addresses_are_numeric_with_a_port),
		cmocka_unit_test(the_port_is_in_network_order),
		cmocka_unit_test(every_right_has_its_word),
		cmocka_unit_test(a_misspelt_word_finds_its_neighbour),
		cmocka_unit_test(an_endless_word_has_no_neighbour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
