/*
 * A request as strangers send it: head, body, target, range. What is accepted here must be accepted
 * by llhttp (Debian's package node-llhttp, if installed) too, with the same fields and body: two
 * servers that read a request differently can be played against each other.
 *
 * Input: a byte that says in how large pieces the body comes, then the request.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/parse/chunk.h"
#include "http/parse/range.h"
#include "http/parse/request.h"
#include "http/parse/target.h"

#define BODY_MAX 65536

static void check(int good, const char *what)
{
	if (!good) {
		fprintf(stderr, "fuzz_http: %s\n", what);
		abort();
	}
}

struct body {
	uint8_t bytes[BODY_MAX];
	size_t len;
	int whole, bad;
};

static void body_add(struct body *b, const uint8_t *data, size_t len)
{
	if (len == 0)
		return;
	check(b->len + len <= sizeof(b->bytes), "body longer than its input");
	memcpy(b->bytes + b->len, data, len);
	b->len += len;
}

static void read_chunks(struct body *b, const uint8_t *data, size_t len, size_t piece)
{
	struct http_chunks chunks;

	http_chunks_init(&chunks);
	while (len > 0 && !http_chunks_done(&chunks)) {
		size_t now = len < piece ? len : piece, body_len;
		const uint8_t *body;
		long used = http_chunks_read(&chunks, data, now, &body, &body_len);

		if (used < 0) {
			b->bad = 1;
			return;
		}
		check(used > 0 && (size_t)used <= now, "chunk used more than there was");
		body_add(b, body, body_len);
		data += used;
		len -= (size_t)used;
	}
	b->whole = http_chunks_done(&chunks);
}

static void read_body(
	const struct http_request *r, struct body *b, const uint8_t *data, size_t len, size_t piece)
{
	switch (r->body) {
	case HTTP_BODY_NONE:
		b->whole = 1;
		break;
	case HTTP_BODY_LENGTH:
		b->whole = len >= r->length;
		body_add(b, data, b->whole ? (size_t)r->length : len);
		break;
	case HTTP_BODY_CHUNKED:
		read_chunks(b, data, len, piece);
		break;
	case HTTP_BODY_CLOSE:
		body_add(b, data, len);
		break;
	}
}

#ifdef HAVE_LLHTTP
#include <llhttp.h>

struct other {
	llhttp_t parser;
	char url[HTTP_HEAD_MAX];
	size_t url_len, head_fields, name_len, value_len;
	char name[HTTP_HEAD_MAX], value[HTTP_HEAD_MAX];
	const struct http_request *mine;
	struct body body;
	int head_done;
};

static struct other other;

static int on_url(llhttp_t *p, const char *at, size_t len)
{
	memcpy(other.url + other.url_len, at, len);
	other.url_len += len;
	return 0;
}

static int on_name(llhttp_t *p, const char *at, size_t len)
{
	memcpy(other.name + other.name_len, at, len);
	other.name_len += len;
	return 0;
}

static int on_value(llhttp_t *p, const char *at, size_t len)
{
	memcpy(other.value + other.value_len, at, len);
	other.value_len += len;
	return 0;
}

static int on_value_complete(llhttp_t *p)
{
	const struct http_field *mine;
	size_t len = other.value_len;

	check(other.head_fields < other.mine->field_count, "llhttp has a field more");
	mine = &other.mine->fields[other.head_fields++];
	while (len > 0 && (other.value[len - 1] == ' ' || other.value[len - 1] == '\t'))
		len--;
	check(strlen(mine->name) == other.name_len &&
			memcmp(mine->name, other.name, other.name_len) == 0,
		"other name of a field");
	check(strlen(mine->value) == len && memcmp(mine->value, other.value, len) == 0,
		"other value of a field");
	other.name_len = other.value_len = 0;
	return 0;
}

static int on_head(llhttp_t *p)
{
	other.head_done = 1;
	return 0;
}

static int on_body(llhttp_t *p, const char *at, size_t len)
{
	body_add(&other.body, (const uint8_t *)at, len);
	return 0;
}

static int on_whole(llhttp_t *p)
{
	other.body.whole = 1;
	return HPE_PAUSED;
}

static void compare(
	const struct http_request *r, const struct body *mine, const uint8_t *data, size_t len)
{
	static llhttp_settings_t settings;
	enum llhttp_errno e;

	/* What llhttp takes for the end of HTTP, and what it knows no body of. */
	if (http_request_field(r, "upgrade") || r->body == HTTP_BODY_CLOSE || mine->bad)
		return;
	llhttp_settings_init(&settings);
	settings.on_url = on_url;
	settings.on_header_field = on_name;
	settings.on_header_value = on_value;
	settings.on_header_value_complete = on_value_complete;
	settings.on_headers_complete = on_head;
	settings.on_body = on_body;
	settings.on_message_complete = on_whole;
	memset(&other, 0, offsetof(struct other, url));
	other.url_len = other.head_fields = other.name_len = other.value_len = 0;
	other.body = (struct body){0};
	other.head_done = 0;
	other.mine = r;
	llhttp_init(&other.parser, HTTP_REQUEST, &settings);
	e = llhttp_execute(&other.parser, (const char *)data, len);
	check(e == HPE_OK || e == HPE_PAUSED, llhttp_get_error_reason(&other.parser));
	check(other.head_done, "llhttp waits for more of the head");
	check(other.head_fields == r->field_count, "llhttp has fewer fields");
	check(strcmp(llhttp_method_name((llhttp_method_t)other.parser.method), r->method_name) == 0,
		"other method");
	check(other.parser.http_minor == r->minor, "other version");
	check(other.url_len >= strlen(r->target) &&
			memcmp(other.url + other.url_len - strlen(r->target), r->target,
				strlen(r->target)) == 0,
		"other target");
	check(other.body.whole == mine->whole, "one has the whole body, one has not");
	check(other.body.len == mine->len && memcmp(other.body.bytes, mine->bytes, mine->len) == 0,
		"other body");
}
#else
static void compare(
	const struct http_request *r, const struct body *mine, const uint8_t *data, size_t len)
{
}
#endif

static void use_fields(const struct http_request *r)
{
	static struct http_target target;
	struct http_range range = http_range_parse(http_request_field(r, "range"), 1000);
	size_t i;

	check(range.first <= 1000 && range.length <= 1000 - range.first, "range beyond the end");
	check((range.kind == HTTP_RANGE_PART) <= (range.length > 0), "empty part");
	if (http_target_parse(&target, r->target) < 0)
		return;
	for (i = 0; i < target.segment_count; i++) {
		check(strcmp(target.segments[i], "..") != 0, "a segment that climbs");
		check(strlen(target.segments[i]) < sizeof(target.text), "segment without end");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct http_request r;
	static struct body body;
	const char *reason;
	size_t piece;
	long head;

	if (size < 1 || size > BODY_MAX)
		return 0;
	piece = *data++ + 1u;
	size--;
	head = http_head_end(data, size, 0);
	if (head <= 0)
		return 0;
	if (http_request_parse(&r, data, (size_t)head, &reason) != 0) {
		check(*reason != '\0', "refused without a reason");
		return 0;
	}
	body = (struct body){0};
	read_body(&r, &body, data + head, size - (size_t)head, piece);
	use_fields(&r);
	compare(&r, &body, data, size);
	return 0;
}
