/* Counting connections by source: limits, prefixes, exact books. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "broker/listen/sources.h"

#define MANY 1000000
static const struct sources_limits wide = {MANY, MANY, MANY, MANY, MANY, MANY};

static struct sockaddr_storage address(const char *text)
{
	struct sockaddr_storage sa = {.ss_family = AF_UNSPEC};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(4711)};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(4711)};

	if (inet_pton(AF_INET, text, &four.sin_addr) == 1) {
		memcpy(&sa, &four, sizeof(four));
	} else {
		assert_int_equal(inet_pton(AF_INET6, text, &six.sin6_addr), 1);
		memcpy(&sa, &six, sizeof(six));
	}
	return sa;
}

static enum sources_answer admit(struct sources *s, const char *text, struct source_slot *slot)
{
	struct sockaddr_storage sa = address(text);

	return sources_admit(s, &sa, slot);
}

static void addresses_share_a_source_by_prefix(void **state)
{
	static const struct {
		const char *a, *b;
		int same;
	} rows[] = {
		{"192.0.2.1", "192.0.2.1", 1},
		{"192.0.2.1", "192.0.2.2", 0},
		{"192.0.2.1", "::ffff:192.0.2.1", 1},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.2", 0},
		{"2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", 1},
		{"2001:db8:1:2::1", "2001:db8:1:3::1", 0},
		{"2001:db8:1:2::1", "2001:db9:1:2::1", 0},
		{"0.0.0.0", "::1", 0},
		{"0.0.0.1", "0:0:0:1::", 0},
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sources *s = sources_create(&wide);
		struct source_slot a, b;

		assert_non_null(s);
		assert_int_equal(admit(s, rows[i].a, &a), SOURCES_ADMITTED);
		assert_int_equal(admit(s, rows[i].b, &b), SOURCES_ADMITTED);
		print_message("%s %s\n", rows[i].a, rows[i].b);
		assert_int_equal(sources_count(s), rows[i].same ? 1 : 2);
		sources_release(s, &a);
		sources_release(s, &b);
		assert_int_equal(sources_count(s), 0);
		sources_destroy(s);
	}
}

static void users_are_sources_of_their_own(void **state)
{
	struct sources_limits limits = wide;
	struct sources *s;
	struct source_slot a, b, c, d;

	limits.per_source = 2;
	s = sources_create(&limits);
	assert_int_equal(sources_admit_user(s, 1000, &a), SOURCES_ADMITTED);
	assert_int_equal(sources_admit_user(s, 1000, &b), SOURCES_ADMITTED);
	assert_int_equal(sources_admit_user(s, 1000, &c), SOURCES_PER_SOURCE);
	assert_null(c.source);
	assert_int_equal(sources_admit_user(s, 1001, &c), SOURCES_ADMITTED);
	/* the address whose number is that uid */
	assert_int_equal(admit(s, "0.0.3.232", &d), SOURCES_ADMITTED);
	sources_release(s, &a);
	sources_release(s, &b);
	sources_release(s, &c);
	sources_release(s, &d);
	sources_destroy(s);
}

static void each_limit_refuses_with_its_own_reason(void **state)
{
	const struct sources_limits limits = {.connections = 4,
		.per_source = 2,
		.fresh = 3,
		.fresh_per_source = MANY,
		.fresh_per_net = MANY,
		.drop_from = 3};
	struct sources *s = sources_create(&limits);
	struct source_slot a, b, c, d, e;

	assert_int_equal(admit(s, "192.0.2.1", &a), SOURCES_ADMITTED);
	assert_int_equal(admit(s, "192.0.2.1", &b), SOURCES_ADMITTED);
	assert_int_equal(admit(s, "192.0.2.1", &c), SOURCES_PER_SOURCE);
	assert_int_equal(admit(s, "192.0.2.2", &c), SOURCES_ADMITTED);
	assert_int_equal(admit(s, "192.0.2.3", &d), SOURCES_FRESH);
	assert_null(d.source);
	assert_int_equal(sources_count(s), 2);
	sources_authenticated(s, &a);
	assert_int_equal(admit(s, "192.0.2.3", &d), SOURCES_ADMITTED);
	sources_authenticated(s, &b);
	assert_int_equal(admit(s, "192.0.2.4", &e), SOURCES_FULL);
	sources_release(s, &a);
	assert_int_equal(admit(s, "192.0.2.4", &e), SOURCES_ADMITTED);
	assert_string_equal(sources_reason(SOURCES_PER_SOURCE), "max_per_source is reached");
	sources_release(s, &b);
	sources_release(s, &c);
	sources_release(s, &d);
	sources_release(s, &e);
	assert_int_equal(sources_connections(s), 0);
	assert_int_equal(sources_unauthenticated(s), 0);
	sources_destroy(s);
}

static void logging_in_or_leaving_twice_counts_once(void **state)
{
	struct sources *s = sources_create(&wide);
	struct source_slot a, b;

	assert_int_equal(admit(s, "192.0.2.1", &a), SOURCES_ADMITTED);
	assert_int_equal(admit(s, "192.0.2.1", &b), SOURCES_ADMITTED);
	sources_authenticated(s, &a);
	sources_authenticated(s, &a);
	assert_int_equal(sources_unauthenticated(s), 1);
	sources_release(s, &a);
	sources_release(s, &a);
	sources_authenticated(s, &a);
	assert_int_equal(sources_connections(s), 1);
	assert_int_equal(sources_unauthenticated(s), 1);
	sources_release(s, &b);
	assert_int_equal(sources_connections(s), 0);
	assert_int_equal(sources_unauthenticated(s), 0);
	sources_destroy(s);
}

static void lower_limits_put_nobody_out(void **state)
{
	struct sources_limits low = {1, 1, 1, 1, 1, 1};
	struct sources *s = sources_create(&wide);
	struct source_slot a, b, c;

	assert_int_equal(admit(s, "192.0.2.1", &a), SOURCES_ADMITTED);
	assert_int_equal(admit(s, "192.0.2.1", &b), SOURCES_ADMITTED);
	sources_set_limits(s, &low);
	assert_int_equal(admit(s, "192.0.2.9", &c), SOURCES_FULL);
	sources_release(s, &a);
	assert_int_equal(sources_connections(s), 1);
	assert_int_equal(admit(s, "192.0.2.9", &c), SOURCES_FULL);
	sources_release(s, &b);
	assert_int_equal(admit(s, "192.0.2.9", &c), SOURCES_ADMITTED);
	sources_release(s, &c);
	sources_destroy(s);
}

/* Admits BEFORE 0 AFTER, BEFORE 1 AFTER, ... */
static void fill(struct sources *s, const char *before, const char *after, unsigned count,
	struct source_slot *slots)
{
	unsigned i;

	for (i = 0; i < count; i++) {
		char text[64];

		snprintf(text, sizeof(text), "%s%u%s", before, i, after);
		assert_int_equal(admit(s, text, &slots[i]), SOURCES_ADMITTED);
	}
}

static void release(struct sources *s, struct source_slot *slots, unsigned count)
{
	while (count--)
		sources_release(s, &slots[count]);
}

static void who_says_nothing_has_his_part_of_the_seats_and_no_more(void **state)
{
	struct sources_limits limits = wide;
	struct source_slot slots[5], more, known, next;
	struct sources *s;

	limits.fresh_per_source = 5;
	s = sources_create(&limits);
	fill(s, "2001:db8:1:2::", "", 5, slots);
	assert_int_equal(admit(s, "2001:db8:1:2::ffff", &more), SOURCES_FRESH_PER_SOURCE);
	assert_null(more.source);
	assert_int_equal(admit(s, "2001:db8:1:3::1", &next), SOURCES_ADMITTED);
	/* who has logged in does not count any more */
	sources_authenticated(s, &slots[0]);
	assert_int_equal(admit(s, "2001:db8:1:2::ffff", &known), SOURCES_ADMITTED);
	assert_int_equal(admit(s, "2001:db8:1:2::ffff", &more), SOURCES_FRESH_PER_SOURCE);
	sources_release(s, &slots[1]);
	assert_int_equal(admit(s, "2001:db8:1:2::ffff", &more), SOURCES_ADMITTED);
	release(s, slots, 5);
	release(s, (struct source_slot[]){known, more, next}, 3);
	assert_int_equal(sources_unauthenticated(s), 0);
	assert_int_equal(sources_count(s), 0);
	sources_destroy(s);
}

static void addresses_of_one_net_share_a_part(void **state)
{
	static const struct {
		const char *before, *after, *inside, *outside;
	} rows[] = {
		{"192.0.2.", "", "192.0.2.200", "192.0.3.1"},
		{"192.0.2.", "", "::ffff:192.0.2.200", "192.0.1.255"},
		{"2001:db8:1:", "::1", "2001:db8:1:ffff::1", "2001:db8:2::1"},
	};
	struct sources_limits limits = wide;
	struct source_slot slots[20], user, a, b;
	size_t i;

	limits.fresh_per_net = 20;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sources *s = sources_create(&limits);

		fill(s, rows[i].before, rows[i].after, 20, slots);
		assert_int_equal(admit(s, rows[i].inside, &a), SOURCES_FRESH_PER_NET);
		assert_int_equal(admit(s, rows[i].outside, &b), SOURCES_ADMITTED);
		assert_int_equal(sources_admit_user(s, 1000, &user), SOURCES_ADMITTED);
		assert_int_equal(sources_count(s), 22);
		sources_authenticated(s, &slots[7]);
		assert_int_equal(admit(s, rows[i].inside, &a), SOURCES_ADMITTED);
		release(s, slots, 20);
		release(s, (struct source_slot[]){a, b, user}, 3);
		assert_int_equal(sources_count(s), 0);
		assert_int_equal(sources_unauthenticated(s), 0);
		sources_destroy(s);
	}
}

/* Of 2000 tries each, at 0, 30, 65 and 100 of a hundred. */
static void the_nearer_to_full_the_more_are_dropped(void **state)
{
	static const struct {
		unsigned fresh, least, most;
	} rows[] = {{49, 0, 0}, {50, 480, 720}, {75, 1180, 1420}, {99, 1900, 2000}};
	struct sources_limits limits = wide;
	struct source_slot slots[100], slot;
	size_t i;

	limits.drop_from = 50;
	limits.fresh = 100;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sources *s = sources_create(&limits);
		unsigned dropped = 0, n;

		limits.drop_from = MANY;
		sources_set_limits(s, &limits);
		fill(s, "10.0.", ".1", rows[i].fresh, slots);
		limits.drop_from = 50;
		sources_set_limits(s, &limits);
		for (n = 0; n < 2000; n++) {
			enum sources_answer answer = admit(s, "192.0.2.1", &slot);

			assert_true(answer == SOURCES_ADMITTED || answer == SOURCES_DROPPED);
			dropped += answer == SOURCES_DROPPED;
			sources_release(s, &slot);
		}
		print_message("%u fresh: %u of 2000\n", rows[i].fresh, dropped);
		assert_true(dropped >= rows[i].least && dropped <= rows[i].most);
		release(s, slots, rows[i].fresh);
		sources_destroy(s);
	}
}

static void note_row(void *arg, const struct sources_row *row)
{
	char *text = arg;

	snprintf(text + strlen(text), 400 - strlen(text), "[%s %llu %llu]", row->text,
		(unsigned long long)row->connections, (unsigned long long)row->fresh);
}

static void each_source_can_be_listed(void **state)
{
	struct sources *s = sources_create(&wide);
	struct source_slot slots[4];
	char text[400] = "";

	assert_int_equal(admit(s, "192.0.2.7", &slots[0]), SOURCES_ADMITTED);
	assert_int_equal(admit(s, "192.0.2.7", &slots[1]), SOURCES_ADMITTED);
	assert_int_equal(admit(s, "2001:db8:1:2::9", &slots[2]), SOURCES_ADMITTED);
	assert_int_equal(sources_admit_user(s, 1000, &slots[3]), SOURCES_ADMITTED);
	sources_authenticated(s, &slots[0]);
	sources_each(s, note_row, text);
	assert_non_null(strstr(text, "[192.0.2.7 2 1]"));
	assert_non_null(strstr(text, "[2001:db8:1:2::/64 1 1]"));
	assert_non_null(strstr(text, "[uid 1000 1 1]"));
	assert_int_equal(
		strlen(text), strlen("[192.0.2.7 2 1][2001:db8:1:2::/64 1 1][uid 1000 1 1]"));
	release(s, slots, 4);
	sources_destroy(s);
}

/* Against books kept the simple way: 200 sources, many slots, random order, through growing and
 * shrinking of the table. */
static void books_agree_with_a_simple_count(void **state)
{
	enum { SEATS = 4000, SOURCES = 200, STEPS = 60000 };
	struct sources *s = sources_create(&wide);
	struct source_slot *slots = calloc(SEATS, sizeof(*slots));
	unsigned *of = calloc(SEATS, sizeof(*of));
	unsigned counts[SOURCES] = {0}, seed = 1, open = 0, fresh = 0, step, i;

	for (step = 0; step < STEPS; step++) {
		unsigned at = (unsigned)rand_r(&seed) % SEATS;
		unsigned used = 0;

		if (!slots[at].source) {
			char text[64];

			of[at] = (unsigned)rand_r(&seed) % SOURCES;
			snprintf(text, sizeof(text), of[at] % 2 ? "10.0.%u.7" : "2001:db8:0:%x::7",
				of[at]);
			assert_int_equal(admit(s, text, &slots[at]), SOURCES_ADMITTED);
			counts[of[at]]++;
			open++;
			fresh++;
		} else if (rand_r(&seed) % 2) {
			fresh -= !slots[at].authenticated;
			sources_authenticated(s, &slots[at]);
		} else {
			fresh -= !slots[at].authenticated;
			sources_release(s, &slots[at]);
			counts[of[at]]--;
			open--;
		}
		for (i = 0; i < SOURCES; i++)
			used += counts[i] > 0;
		assert_int_equal(sources_connections(s), open);
		assert_int_equal(sources_unauthenticated(s), fresh);
		assert_int_equal(sources_count(s), used);
	}
	for (i = 0; i < SEATS; i++)
		sources_release(s, &slots[i]);
	assert_int_equal(sources_connections(s), 0);
	assert_int_equal(sources_unauthenticated(s), 0);
	assert_int_equal(sources_count(s), 0);
	free(slots);
	free(of);
	sources_destroy(s);
}

static void a_hundred_thousand_sources_come_and_go(void **state)
{
	enum { ALL = 100000 };
	struct sources *s = sources_create(&wide);
	struct source_slot *slots = calloc(ALL, sizeof(*slots));
	unsigned i;

	for (i = 0; i < ALL; i++) {
		struct sockaddr_storage sa = {.ss_family = AF_UNSPEC};
		struct sockaddr_in6 six = {.sin6_family = AF_INET6};

		/* prefixes that a weak hash would put into one bucket */
		six.sin6_addr.s6_addr[0] = (uint8_t)(i >> 16);
		six.sin6_addr.s6_addr[1] = (uint8_t)(i >> 8);
		six.sin6_addr.s6_addr[2] = (uint8_t)i;
		memcpy(&sa, &six, sizeof(six));
		assert_int_equal(sources_admit(s, &sa, &slots[i]), SOURCES_ADMITTED);
	}
	assert_int_equal(sources_count(s), ALL);
	for (i = 0; i < ALL; i++)
		sources_release(s, &slots[i]);
	assert_int_equal(sources_count(s), 0);
	free(slots);
	sources_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_share_a_source_by_prefix),
		cmocka_unit_test(users_are_sources_of_their_own),
		cmocka_unit_test(each_limit_refuses_with_its_own_reason),
		cmocka_unit_test(logging_in_or_leaving_twice_counts_once),
		cmocka_unit_test(lower_limits_put_nobody_out),
		cmocka_unit_test(who_says_nothing_has_his_part_of_the_seats_and_no_more),
		cmocka_unit_test(addresses_of_one_net_share_a_part),
		cmocka_unit_test(the_nearer_to_full_the_more_are_dropped),
		cmocka_unit_test(each_source_can_be_listed),
		cmocka_unit_test(books_agree_with_a_simple_count),
		cmocka_unit_test(a_hundred_thousand_sources_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
