/*
 * Heads of what is forwarded, made anew from parsed fields: nothing that a client sent reaches the
 * upstream as it was, and nothing of the upstream the client. Pure.
 */
#ifndef HTTP_FORWARD_FORWARD_HEAD_H
#define HTTP_FORWARD_FORWARD_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "http/parse/request.h"
#include "http/parse/response.h"

struct forward_request {
	const struct http_request *request;
	const char *fields; /* the broker's, each with its CR LF */
	size_t fields_len;
	bool keeps_credentials; /* Authorization is for the upstream */
	uint64_t length;        /* of the body */
};

/* HTTP/1.0, so that the answer has no transfer coding. 0, -ENOBUFS, -ENOMEM. */
int forward_request_head(struct buf *out, const struct forward_request *f)
	__attribute__((warn_unused_result));

/* chunked: the body has no length and goes out in chunks. 0, -ENOBUFS, -ENOMEM. */
int forward_response_head(struct buf *out, const struct http_response *r, bool chunked,
	bool keep_alive) __attribute__((warn_unused_result));

#endif
