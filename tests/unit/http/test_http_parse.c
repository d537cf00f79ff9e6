/* The strict parser of HTTP requests: what is understood, and what is refused with which status. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/parse/chunk.h"
#include "http/parse/range.h"
#include "http/parse/request.h"
#include "http/parse/target.h"

static struct http_request r;

static unsigned parse(const char *text)
{
	const char *reason;
	unsigned status = http_request_parse(&r, (const uint8_t *)text, strlen(text), &reason);

	assert_true((status == 0) == (*reason == '\0'));
	return status;
}

#define HOST "Host: h\r\n"

static void a_request_is_understood(void **state)
{
	assert_int_equal(
		parse("GET /a?b=c HTTP/1.1\r\nHost:  h:1 \r\nX:\r\nAccept: a, b\r\n\r\n"), 0);
	assert_int_equal(r.method, HTTP_METHOD_GET);
	assert_string_equal(r.target, "/a?b=c");
	assert_string_equal(r.host, "h:1");
	assert_int_equal(r.minor, 1);
	assert_int_equal(r.field_count, 3);
	assert_string_equal(http_request_field(&r, "x"), "");
	assert_string_equal(http_request_field(&r, "ACCEPT"), "a, b");
	assert_null(http_request_field(&r, "y"));
	assert_int_equal(r.body, HTTP_BODY_NONE);
	assert_true(r.keep_alive);
	assert_false(r.expects_continue);
}

static void an_absolute_target_is_a_path_and_a_host(void **state)
{
	assert_int_equal(parse("GET https://vm.example:8/p/q?x HTTP/1.1\r\n" HOST "\r\n"), 0);
	assert_string_equal(r.target, "/p/q?x");
	assert_string_equal(r.host, "vm.example:8");
}

static void the_body_is_as_long_as_its_framing_says(void **state)
{
	assert_int_equal(parse("POST / HTTP/1.1\r\n" HOST "Content-Length: 5000000000\r\n\r\n"), 0);
	assert_int_equal(r.body, HTTP_BODY_LENGTH);
	assert_true(r.length == 5000000000);
	assert_int_equal(parse("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n"), 0);
	assert_int_equal(r.body, HTTP_BODY_CHUNKED);
	assert_int_equal(parse("POST / HTTP/1.1\r\n" HOST "\r\n"), 0);
	assert_int_equal(r.body, HTTP_BODY_NONE);
	assert_int_equal(parse("POST / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), 0);
	assert_int_equal(r.body, HTTP_BODY_CLOSE);
	assert_false(r.keep_alive);
}

static void a_connection_stays_with_1_1_unless_it_says_close(void **state)
{
	assert_int_equal(parse("GET / HTTP/1.1\r\n" HOST "Connection: x, Close\r\n\r\n"), 0);
	assert_false(r.keep_alive);
	assert_int_equal(parse("GET / HTTP/1.0\r\n\r\n"), 0);
	assert_false(r.keep_alive);
	assert_int_equal(parse("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), 0);
	assert_false(r.keep_alive);
}

static void a_100_is_owed_only_where_a_body_follows(void **state)
{
	const char *expect = "Expect: 100-Continue\r\n";
	char text[256];

	snprintf(text, sizeof(text), "PUT / HTTP/1.1\r\n" HOST "%sContent-Length: 1\r\n\r\n",
		expect);
	assert_int_equal(parse(text), 0);
	assert_true(r.expects_continue);
	snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n" HOST "%s\r\n", expect);
	assert_int_equal(parse(text), 0);
	assert_false(r.expects_continue);
	assert_int_equal(parse("GET / HTTP/1.1\r\n" HOST "Expect: tea\r\n\r\n"), 417);
}

struct refusal {
	unsigned status;
	const char *text;
};

static const struct refusal refusals[] = {
	{400, "GET  / HTTP/1.1\r\n" HOST "\r\n"},
	{400, "GET / HTTP/1.1 \r\n" HOST "\r\n"},
	{400, "GET /\r\n" HOST "\r\n"},
	{400, "GET /a b HTTP/1.1\r\n" HOST "\r\n"},
	{400, "GET /\x80 HTTP/1.1\r\n" HOST "\r\n"},
	{400, "GET /a#b HTTP/1.1\r\n" HOST "\r\n"},
	{400, "GET a HTTP/1.1\r\n" HOST "\r\n"},
	{400, "GET * HTTP/1.1\r\n" HOST "\r\n"},
	{400, "GET http:///p HTTP/1.1\r\n" HOST "\r\n"},
	{400, "GET http://u@h/ HTTP/1.1\r\n" HOST "\r\n"},
	{400, "G\001T / HTTP/1.1\r\n" HOST "\r\n"},
	{501, "BREW / HTTP/1.1\r\n" HOST "\r\n"},
	{501, "get / HTTP/1.1\r\n" HOST "\r\n"},
	{501, "CONNECT / HTTP/1.1\r\n" HOST "\r\n"},
	{505, "GET / HTTP/2.0\r\n" HOST "\r\n"},
	{505, "GET / HTTP/1.2\r\n" HOST "\r\n"},
	{400, "GET / HTTP/1\r\n" HOST "\r\n"},
	{400, "GET / http/1.1\r\n" HOST "\r\n"},
	{400, "GET / HTTP/1.1\r\n\r\n"},
	{400, "GET / HTTP/1.1\r\n" HOST HOST "\r\n"},
	{400, "GET / HTTP/1.1\r\n" HOST "X : y\r\n\r\n"},
	{400, "GET / HTTP/1.1\r\n" HOST "X y\r\n\r\n"},
	{400, "GET / HTTP/1.1\r\n" HOST ": y\r\n\r\n"},
	{400, "GET / HTTP/1.1\r\n" HOST "X: y\r\n z\r\n\r\n"}, /* obs-fold */
	{400, "GET / HTTP/1.1\r\n" HOST "X: y\rZ: z\r\n\r\n"}, /* bare CR */
	{400, "GET / HTTP/1.1\r\n" HOST "X: y\nZ: z\r\n\r\n"}, /* bare LF */
	{400, "GET / HTTP/1.1\nHost: h\r\n\r\n"},
	{400, "GET / HTTP/1.1\r\n" HOST "X: y\x7f\r\n\r\n"},
	{400, "GET / HTTP/1.1\r\n" HOST "X: y"},
	{400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"},
	{400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 5, 5\r\n\r\n"},
	{400, "POST / HTTP/1.1\r\n" HOST "Content-Length: +5\r\n\r\n"},
	{400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 0x5\r\n\r\n"},
	{400, "POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n"},
	{400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\t\r\n\r\n"},
	{413, "POST / HTTP/1.1\r\n" HOST "Content-Length: 9999999999999999999\r\n\r\n"},
	{400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"},
	{400, "POST / HTTP/1.1\r\n" HOST
	      "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n"},
	{400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"},
	{501, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n"},
	{501, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n"},
};

static void what_could_be_read_in_two_ways_is_refused(void **state)
{
	size_t i;

	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		if (parse(refusals[i].text) != refusals[i].status)
			fail_msg("%u expected for: %s", refusals[i].status, refusals[i].text);
	}
}

static void a_nul_byte_ends_no_field(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n";
	const char *reason;

	assert_int_equal(
		http_request_parse(&r, (const uint8_t *)text, sizeof(text) - 1, &reason), 400);
}

static void limits_have_their_own_status(void **state)
{
	static const char end[] = " HTTP/1.1\r\n" HOST "\r\n";
	char *text = calloc(1, HTTP_HEAD_MAX + 100), *at = text;
	int i;

	at += sprintf(at, "GET / HTTP/1.1\r\n" HOST);
	for (i = 0; i < HTTP_FIELDS_MAX - 1; i++)
		at += sprintf(at, "X%d: y\r\n", i);
	memcpy(at, "\r\n", 3);
	assert_int_equal(parse(text), 0);
	memcpy(at, "Y: z\r\n\r\n", 9);
	assert_int_equal(parse(text), 431);
	at = text + sprintf(text, "GET /");
	memset(at, 'a', HTTP_TARGET_MAX);
	memcpy(at + HTTP_TARGET_MAX - 1, end, sizeof(end));
	assert_int_equal(parse(text), 0);
	memset(at, 'a', HTTP_TARGET_MAX);
	memcpy(at + HTTP_TARGET_MAX, end, sizeof(end));
	assert_int_equal(parse(text), 414);
	free(text);
}

static void the_end_of_a_head_is_found_byte_by_byte(void **state)
{
	const uint8_t *text = (const uint8_t *)"GET / HTTP/1.0\r\n\r\nbody";
	uint8_t *large = calloc(1, HTTP_HEAD_MAX + 1);
	size_t len;

	for (len = 1; len < 18; len++)
		assert_int_equal(http_head_end(text, len, len - 1), 0);
	assert_int_equal(http_head_end(text, 18, 17), 18);
	assert_int_equal(http_head_end(text, 22, 0), 18);
	assert_int_equal(http_head_end(large, HTTP_HEAD_MAX, 0), 0);
	assert_int_equal(http_head_end(large, HTTP_HEAD_MAX + 1, 0), -EMSGSIZE);
	free(large);
}

/* --- chunks --- */

static int unchunk(const char *text, size_t piece, char *out)
{
	struct http_chunks c;
	size_t len = strlen(text), body_len;
	const uint8_t *body;

	http_chunks_init(&c);
	*out = '\0';
	while (len > 0 && !http_chunks_done(&c)) {
		long used = http_chunks_read(
			&c, (const uint8_t *)text, len < piece ? len : piece, &body, &body_len);

		if (used < 0)
			return (int)used;
		if (body_len > 0)
			strncat(out, (const char *)body, body_len);
		text += used;
		len -= (size_t)used;
	}
	return http_chunks_done(&c) ? (int)len : -EAGAIN;
}

static void chunks_cut_anywhere_give_the_same_body(void **state)
{
	const char *text = "5\r\nhello\r\n00A\r\n0123456789\r\n1\r\n\r\r\n0\r\n\r\nNEXT";
	char out[64];
	size_t piece;

	for (piece = 1; piece <= strlen(text); piece++) {
		assert_int_equal(unchunk(text, piece, out), 4);
		assert_string_equal(out, "hello0123456789\r");
	}
}

static void bad_chunks_are_refused(void **state)
{
	static const char *const bad[] = {"5;x=y\r\nhello\r\n0\r\n\r\n", "5 \r\nhello\r\n0\r\n\r\n",
		"\r\nhello", "-1\r\n", "0x5\r\n", "5\nhello\r\n", "5\r\nhelloX\r\n", "5\r\nhello\n",
		"0\r\nTrailer: x\r\n\r\n", "123456789\r\n", "5\r\nhello\r\n\r\n"};
	char out[64];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (unchunk(bad[i], 100, out) != -EBADMSG)
			fail_msg("taken: %s", bad[i]);
	}
}

static void the_head_of_a_chunk_is_its_size(void **state)
{
	char head[HTTP_CHUNK_HEAD_ROOM];

	assert_int_equal(http_chunk_head(head, 1), 3);
	assert_string_equal(head, "1\r\n");
	assert_int_equal(http_chunk_head(head, UINT32_MAX), 10);
	assert_string_equal(head, "ffffffff\r\n");
}

/* --- targets --- */

static void a_target_is_segments_and_parameters(void **state)
{
	static struct http_target t;

	assert_int_equal(http_target_parse(&t, "/vm/a%2Fb+c/wait?p=x%3dy+z&json&&from=-5&p=2"), 0);
	assert_int_equal(t.segment_count, 3);
	assert_string_equal(t.segments[0], "vm");
	assert_string_equal(t.segments[1], "a/b+c");
	assert_string_equal(t.segments[2], "wait");
	assert_int_equal(t.parameter_count, 4);
	assert_string_equal(http_target_parameter(&t, "p"), "x=y z");
	assert_string_equal(http_target_parameter(&t, "json"), "");
	assert_string_equal(http_target_parameter(&t, "from"), "-5");
	assert_null(http_target_parameter(&t, "fro"));
	assert_int_equal(http_target_parse(&t, "/"), 0);
	assert_int_equal(t.segment_count, 1);
	assert_string_equal(t.segments[0], "");
	assert_int_equal(http_target_parse(&t, "/crashDump/vm/"), 0);
	assert_int_equal(t.segment_count, 3);
	assert_string_equal(t.segments[2], "");
}

static void bad_targets_are_refused(void **state)
{
	static const char *const bad[] = {"", "*", "a", "/..", "/a/../b", "/a/%2e%2E/b", "/.", "/%",
		"/%4", "/%4g", "/%00", "/a?b=%zz", "/a?%00", "/1/2/3/4/5/6/7/8/9/../x",
		"/1/2/3/4/5/6/7/8/9/%zz", "/1/2/3/4/5/6/7/8/9?%zz",
		"/?a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q&%00"};
	static struct http_target t;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (http_target_parse(&t, bad[i]) != -EINVAL)
			fail_msg("taken: %s", bad[i]);
	}
	assert_int_equal(http_target_parse(&t, "/1/2/3/4/5/6/7/8/9"), -E2BIG);
	assert_int_equal(http_target_parse(&t, "/?a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q"), -E2BIG);
}

/* --- ranges --- */

struct range_case {
	const char *text;
	struct http_range range; /* of 1000 bytes */
};

static const struct range_case ranges[] = {
	{NULL, {HTTP_RANGE_ALL, 0, 1000}},
	{"bytes=0-", {HTTP_RANGE_PART, 0, 1000}},
	{"bytes=999-", {HTTP_RANGE_PART, 999, 1}},
	{"bytes=1000-", {HTTP_RANGE_UNSATISFIABLE, 0, 0}},
	{"bytes=10-19", {HTTP_RANGE_PART, 10, 10}},
	{"bytes=10-5000", {HTTP_RANGE_PART, 10, 990}},
	{"bytes=10-99999999999999999999999", {HTTP_RANGE_PART, 10, 990}},
	{"bytes=99999999999999999999999-", {HTTP_RANGE_UNSATISFIABLE, 0, 0}},
	{"bytes=-1", {HTTP_RANGE_PART, 999, 1}},
	{"bytes=-5000", {HTTP_RANGE_PART, 0, 1000}},
	{"bytes=-0", {HTTP_RANGE_UNSATISFIABLE, 0, 0}},
	{"bytes=5-4", {HTTP_RANGE_ALL, 0, 1000}},
	{"bytes=0-1,5-6", {HTTP_RANGE_ALL, 0, 1000}},
	{"bytes=-", {HTTP_RANGE_ALL, 0, 1000}},
	{"bytes=", {HTTP_RANGE_ALL, 0, 1000}},
	{"lines=1-2", {HTTP_RANGE_ALL, 0, 1000}},
};

static void one_range_is_understood_and_others_give_the_whole(void **state)
{
	size_t i;

	for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		struct http_range range = http_range_parse(ranges[i].text, 1000);

		if (range.kind != ranges[i].range.kind || range.first != ranges[i].range.first ||
			range.length != ranges[i].range.length)
			fail_msg("%s", ranges[i].text ? ranges[i].text : "none");
	}
	assert_int_equal(http_range_parse("bytes=0-", 0).kind, HTTP_RANGE_UNSATISFIABLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_understood),
		cmocka_unit_test(an_absolute_target_is_a_path_and_a_host),
		cmocka_unit_test(the_body_is_as_long_as_its_framing_says),
		cmocka_unit_test(a_connection_stays_with_1_1_unless_it_says_close),
		cmocka_unit_test(a_100_is_owed_only_where_a_body_follows),
		cmocka_unit_test(what_could_be_read_in_two_ways_is_refused),
		cmocka_unit_test(a_nul_byte_ends_no_field),
		cmocka_unit_test(limits_have_their_own_status),
		cmocka_unit_test(the_end_of_a_head_is_found_byte_by_byte),
		cmocka_unit_test(chunks_cut_anywhere_give_the_same_body),
		cmocka_unit_test(bad_chunks_are_refused),
		cmocka_unit_test(the_head_of_a_chunk_is_its_size),
		cmocka_unit_test(a_target_is_segments_and_parameters),
		cmocka_unit_test(bad_targets_are_refused),
		cmocka_unit_test(one_range_is_understood_and_others_give_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
