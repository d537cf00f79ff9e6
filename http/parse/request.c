/* Task: parse the head of a request. Pure; bytes of strangers. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "http/parse/head.h"
#include "http/parse/request.h"

/* --- characters --- */

/* RFC 3986 §3.3 and §3.4: pchar, '/' and '?'. A percent sign is checked by who decodes it. */
static bool is_target(unsigned char c)
{
	return c > ' ' && c < 0x7f && !strchr("\"#<>[\\]^`{|}", c);
}

/* --- the request line --- */

struct method {
	const char *name;
	enum http_method method;
};

static const struct method methods[] = {
	{"GET", HTTP_METHOD_GET},
	{"HEAD", HTTP_METHOD_HEAD},
	{"POST", HTTP_METHOD_POST},
	{"PUT", HTTP_METHOD_PUT},
	{"DELETE", HTTP_METHOD_DELETE},
	{"OPTIONS", HTTP_METHOD_OPTIONS},
	{"PATCH", HTTP_METHOD_PATCH},
};

static unsigned set_method(struct http_request *r, const char *name, const char **reason)
{
	const char *c;
	size_t i;

	for (c = name; *c; c++) {
		if (!http_is_token((unsigned char)*c)) {
			*reason = "malformed request line";
			return 400;
		}
	}
	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (strcmp(methods[i].name, name) == 0) {
			r->method = methods[i].method;
			r->method_name = methods[i].name;
			return 0;
		}
	}
	*reason = *name ? "method not implemented" : "malformed request line";
	return *name ? 501 : 400;
}

static unsigned set_version(struct http_request *r, const char *version, const char **reason)
{
	bool is_version = strncmp(version, "HTTP/", 5) == 0 && version[5] >= '0' &&
			  version[5] <= '9' && version[6] == '.' && version[7] >= '0' &&
			  version[7] <= '9' && !version[8];

	if (!is_version) {
		*reason = "malformed request line";
		return 400;
	}
	if (version[5] != '1' || version[7] > '1') {
		*reason = "HTTP version not supported: use HTTP/1.1";
		return 505;
	}
	r->minor = (unsigned)(version[7] - '0');
	return 0;
}

/* "http://host/path": the path is the target, and the host overrules Host (RFC 9112 §3.2.2). */
static unsigned cut_absolute(struct http_request *r, char *target, const char **reason)
{
	size_t scheme = strncasecmp(target, "http://", 7) == 0    ? 7
			: strncasecmp(target, "https://", 8) == 0 ? 8
								  : 0;
	char *host = target + scheme;
	size_t len = strcspn(host, "/?");

	if (scheme == 0 || len == 0 || host[len] != '/' || memchr(host, '@', len)) {
		*reason = "malformed request target";
		return 400;
	}
	/* Moved over the scheme, so that there is room for its NUL. */
	memmove(target, host, len);
	target[len] = '\0';
	r->host = target;
	r->target = host + len;
	return 0;
}

static unsigned set_target(struct http_request *r, char *target, const char **reason)
{
	const char *c;

	if (strlen(target) > HTTP_TARGET_MAX) {
		*reason = "request target too long";
		return 414;
	}
	for (c = target; *c; c++) {
		if (!is_target((unsigned char)*c)) {
			*reason = "malformed request target";
			return 400;
		}
	}
	r->target = target;
	if (*target == '/' || (strcmp(target, "*") == 0 && r->method == HTTP_METHOD_OPTIONS))
		return 0;
	return cut_absolute(r, target, reason);
}

/* method SP target SP version (RFC 9112 §3), each blank exactly one. */
static unsigned parse_request_line(struct http_request *r, char *line, const char **reason)
{
	char *target = strchr(line, ' ');
	char *version = target ? strchr(target + 1, ' ') : NULL;
	unsigned status;

	if (!version || strchr(version + 1, ' ')) {
		*reason = "malformed request line";
		return 400;
	}
	*target++ = '\0';
	*version++ = '\0';
	status = set_version(r, version, reason);
	if (status == 0)
		status = set_method(r, line, reason);
	return status ? status : set_target(r, target, reason);
}

/* --- fields --- */

static unsigned parse_field(struct http_request *r, char *line, size_t len, const char **reason)
{
	*reason = "malformed header field";
	if (r->field_count < HTTP_FIELDS_MAX)
		return http_parse_field(&r->fields[r->field_count++], line, len) < 0 ? 400 : 0;
	*reason = "too many header fields";
	return 431;
}

const char *http_request_field(const struct http_request *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->field_count; i++) {
		if (strcasecmp(r->fields[i].name, name) == 0)
			return r->fields[i].value;
	}
	return NULL;
}

/* 0 with *value NULL when there is none; 400 when there is more than one. */
static unsigned only_field(
	const struct http_request *r, const char *name, const char **value, const char **reason)
{
	size_t i, count = 0;

	*value = NULL;
	for (i = 0; i < r->field_count; i++) {
		if (strcasecmp(r->fields[i].name, name) == 0) {
			*value = r->fields[i].value;
			count++;
		}
	}
	if (count <= 1)
		return 0;
	*reason = "a header field is given twice";
	return 400;
}

/* --- how long the body is (RFC 9112 §6) --- */

#define LENGTH_DIGITS_MAX 18 /* below 10^18: no sum of two overflows */

static unsigned set_length(struct http_request *r, const char *text, const char **reason)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || text[digits]) {
		*reason = "malformed Content-Length";
		return 400;
	}
	if (digits > LENGTH_DIGITS_MAX) {
		*reason = "body too large";
		return 413;
	}
	for (; *text; text++)
		r->length = r->length * 10 + (uint64_t)(*text - '0');
	r->body = r->length ? HTTP_BODY_LENGTH : HTTP_BODY_NONE;
	return 0;
}

static unsigned set_coding(struct http_request *r, const char *coding, const char **reason)
{
	if (r->minor == 0) {
		*reason = "Transfer-Encoding in an HTTP/1.0 request";
		return 400;
	}
	if (strcasecmp(coding, "chunked") != 0) {
		*reason = "transfer coding not implemented";
		return 501;
	}
	r->body = HTTP_BODY_CHUNKED;
	return 0;
}

static unsigned set_body(struct http_request *r, const char **reason)
{
	const char *length, *coding;
	unsigned status = only_field(r, "Content-Length", &length, reason);

	if (!status)
		status = only_field(r, "Transfer-Encoding", &coding, reason);
	if (status)
		return status;
	if (length && coding) {
		*reason = "Content-Length together with Transfer-Encoding";
		return 400;
	}
	if (coding)
		return set_coding(r, coding, reason);
	if (length)
		return set_length(r, length, reason);
	if (r->minor == 0 && (r->method == HTTP_METHOD_POST || r->method == HTTP_METHOD_PUT))
		r->body = HTTP_BODY_CLOSE;
	return 0;
}

/* --- the connection --- */

static bool connection_has(const struct http_request *r, const char *token)
{
	return http_connection_has(r->fields, r->field_count, token);
}

/* Of HTTP/1.0 none stays, whatever the client offers: it would wait for our word, which no answer
 * has (RFC 9112 §9.3). */
static void set_keep_alive(struct http_request *r)
{
	r->keep_alive = r->minor == 1 && r->body != HTTP_BODY_CLOSE && !connection_has(r, "close");
}

static unsigned set_host(struct http_request *r, const char **reason)
{
	const char *host;
	unsigned status = only_field(r, "Host", &host, reason);

	if (status)
		return status;
	if (!host && r->minor == 1) {
		*reason = "no Host field";
		return 400;
	}
	if (!r->host)
		r->host = host;
	return 0;
}

static unsigned set_expect(struct http_request *r, const char **reason)
{
	const char *expect;
	unsigned status = only_field(r, "Expect", &expect, reason);

	if (status || !expect)
		return status;
	if (strcasecmp(expect, "100-continue") != 0) {
		*reason = "unknown expectation";
		return 417;
	}
	/* RFC 9110 §10.1.1: not from HTTP/1.0, and not without a body. */
	r->expects_continue = r->minor == 1 && r->body != HTTP_BODY_NONE;
	return 0;
}

/* --- the head --- */

long http_head_end(const uint8_t *data, size_t len, size_t searched)
{
	size_t from = searched > 3 ? searched - 3 : 0;
	const uint8_t *end = len > from ? memmem(data + from, len - from, "\r\n\r\n", 4) : NULL;
	size_t head = end ? (size_t)(end - data) + 4 : len;

	if (head > HTTP_HEAD_MAX)
		return -EMSGSIZE;
	return end ? (long)head : 0;
}

static unsigned parse_fields(struct http_request *r, struct http_cursor *c, const char **reason)
{
	size_t len;
	unsigned status;
	char *line;

	for (;;) {
		line = http_next_line(c, &len);
		if (!line) {
			*reason = "malformed header field";
			return 400;
		}
		if (len == 0)
			break;
		status = parse_field(r, line, len, reason);
		if (status)
			return status;
	}
	*reason = "malformed header field";
	return c->at == c->end ? 0 : 400;
}

unsigned http_request_parse(
	struct http_request *r, const uint8_t *data, size_t len, const char **reason)
{
	struct http_cursor c;
	size_t line_len;
	unsigned status;
	char *line;

	memset(r, 0, offsetof(struct http_request, head));
	*reason = "malformed request line";
	if (len > HTTP_HEAD_MAX)
		return 431;
	memcpy(r->head, data, len);
	r->head[len] = '\0';
	c = (struct http_cursor){r->head, r->head + len};
	line = http_next_line(&c, &line_len);
	if (!line)
		return 400;
	status = parse_request_line(r, line, reason);
	if (!status)
		status = parse_fields(r, &c, reason);
	if (!status)
		status = set_host(r, reason);
	if (!status)
		status = set_body(r, reason);
	if (!status)
		status = set_expect(r, reason);
	if (status)
		return status;
	set_keep_alive(r);
	*reason = "";
	return 0;
}
