/* Tickets, VDSM's own tickets, slowing down of guessers, deposited keys. */
#include "auth/deposit.h"
#include "auth/login.h"
#include "auth/throttle.h"
#include "auth/tickets.h"
#include "auth/vdsm_ticket.h"

#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define VM "6f1c2d3e-0000-4000-8000-00000000000a"
#define VM_UPPER "6F1C2D3E-0000-4000-8000-00000000000A"
#define OTHER "6f1c2d3e-0000-4000-8000-00000000000b"

static const struct ticket_maker ADMIN = {.text = "key:admin"};

static int use(struct tickets *t, const char *uuid, const char *text, int64_t now)
{
	char maker[TICKET_MAKER_MAX] = "";
	struct ticket_claim claim;
	int rc = tickets_find(t, uuid, text, strlen(text), now, maker, &claim);

	if (rc < 0)
		return rc;
	assert_string_equal(maker, "key:admin");
	return tickets_use(t, &claim, now);
}

static void a_ticket_that_is_found_is_not_used_up(void **state)
{
	char text[TICKET_ROOM];
	char maker[TICKET_MAKER_MAX];
	struct ticket_claim one;
	struct ticket_claim two;
	struct tickets *t;

	(void)state;
	assert_int_equal(tickets_create(&t), 0);
	assert_int_equal(tickets_make(t, VM, &ADMIN, 120, 1, 1000, text), 0);
	assert_int_equal(tickets_find(t, VM, text, TICKET_LENGTH, 1000, maker, &one), 0);
	assert_int_equal(tickets_find(t, VM, text, TICKET_LENGTH, 1000, maker, &two), 0);
	assert_int_equal(tickets_use(t, &one, 1119), 0);
	assert_int_equal(tickets_use(t, &two, 1119), -EACCES);
	tickets_give_back(t, &one);
	assert_int_equal(tickets_use(t, &two, 1120), -EACCES);
	assert_int_equal(tickets_use(t, &two, 1119), 0);
	assert_int_equal(use(t, VM, text, 1119), -EACCES);
	tickets_destroy(t);
}

static void dropped(void *by)
{
	(*(int *)by)++;
}

static void who_made_a_ticket_is_kept_until_the_ticket_goes(void **state)
{
	int drops = 0;
	const struct ticket_maker maker = {.text = "key:admin", .by = &drops, .drop = dropped};
	char text[TICKET_ROOM];
	char name[TICKET_MAKER_MAX];
	struct ticket_claim claim;
	struct tickets *t;

	(void)state;
	assert_int_equal(tickets_create(&t), 0);
	assert_int_equal(tickets_make(t, VM, &maker, 0, 1, 0, text), -EINVAL);
	assert_int_equal(drops, 1);
	assert_int_equal(tickets_make(t, VM, &maker, 10, 1, 0, text), 0);
	assert_int_equal(tickets_find(t, VM, text, TICKET_LENGTH, 0, name, &claim), 0);
	assert_ptr_equal(tickets_by(t, &claim), &drops);
	assert_int_equal(tickets_use(t, &claim, 0), 0);
	assert_ptr_equal(tickets_by(t, &claim), &drops); /* its use may be given back */
	assert_int_equal(drops, 1);
	assert_int_equal(tickets_make(t, VM, &ADMIN, 10, 1, 0, text), 0); /* in its place */
	assert_int_equal(drops, 2);
	assert_null(tickets_by(t, &claim));
	assert_int_equal(tickets_make(t, VM, &maker, 10, 1, 0, text), 0);
	tickets_destroy(t);
	assert_int_equal(drops, 3);
}

static void a_ticket_opens_its_guest_as_often_as_it_says(void **state)
{
	char text[TICKET_ROOM];
	struct tickets *t;

	(void)state;
	assert_int_equal(tickets_create(&t), 0);
	assert_int_equal(tickets_make(t, VM, &ADMIN, 120, 2, 1000, text), 0);
	assert_int_equal(strlen(text), TICKET_LENGTH);
	assert_int_equal(strspn(text, "abcdefghijklmnopqrstuvwxyz234567"), TICKET_LENGTH);
	assert_int_equal(use(t, OTHER, text, 1000), -EACCES);
	assert_int_equal(use(t, NULL, text, 1000), -EACCES);
	assert_int_equal(use(t, VM, text, 1000), 0);
	assert_int_equal(use(t, VM_UPPER, text, 1119), 0);
	assert_int_equal(use(t, VM, text, 1119), -EACCES);
	tickets_destroy(t);
}

static void a_ticket_ends_at_its_second(void **state)
{
	char text[TICKET_ROOM];
	struct tickets *t;

	(void)state;
	assert_int_equal(tickets_create(&t), 0);
	assert_int_equal(tickets_make(t, VM, &ADMIN, 120, 1, 1000, text), 0);
	assert_int_equal(use(t, VM, text, 1120), -EACCES);
	assert_int_equal(use(t, VM, text, 1119), 0);
	tickets_destroy(t);
}

static void nothing_but_the_whole_ticket_opens(void **state)
{
	char text[TICKET_ROOM];
	char wrong[TICKET_ROOM + 2];
	char maker[TICKET_MAKER_MAX];
	struct ticket_claim claim;
	struct tickets *t;

	(void)state;
	assert_int_equal(tickets_create(&t), 0);
	assert_int_equal(use(t, VM, "", 1000), -EACCES);
	assert_int_equal(tickets_make(t, VM, &ADMIN, 120, 1, 1000, text), 0);
	for (size_t i = 0; i < TICKET_LENGTH; i++) {
		memcpy(wrong, text, TICKET_ROOM);
		wrong[i] = text[i] == 'a' ? 'b' : 'a';
		assert_int_equal(use(t, VM, wrong, 1000), -EACCES);
		wrong[i] = 0;
		assert_int_equal(use(t, VM, wrong, 1000), -EACCES);
	}
	snprintf(wrong, sizeof(wrong), "%s ", text);
	assert_int_equal(use(t, VM, wrong, 1000), -EACCES);
	for (size_t i = 0; i < TICKET_LENGTH; i++)
		wrong[i] = (char)toupper(text[i]);
	wrong[TICKET_LENGTH] = 0;
	assert_int_equal(use(t, VM, wrong, 1000), -EACCES);
	assert_int_equal(tickets_find(t, VM, text, TICKET_ROOM, 1000, maker, &claim), -EACCES);
	assert_int_equal(use(t, VM, text, 1000), 0);
	tickets_destroy(t);
}

static void ten_thousand_guesses_open_nothing(void **state)
{
	char text[TICKET_ROOM];
	struct tickets *t;

	(void)state;
	assert_int_equal(tickets_create(&t), 0);
	assert_int_equal(tickets_make(t, VM, &ADMIN, 120, 1, 1000, text), 0);
	for (unsigned i = 0; i < 10000; i++) {
		char guess[TICKET_ROOM];

		snprintf(guess, sizeof(guess), "%032u", i);
		assert_int_equal(use(t, VM, guess, 1000), -EACCES);
	}
	assert_int_equal(use(t, VM, text, 1000), 0);
	tickets_destroy(t);
}

static void the_table_of_tickets_is_bounded(void **state)
{
	char text[TICKET_ROOM];
	char last[TICKET_ROOM] = "";
	struct tickets *t;

	(void)state;
	assert_int_equal(tickets_create(&t), 0);
	for (unsigned i = 0; i < TICKETS_MAX; i++) {
		assert_int_equal(tickets_make(t, i % 2 ? VM : OTHER, &ADMIN, 10, 1, 0, text), 0);
		assert_string_not_equal(text, last);
		memcpy(last, text, sizeof(last));
	}
	assert_int_equal(tickets_make(t, VM, &ADMIN, 10, 1, 9, text), -ENOSPC);
	assert_int_equal(tickets_make(t, VM, &ADMIN, 10, 1, 10, text), 0);
	assert_int_equal(use(t, VM, text, 10), 0);
	tickets_destroy(t);
}

static void tickets_have_sane_limits(void **state)
{
	char text[TICKET_ROOM];
	struct tickets *t;

	(void)state;
	assert_int_equal(tickets_create(&t), 0);
	assert_int_equal(tickets_make(t, VM, &ADMIN, 0, 1, 0, text), -EINVAL);
	assert_int_equal(tickets_make(t, VM, &ADMIN, TICKET_TTL_MAX + 1, 1, 0, text), -EINVAL);
	assert_int_equal(tickets_make(t, VM, &ADMIN, 1, 0, 0, text), -EINVAL);
	assert_int_equal(tickets_make(t, VM, &ADMIN, 1, TICKET_USES_MAX + 1, 0, text), -EINVAL);
	assert_int_equal(tickets_make(t, "web-1", &ADMIN, 1, 1, 0, text), -EINVAL);
	tickets_destroy(t);
}

static void vdsm_tickets_are_judged_as_the_table_says(void **state)
{
	static const struct {
		const char *password, *valid_to, *presented;
		int64_t now;
		int rc;
	} rows[] = {
		{"secret", NULL, "secret", 0, 0},
		{"secret", "2024-02-29T00:00:00", "secret", 1709164799, 0},
		{"secret", "2024-02-29T00:00:00", "secret", 1709164800, -EACCES},
		{"secret", NULL, "secreT", 0, -EACCES},
		{"secret", NULL, "secre", 0, -EACCES},
		{"secret", NULL, "secrets", 0, -EACCES},
		{"secret", NULL, "", 0, -EACCES},
		{"", NULL, "", 0, -EACCES},
		{NULL, NULL, "", 0, -EACCES},
		{"secret", "", "secret", 0, -EACCES},
		{"secret", "tomorrow", "secret", 0, -EACCES},
		{"secret", "2030-01-01T00:00:00Z", "secret", 0, -EACCES},
		{"secret", "2030-01-01", "secret", 0, -EACCES},
	};
	char longest[VDSM_PASSWORD_MAX + 2];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int rc = vdsm_ticket_check(rows[i].password, rows[i].valid_to, rows[i].presented,
			strlen(rows[i].presented), rows[i].now);

		if (rc != rows[i].rc)
			fail_msg("row %zu: %d", i, rc);
	}
	assert_int_equal(vdsm_ticket_check("secret", NULL, "secret", 7, 0), -EACCES);
	memset(longest, 'a', sizeof(longest));
	longest[VDSM_PASSWORD_MAX + 1] = 0;
	assert_int_equal(
		vdsm_ticket_check(longest, NULL, longest, VDSM_PASSWORD_MAX + 1, 0), -EACCES);
}

static const struct throttle_limits limits = {
	.sources = 64, .first_ms = 500, .longest_ms = 8000, .forget_s = 60, .refuse_from = 6};

static struct net_address at(const char *text)
{
	struct net_address a;

	assert_int_equal(address_parse(text, &a), 0);
	return a;
}

static void each_failure_doubles_the_delay_and_time_heals(void **state)
{
	static const unsigned delays[] = {500, 1000, 2000, 4000, 8000, 8000, 8000};
	struct net_address a = at("192.0.2.1");
	struct net_address b = at("192.0.2.2");
	struct throttle *t;

	(void)state;
	assert_int_equal(throttle_create(&limits, &t), 0);
	assert_int_equal(throttle_delay(t, &a, 1000), 0);
	for (size_t i = 0; i < COUNT(delays); i++) {
		assert_int_equal(throttle_refuses(t, &a, 1000), i >= 6);
		throttle_failed(t, &a, 1000);
		assert_int_equal(throttle_delay(t, &a, 1000), delays[i]);
	}
	assert_int_equal(throttle_delay(t, &b, 1000), 0);
	assert_int_equal(throttle_failures(t, &a, 1000), 7);
	assert_int_equal(throttle_failures(t, &a, 1000 + 59999), 7);
	assert_int_equal(throttle_failures(t, &a, 1000 + 60000), 6);
	assert_int_equal(throttle_failures(t, &a, 1000 + 6 * 60000), 1);
	assert_int_equal(throttle_failures(t, &a, 1000 + 7 * 60000), 0);
	assert_int_equal(throttle_delay(t, &a, 1000 + 100 * 60000), 0);
	throttle_failed(t, &a, 1000 + 6 * 60000);
	assert_int_equal(throttle_failures(t, &a, 1000 + 6 * 60000), 2);
	throttle_destroy(t);
}

static void a_v6_network_counts_as_one_source(void **state)
{
	struct net_address a = at("2001:db8:1:2::1");
	struct net_address same = at("2001:db8:1:2:ffff::7");
	struct net_address other = at("2001:db8:1:3::1");
	struct net_address mapped = at("::ffff:192.0.2.1");
	struct net_address plain = at("192.0.2.1");
	struct throttle *t;

	(void)state;
	assert_int_equal(throttle_create(&limits, &t), 0);
	throttle_failed(t, &a, 0);
	assert_int_equal(throttle_failures(t, &same, 0), 1);
	assert_int_equal(throttle_failures(t, &other, 0), 0);
	throttle_failed(t, &mapped, 0);
	assert_int_equal(throttle_failures(t, &plain, 0), 1);
	throttle_destroy(t);
}

/* A flood of other sources may not wash away the record of one who guesses on. */
static void a_flood_of_sources_does_not_hide_the_worst(void **state)
{
	struct net_address a = at("192.0.2.1");
	struct throttle *t;

	(void)state;
	assert_int_equal(throttle_create(&limits, &t), 0);
	for (unsigned i = 0; i < 5; i++)
		throttle_failed(t, &a, 0);
	for (unsigned i = 0; i < 100000; i++) {
		struct net_address flood = {.size = 4,
			.bytes = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};

		throttle_failed(t, &flood, 1);
	}
	assert_int_equal(throttle_failures(t, &a, 1), 5);
	throttle_destroy(t);
}

/* Seven sources fail eight times each, spread over one net; a neighbour has done nothing. */
static void many_sources_of_one_net_are_slowed_together(void **state)
{
	struct net_address neighbour = at("192.0.2.200"), other = at("192.0.3.200");
	struct throttle *t;
	char text[32];

	(void)state;
	assert_int_equal(throttle_create(&limits, &t), 0);
	for (unsigned i = 0; i < 7; i++) {
		snprintf(text, sizeof(text), "192.0.2.%u", i);
		for (unsigned n = 0; n < 8; n++) {
			struct net_address source = at(text);

			throttle_failed(t, &source, 0);
		}
	}
	assert_int_equal(throttle_failures(t, &neighbour, 0), 0);
	assert_int_equal(throttle_delay(t, &neighbour, 0), 8000);
	assert_int_equal(throttle_delay(t, &other, 0), 0);
	assert_false(throttle_refuses(t, &neighbour, 0));
	/* it fades eight times as fast */
	assert_int_equal(throttle_delay(t, &neighbour, (int64_t)60000 * 6), 500);
	assert_int_equal(throttle_delay(t, &neighbour, (int64_t)60000 * 7), 0);
	throttle_destroy(t);
}

/* However long one of them goes on: connections are refused from six failures on, and one a minute
 * is forgiven. */
static void one_source_alone_does_not_slow_its_neighbours(void **state)
{
	struct net_address bad = at("2001:db8:1:2::1"), neighbour = at("2001:db8:1:3::1");
	struct throttle *t;

	(void)state;
	assert_int_equal(throttle_create(&limits, &t), 0);
	for (int64_t now = 0; now < 86400000; now += 1000) {
		if (!throttle_refuses(t, &bad, now))
			throttle_failed(t, &bad, now);
		assert_int_equal(throttle_delay(t, &neighbour, now), 0);
	}
	assert_true(throttle_failures(t, &bad, 86400000) >= 5);
	throttle_destroy(t);
}

struct rows {
	char text[1024];
};

static void note_row(void *arg, const struct throttle_row *row)
{
	struct rows *rows = arg;
	char text[ADDRESS_TEXT_MAX];
	size_t used = strlen(rows->text);

	address_text(&row->prefix.address, text);
	snprintf(rows->text + used, sizeof(rows->text) - used, "[%s/%u %u %u %lld]", text,
		row->prefix.bits, row->failures, row->delay_ms, (long long)row->refused_ms);
}

static void penalties_can_be_listed_and_lifted(void **state)
{
	struct net_address a = at("192.0.2.7"), b = at("2001:db8:1:2::9");
	struct throttle *t;
	struct rows rows = {""};

	(void)state;
	assert_int_equal(throttle_create(&limits, &t), 0);
	throttle_each(t, 0, note_row, &rows);
	assert_string_equal(rows.text, "");
	for (unsigned i = 0; i < 8; i++)
		throttle_failed(t, &a, 0);
	throttle_failed(t, &b, 0);
	throttle_each(t, 1000, note_row, &rows);
	assert_non_null(strstr(rows.text, "[192.0.2.7/32 8 8000 179000]"));
	assert_non_null(strstr(rows.text, "[2001:db8:1:2::/64 1 500 0]"));
	assert_non_null(strstr(rows.text, "[192.0.2.0/24 8 500 0]"));
	assert_int_equal(
		strlen(rows.text), strlen("[192.0.2.7/32 8 8000 179000][2001:db8:1:2::/64 1 500 0]"
					  "[192.0.2.0/24 8 500 0]"));
	/* the time told is the time it takes */
	assert_true(throttle_refuses(t, &a, 1000 + 179000 - 1));
	assert_false(throttle_refuses(t, &a, 1000 + 179000));
	throttle_forget(t, &a);
	assert_int_equal(throttle_failures(t, &a, 1000), 0);
	assert_int_equal(throttle_delay(t, &a, 1000), 0);
	rows.text[0] = '\0';
	throttle_each(t, 1000, note_row, &rows);
	assert_string_equal(rows.text, "[2001:db8:1:2::/64 1 500 0]");
	throttle_destroy(t);
}

static void throttle_limits_are_checked(void **state)
{
	struct throttle_limits bad = limits;
	struct throttle *t;

	(void)state;
	bad.forget_s = 0;
	assert_int_equal(throttle_create(&bad, &t), -EINVAL);
	bad = limits;
	bad.longest_ms = 0;
	assert_int_equal(throttle_create(&bad, &t), -EINVAL);
}

static size_t make_key(uint8_t *mem, uint32_t number)
{
	struct span_writer w = {.mem = mem, .room = 64};
	uint8_t point[32] = {(uint8_t)number, (uint8_t)(number >> 8)};

	span_write_string(&w, "ssh-ed25519", 11);
	span_write_string(&w, point, sizeof(point));
	return w.len;
}

static int deposit(
	struct deposits *d, uint32_t number, uint32_t certificate, int64_t until, int64_t now)
{
	uint8_t mem[64], der[64];
	size_t len = make_key(mem, number), der_len = make_key(der, certificate);

	return deposits_add(d, span_of(mem, len), span_of(der, der_len), until, now);
}

static void a_deposited_key_is_good_until_its_time(void **state)
{
	uint8_t mem[64], der[64];
	size_t len = make_key(mem, 1);
	struct span found;
	struct deposits *d;
	int64_t until;

	(void)state;
	assert_int_equal(deposits_create(&d), 0);
	assert_int_equal(deposit(d, 1, 7, 100, 100), -EINVAL);
	assert_int_equal(deposit(d, 1, 7, 101 + DEPOSIT_SECONDS_MAX, 100), -EINVAL);
	assert_int_equal(deposit(d, 1, 7, 200, 100), 0);
	assert_int_equal(deposits_find(d, span_of(mem, len), 199, &found, &until), 0);
	assert_int_equal(until, 200);
	assert_int_equal(found.len, make_key(der, 7));
	assert_memory_equal(found.at, der, found.len);
	assert_int_equal(deposits_find(d, span_of(mem, len), 200, &found, &until), -ENOENT);
	assert_int_equal(deposits_find(d, span_of(mem, len - 1), 150, &found, &until), -ENOENT);
	assert_int_equal(deposit(d, 1, 8, 300, 250), 0);
	assert_int_equal(deposits_find(d, span_of(mem, len), 299, &found, &until), 0);
	assert_int_equal(found.len, make_key(der, 8));
	assert_memory_equal(found.at, der, found.len);
	deposits_destroy(d);
}

static void the_place_for_deposits_is_bounded(void **state)
{
	struct deposits *d;

	(void)state;
	assert_int_equal(deposits_create(&d), 0);
	for (uint32_t i = 0; i < DEPOSITS_MAX; i++)
		assert_int_equal(deposit(d, i, i / DEPOSITS_OF_ONE_MAX, 200, 100), 0);
	assert_int_equal(deposit(d, DEPOSITS_MAX, 0, 200, 100), -EDQUOT);
	assert_int_equal(deposit(d, DEPOSITS_MAX, DEPOSITS_MAX, 200, 100), -ENOSPC);
	assert_int_equal(deposit(d, 0, 0, 300, 100), 0);
	assert_int_equal(deposit(d, DEPOSITS_MAX, 0, 300, 200), 0);
	deposits_destroy(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ticket_opens_its_guest_as_often_as_it_says),
		cmocka_unit_test(a_ticket_ends_at_its_second),
		cmocka_unit_test(a_ticket_that_is_found_is_not_used_up),
		cmocka_unit_test(who_made_a_ticket_is_kept_until_the_ticket_goes),
		cmocka_unit_test(nothing_but_the_whole_ticket_opens),
		cmocka_unit_test(ten_thousand_guesses_open_nothing),
		cmocka_unit_test(the_table_of_tickets_is_bounded),
		cmocka_unit_test(tickets_have_sane_limits),
		cmocka_unit_test(vdsm_tickets_are_judged_as_the_table_says),
		cmocka_unit_test(each_failure_doubles_the_delay_and_time_heals),
		cmocka_unit_test(a_v6_network_counts_as_one_source),
		cmocka_unit_test(a_flood_of_sources_does_not_hide_the_worst),
		cmocka_unit_test(many_sources_of_one_net_are_slowed_together),
		cmocka_unit_test(one_source_alone_does_not_slow_its_neighbours),
		cmocka_unit_test(penalties_can_be_listed_and_lifted),
		cmocka_unit_test(throttle_limits_are_checked),
		cmocka_unit_test(a_deposited_key_is_good_until_its_time),
		cmocka_unit_test(the_place_for_deposits_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
