/* Task: see forward_head.h. Pure; bytes of strangers. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "http/forward/forward_head.h"

static int add(struct buf *out, const char *text)
{
	return buf_add(out, text, strlen(text));
}

static int add_field(struct buf *out, const char *name, const char *value)
{
	int r = add(out, name);

	if (!r)
		r = add(out, ": ");
	if (!r)
		r = add(out, value);
	return r ? r : add(out, "\r\n");
}

static int add_length(struct buf *out, uint64_t length)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, length);
	return add_field(out, "Content-Length", text);
}

static bool is_alphanumeric(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/*
 * Whether a name begins like this, as a server sees it that makes variables of names (CGI, WSGI):
 * there case is lost, and '_' is '-'; some take '.' and every other sign for it too.
 */
static bool begins_like(const char *name, const char *prefix)
{
	for (; *prefix; name++, prefix++) {
		char c = *name;

		if (c && !is_alphanumeric(c))
			c = '-';
		if (strncasecmp(&c, prefix, 1) != 0)
			return false;
	}
	return true;
}

/* What only we may say about a client. */
static bool is_ours(const char *name)
{
	static const char *const prefixes[] = {"X-Forwarded", "Forwarded", "X-Real-IP", "X-Client-",
		"Content-Length", "Transfer-Encoding"};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		if (begins_like(name, prefixes[i]))
			return true;
	}
	return false;
}

static bool is_passed_on(const struct forward_request *f, const char *name)
{
	const struct http_request *r = f->request;

	if (http_is_hop_by_hop(r->fields, r->field_count, name) || is_ours(name))
		return false;
	if (strcasecmp(name, "Authorization") == 0)
		return f->keeps_credentials;
	return strcasecmp(name, "Host") != 0 && strcasecmp(name, "Expect") != 0;
}

static bool has_body(const struct forward_request *f)
{
	return f->length > 0 || f->request->method == HTTP_METHOD_POST ||
	       f->request->method == HTTP_METHOD_PUT || f->request->method == HTTP_METHOD_PATCH;
}

int forward_request_head(struct buf *out, const struct forward_request *f)
{
	const struct http_request *q = f->request;
	int r = add(out, q->method_name);

	if (!r)
		r = add(out, " ");
	if (!r)
		r = add(out, q->target);
	if (!r)
		r = add(out, " HTTP/1.0\r\n");
	if (!r && q->host)
		r = add_field(out, "Host", q->host);
	for (size_t i = 0; i < q->field_count && !r; i++) {
		if (is_passed_on(f, q->fields[i].name))
			r = add_field(out, q->fields[i].name, q->fields[i].value);
	}
	if (!r)
		r = buf_add(out, f->fields, f->fields_len);
	if (!r && has_body(f))
		r = add_length(out, f->length);
	return r ? r : add(out, "Connection: close\r\n\r\n");
}

int forward_response_head(
	struct buf *out, const struct http_response *r, bool chunked, bool keep_alive)
{
	char line[32];
	int rc;

	snprintf(line, sizeof(line), "HTTP/1.1 %u ", r->status);
	rc = add(out, line);
	if (!rc)
		rc = add(out, r->phrase);
	if (!rc)
		rc = add(out, "\r\n");
	for (size_t i = 0; i < r->field_count && !rc; i++) {
		const char *name = r->fields[i].name;

		if (!http_is_hop_by_hop(r->fields, r->field_count, name) &&
			strcasecmp(name, "Content-Length") != 0)
			rc = add_field(out, name, r->fields[i].value);
	}
	/* Also with no body to come: of a HEAD, it is what a GET would have. */
	if (!rc && (r->body == HTTP_BODY_LENGTH || r->length > 0))
		rc = add_length(out, r->length);
	else if (!rc && chunked)
		rc = add(out, "Transfer-Encoding: chunked\r\n");
	if (!rc && !keep_alive)
		rc = add(out, "Connection: close\r\n");
	return rc ? rc : add(out, "\r\n");
}
