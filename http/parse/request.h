/*
 * The head of an HTTP/1.0 or 1.1 request (RFC 9112), parsed strictly: what two servers could read
 * in two ways is refused, since requests are passed on to another server. Pure.
 *
 * Refused where RFC 9112 would allow a recipient to be lenient: a bare CR or LF, obs-fold, blanks
 * before the colon, a tab at either end of a value, Content-Length together with Transfer-Encoding
 * or more than once, any transfer coding but one "chunked", CONNECT.
 */
#ifndef HTTP_PARSE_REQUEST_H
#define HTTP_PARSE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/parse/head.h"

#define HTTP_HEAD_MAX ((size_t)16 << 10) /* request line and fields, the empty line included */
#define HTTP_FIELDS_MAX 64
#define HTTP_TARGET_MAX 4096

enum http_method {
	HTTP_METHOD_GET,
	HTTP_METHOD_HEAD,
	HTTP_METHOD_POST,
	HTTP_METHOD_PUT,
	HTTP_METHOD_DELETE,
	HTTP_METHOD_OPTIONS,
	HTTP_METHOD_PATCH,
};

enum http_body {
	HTTP_BODY_NONE,
	HTTP_BODY_LENGTH,
	HTTP_BODY_CHUNKED,
	HTTP_BODY_CLOSE, /* HTTP/1.0: until the client closes its side */
};

/* Texts end with NUL and lie in the request's own copy of the head. */
struct http_request {
	enum http_method method;
	const char *method_name;
	const char *target; /* as sent: "/path?query", or "*" */
	const char *host;   /* the Host field, or the host of an absolute target; NULL: none */
	unsigned minor;     /* HTTP/1.minor: 0 or 1 */
	struct http_field fields[HTTP_FIELDS_MAX];
	size_t field_count;
	enum http_body body;
	uint64_t length;       /* HTTP_BODY_LENGTH */
	bool keep_alive;       /* another request may follow */
	bool expects_continue; /* the body comes after a 100 */
	char head[HTTP_HEAD_MAX + 1];
};

/*
 * Where the head ends in data. searched: bytes looked at before, so that a head that comes byte by
 * byte costs no more. The length of the head with its empty line; 0: not there yet; -EMSGSIZE: it
 * is longer than HTTP_HEAD_MAX.
 */
long http_head_end(const uint8_t *data, size_t len, size_t searched)
	__attribute__((warn_unused_result));

/*
 * Parses a complete head of len bytes, at most HTTP_HEAD_MAX. 0, or the status to answer with
 * before closing (400, 414, 417, 431, 501, 505), and why in *reason.
 */
unsigned http_request_parse(struct http_request *r, const uint8_t *data, size_t len,
	const char **reason) __attribute__((warn_unused_result));

/* The value of the first field of that name (any case), or NULL. */
const char *http_request_field(const struct http_request *r, const char *name);

#endif
