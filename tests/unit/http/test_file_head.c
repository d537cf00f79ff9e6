/* Versions and ranges of files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/file_head.h"

static struct buf out;
static struct http_request request;

/* The head that a request with these fields gets. */
static const char *head(const char *method, const char *fields, const struct file_facts *facts,
	struct http_range *body)
{
	static char text[2048];
	const char *reason = "";
	int len =
		snprintf(text, sizeof(text), "%s /f HTTP/1.1\r\nHost: h\r\n%s\r\n", method, fields);

	assert_int_equal(http_request_parse(&request, (uint8_t *)text, (size_t)len, &reason), 0);
	buf_finish(&out);
	buf_init(&out, sizeof(text));
	assert_int_equal(file_head(&out, &request, facts, true, body), 0);
	snprintf(text, sizeof(text), "%.*s", (int)buf_len(&out), (const char *)buf_data(&out));
	return text;
}

static const struct file_facts facts = {.size = 10, .version = 0xabc, .mtime = 86400};
#define TAG "\"0000000000000abc-a\""

static void a_file_has_a_length_a_version_and_a_date(void **state)
{
	struct http_range body;
	const char *text = head("GET", "", &facts, &body);

	assert_non_null(strstr(text, "HTTP/1.1 200 OK\r\n"));
	assert_non_null(strstr(text, "\r\nContent-Length: 10\r\n"));
	assert_non_null(strstr(text, "\r\nETag: " TAG "\r\n"));
	assert_non_null(strstr(text, "\r\nLast-Modified: Fri, 02 Jan 1970 00:00:00 GMT\r\n"));
	assert_int_equal(body.length, 10);
}

static void a_time_without_a_year_is_left_out(void **state)
{
	struct file_facts odd = facts;
	struct http_range body;

	odd.mtime = INT64_MAX;
	assert_null(strstr(head("GET", "", &odd, &body), "Last-Modified"));
	odd.mtime = 253402300800; /* 10000-01-01 */
	assert_null(strstr(head("GET", "", &odd, &body), "Last-Modified"));
	odd.mtime = -1;
	assert_null(strstr(head("GET", "", &odd, &body), "Last-Modified"));
}

static void a_head_has_the_length_and_no_body(void **state)
{
	struct http_range body;
	const char *text = head("HEAD", "Range: bytes=0-1\r\n", &facts, &body);

	assert_non_null(strstr(text, " 200 OK\r\n"));
	assert_non_null(strstr(text, "\r\nContent-Length: 10\r\n"));
	assert_int_equal(body.length, 0);
}

static void a_range_counts_for_its_version_alone(void **state)
{
	struct http_range body;

	assert_non_null(
		strstr(head("GET", "Range: bytes=2-\r\nIf-Range: " TAG "\r\n", &facts, &body),
			"\r\nContent-Range: bytes 2-9/10\r\n"));
	assert_int_equal(body.first, 2);
	assert_int_equal(body.length, 8);
	assert_non_null(strstr(
		head("GET", "Range: bytes=2-\r\nIf-Range: W/" TAG "\r\n", &facts, &body), " 200 "));
	assert_int_equal(body.length, 10);
}

static void what_cannot_be_sent_has_no_body(void **state)
{
	struct http_range body;
	const char *text = head("GET", "Range: bytes=10-\r\n", &facts, &body);

	assert_non_null(strstr(text, " 416 Range Not Satisfiable\r\n"));
	assert_non_null(strstr(text, "\r\nContent-Range: bytes */10\r\n"));
	assert_non_null(strstr(text, "\r\nContent-Length: 0\r\n"));
	assert_int_equal(body.length, 0);
	text = head("GET", "If-None-Match: \"x\", " TAG "\r\nRange: bytes=2-\r\n", &facts, &body);
	assert_non_null(strstr(text, " 304 Not Modified\r\n"));
	assert_null(strstr(text, "\r\nContent-"));
	assert_int_equal(body.length, 0);
}

static int finish(void **state)
{
	buf_finish(&out);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_has_a_length_a_version_and_a_date),
		cmocka_unit_test(a_time_without_a_year_is_left_out),
		cmocka_unit_test(a_head_has_the_length_and_no_body),
		cmocka_unit_test(a_range_counts_for_its_version_alone),
		cmocka_unit_test(what_cannot_be_sent_has_no_body),
	};

	return cmocka_run_group_tests(tests, NULL, finish);
}
