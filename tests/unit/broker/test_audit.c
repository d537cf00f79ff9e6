/* The audit's records: what strangers can make of one, and of how many there are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <jansson.h>

#include "broker/audit/audit.h"
#include "broker/audit/audit_record.h"
#include "broker/audit/deeds.h"
#include "broker/audit/refusals.h"
#include "core/io.h"
#include "core/log.h"
#include "core/text/uuid.h"

#define WINDOW_US (200 * LOOP_MSEC)
#define RECORDS_MAX 2000

struct fixture {
	struct loop *loop;
	struct audit *audit;
	struct refusals *refusals;
	struct deeds *deeds;
	char path[64];
	json_t *records[RECORDS_MAX];
	size_t count;
	unsigned lines; /* of the log */
};

static void on_log(void *arg, enum log_level level, const char *tag, const char *text)
{
	((struct fixture *)arg)->lines++;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct audit_options options = {
		.file = f->path, .rotate_size = UINT64_C(1) << 30, .rotate_keep = 1};

	snprintf(f->path, sizeof(f->path), "/tmp/test_audit.%d", (int)getpid());
	f->loop = loop_create();
	log_set_sink(on_log, f);
	*state = f;
	return f->loop && audit_create(f->loop, &options, &f->audit) == 0 &&
			       refusals_create(f->loop, f->audit, WINDOW_US, &f->refusals) == 0 &&
			       deeds_create(f->loop, f->audit, WINDOW_US, &f->deeds) == 0
		       ? 0
		       : -1;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	while (f->count)
		json_decref(f->records[--f->count]);
	refusals_destroy(&f->refusals);
	deeds_destroy(&f->deeds);
	audit_destroy(&f->audit);
	loop_destroy(f->loop);
	log_set_sink(NULL, NULL);
	unlink(f->path);
	free(f);
	return 0;
}

/* Ends the refusals and the audit, and reads what they have written. */
static void read_records(struct fixture *f)
{
	char *text, *line, *rest;
	size_t len;

	refusals_destroy(&f->refusals);
	deeds_destroy(&f->deeds);
	audit_destroy(&f->audit);
	assert_int_equal(read_file(f->path, 1 << 24, &text, &len), 0);
	for (rest = text; (line = strsep(&rest, "\n")) && *line;) {
		assert_true(f->count < RECORDS_MAX);
		f->records[f->count] = json_loads(line, 0, NULL);
		assert_non_null(f->records[f->count++]);
	}
	free(text);
}

static const char *member(const struct fixture *f, size_t i, const char *name)
{
	const char *text = json_string_value(json_object_get(f->records[i], name));

	return text ? text : "";
}

static uint64_t count_of(const struct fixture *f, size_t i)
{
	return (uint64_t)json_integer_value(json_object_get(f->records[i], "count"));
}

static bool refuse(struct fixture *f, const char *source, const char *login)
{
	const struct audit_record record = {.event = "login-refused",
		.source = source,
		.login = login,
		.method = "publickey",
		.reason = "it is not known"};

	return refusals_add(f->refusals, source, &record);
}

/* Until the window has ended, which the log tells. */
static void end_window(struct fixture *f)
{
	unsigned before = f->lines;

	while (f->lines == before)
		assert_true(loop_turn(f->loop, LOOP_SECOND) >= 0);
}

static void run_for(struct fixture *f, uint64_t us)
{
	for (uint64_t begun = loop_now(f->loop); loop_now(f->loop) - begun < us;)
		assert_true(loop_turn(f->loop, 10 * LOOP_MSEC) >= 0);
}

static void many_refusals_of_one_source_are_one_record_with_a_count(void **state)
{
	struct fixture *f = *state;
	unsigned i, single = 0;

	for (i = 0; i < 1000; i++)
		single += refuse(f, "192.0.2.7", i == 999 ? "last" : "web-1");
	assert_int_equal(single, REFUSALS_SINGLE);
	assert_true(refuse(f, "192.0.2.8", "web-1"));
	read_records(f);
	assert_int_equal(f->count, REFUSALS_SINGLE + 2);
	assert_string_equal(member(f, REFUSALS_SINGLE, "source"), "192.0.2.8");
	i = REFUSALS_SINGLE + 1;
	assert_string_equal(member(f, i, "event"), "login-refused");
	assert_string_equal(member(f, i, "source"), "192.0.2.7");
	assert_string_equal(member(f, i, "login"), "last");
	assert_string_equal(member(f, i, "method"), "publickey");
	assert_string_equal(member(f, i, "reason"),
		"so many more of this source; the last one: it is not known");
	assert_int_equal(count_of(f, i), 1000 - REFUSALS_SINGLE);
	assert_int_equal(f->lines, 1);
}

static void a_source_that_goes_on_gets_one_record_of_its_own_a_window(void **state)
{
	struct fixture *f = *state;
	unsigned i, n, single;

	for (n = 0; n < 3; n++) {
		for (i = single = 0; i < 100; i++)
			single += refuse(f, "192.0.2.7", "web-1");
		assert_int_equal(single, n ? 1 : REFUSALS_SINGLE);
		end_window(f);
	}
	/* a window of silence, and it is as any other */
	run_for(f, 2 * WINDOW_US);
	for (i = single = 0; i < 100; i++)
		single += refuse(f, "192.0.2.7", "web-1");
	assert_int_equal(single, REFUSALS_SINGLE);
	read_records(f);
	assert_int_equal(f->count, REFUSALS_SINGLE + 1 + 2 * 2 + REFUSALS_SINGLE + 1);
	assert_int_equal(count_of(f, REFUSALS_SINGLE), 100 - REFUSALS_SINGLE);
	assert_int_equal(count_of(f, REFUSALS_SINGLE + 2), 99);
}

static void addresses_of_one_customer_are_one_source(void **state)
{
	struct fixture *f = *state;
	unsigned i, single = 0;
	char address[64];

	for (i = 0; i < 100; i++) {
		snprintf(address, sizeof(address), "2001:db8:1:2::%x", i);
		single += refuse(f, address, "web-1");
	}
	assert_int_equal(single, REFUSALS_SINGLE);
	assert_true(refuse(f, "2001:db8:1:3::1", "web-1"));
	assert_true(refuse(f, "uid 1000", "web-1"));
	assert_true(refuse(f, "uid 1001", "web-1"));
}

/* However many sources there are: so many records, and none is uncounted. */
static void a_crowd_of_sources_is_bounded_too(void **state)
{
	struct fixture *f = *state;
	unsigned i, n, single = 0;
	uint64_t folded = 0;
	char address[64];

	for (n = 0; n < 5; n++) {
		for (i = 0; i < 2000; i++) {
			snprintf(address, sizeof(address), "10.0.%u.%u", i >> 8, i & 255);
			single += refuse(f, address, "web-1");
		}
	}
	assert_int_equal(single, REFUSALS_SINGLE_ALL);
	read_records(f);
	assert_true(f->count <= REFUSALS_SINGLE_ALL + REFUSALS_SOURCES + 1);
	for (i = n = 0; i < f->count; i++) {
		folded += count_of(f, i);
		n += strcmp(member(f, i, "source"), "several") == 0;
	}
	assert_int_equal(folded, 10000 - REFUSALS_SINGLE_ALL);
	assert_int_equal(n, 1);
}

static size_t length_of(const struct audit_record *record)
{
	struct audit_line line = {0};
	size_t len;

	assert_int_equal(audit_line_make(record, 1, &line), 0);
	len = line.len;
	audit_line_finish(&line);
	return len;
}

/* --- of those who are in --- */

#define VM_A "6f1c2d3e-0000-4000-8000-00000000000a"
#define VM_B "6f1c2d3e-0000-4000-8000-00000000000b"

static void act(struct fixture *f, const char *identity, const char *verb, const char *vm)
{
	const struct audit_record record = {.event = "verb",
		.session = "c1.0",
		.identity = identity,
		.verb = verb,
		.vm_uuid = vm,
		.has_end = 1,
		.reason = "it is done"};

	deeds_write(f->deeds, &record, strcmp(verb, "frob") != 0);
}

static void many_deeds_of_one_login_are_one_record_with_a_count(void **state)
{
	struct fixture *f = *state;
	size_t i = DEEDS_SINGLE;

	for (unsigned n = 0; n < 1000; n++)
		act(f, "key:a", "status", VM_A);
	act(f, "key:b", "status", VM_A);
	read_records(f);
	assert_int_equal(f->count, DEEDS_SINGLE + 2);
	assert_string_equal(member(f, i, "identity"), "key:b");
	assert_string_equal(member(f, ++i, "identity"), "key:a");
	assert_string_equal(member(f, i, "event"), "verb");
	assert_string_equal(member(f, i, "verb"), "status");
	assert_string_equal(member(f, i, "vm_uuid"), VM_A);
	assert_string_equal(
		member(f, i, "reason"), "so many more of this login; the last one: it is done");
	assert_int_equal(count_of(f, i), 1000 - DEEDS_SINGLE);
}

/* Words that are no verb are one kind: they cannot use up the kinds that are told apart. */
static void many_deeds_of_one_kind_hide_none_of_another(void **state)
{
	struct fixture *f = *state;
	unsigned i, n, found = 0;

	for (i = 0; i < 3 * DEEDS_KINDS; i++)
		act(f, "key:a", "frob", NULL);
	for (n = 0; n < 2 * DEEDS_SINGLE_ALL / DEEDS_SINGLE; n++) {
		char vm[UUID_TEXT];

		snprintf(vm, sizeof(vm), "6f1c2d3e-0000-4000-8000-%012u", n);
		for (i = 0; i < 2 * DEEDS_SINGLE; i++)
			act(f, "key:a", "status", vm);
	}
	act(f, "key:a", "nmi", VM_A);
	act(f, "key:a", "nmi", VM_B);
	read_records(f);
	assert_int_equal(f->count, DEEDS_SINGLE_ALL + 1 + n + 2);
	for (i = 0; i < f->count; i++) {
		if (strcmp(member(f, i, "verb"), "nmi") != 0)
			continue;
		assert_int_equal(count_of(f, i), 1);
		found += strcmp(member(f, i, "vm_uuid"), VM_A) == 0 ? 1 : 2;
	}
	assert_int_equal(found, 3);
}

static void a_login_that_goes_on_gets_few_records_of_its_own_a_window(void **state)
{
	struct fixture *f = *state;
	unsigned n, i;

	for (n = 0; n < 3; n++) {
		for (i = 0; i < 2 * DEEDS_SINGLE; i++)
			act(f, "key:a", "status", VM_A);
		end_window(f);
	}
	run_for(f, 2 * WINDOW_US);
	act(f, "key:a", "status", VM_A);
	read_records(f);
	assert_int_equal(f->count, DEEDS_SINGLE + 1 + 2 * (DEEDS_SINGLE_ON + 1) + 1);
}

/* The longest that wire/msg.h lets through, of each kind of byte that grows. */
static void strange_bytes_do_not_make_a_record_longer(void **state)
{
	static const char bytes[] = {'a', '\x01', '\xff', '\\', '"', '\x7f'};
	char name[257] = "", client[257] = "";
	const struct audit_record record = {.event = "login-refused",
		.session = "c1",
		.source = "192.0.2.7",
		.login = name,
		.method = "publickey",
		.client = client,
		.reason = "it is not known"};
	size_t plain, i;

	memset(name, 'a', 256);
	memset(client, 'a', 256);
	plain = length_of(&record);
	for (i = 0; i < sizeof(bytes); i++) {
		memset(name, bytes[i], 256);
		memset(client, bytes[i], 256);
		print_message("%02x: %zu bytes instead of %zu\n", (unsigned char)bytes[i],
			length_of(&record), plain);
		assert_true(length_of(&record) <= 2 * plain);
	}
}

static void a_name_that_is_too_long_is_cut_between_characters(void **state)
{
	struct fixture *f = *state;
	char name[400] = "";
	size_t i;

	for (i = 0; i < 100; i++)
		strcat(name, "\xe2\x82\xac"); /* NOLINT: a euro sign, 300 bytes in all */
	assert_true(refuse(f, "192.0.2.7", name));
	read_records(f);
	assert_int_equal(strlen(member(f, 0, "login")), 252 + 3);
	assert_string_equal(member(f, 0, "login") + 249, "\xe2\x82\xac...");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(many_deeds_of_one_login_are_one_record_with_a_count),
		TEST(many_deeds_of_one_kind_hide_none_of_another),
		TEST(a_login_that_goes_on_gets_few_records_of_its_own_a_window),
		TEST(many_refusals_of_one_source_are_one_record_with_a_count),
		TEST(a_source_that_goes_on_gets_one_record_of_its_own_a_window),
		TEST(addresses_of_one_customer_are_one_source),
		TEST(a_crowd_of_sources_is_bounded_too),
		TEST(strange_bytes_do_not_make_a_record_longer),
		TEST(a_name_that_is_too_long_is_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
