/*
 * The head of a response to an HTTP/1.0 request (RFC 9112), parsed as strictly as requests are.
 * Such a response has a length, or ends with the connection: it has no transfer coding. Pure.
 */
#ifndef HTTP_PARSE_RESPONSE_H
#define HTTP_PARSE_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/parse/request.h"

struct http_response {
	unsigned status;
	const char *phrase;
	struct http_field fields[HTTP_FIELDS_MAX];
	size_t field_count;
	enum http_body body; /* HTTP_BODY_NONE, _LENGTH or _CLOSE */
	uint64_t length;
	char head[HTTP_HEAD_MAX + 1];
};

/* A complete head of len bytes, at most HTTP_HEAD_MAX, which http_head_end finds; the method is
 * that of the request. 0, -EINVAL. */
int http_response_parse(struct http_response *r, enum http_method method, const uint8_t *data,
	size_t len) __attribute__((warn_unused_result));

#endif
