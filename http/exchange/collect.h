/* The body of a request, put together in a buffer for who needs all of it. Pure. */
#ifndef HTTP_EXCHANGE_COLLECT_H
#define HTTP_EXCHANGE_COLLECT_H

#include "core/buf.h"
#include "http/parse/chunk.h"
#include "http/parse/request.h"

struct collect {
	enum http_body kind;
	struct http_chunks chunks;
	uint64_t left; /* HTTP_BODY_LENGTH */
};

/* Not of a request whose body is HTTP_BODY_CLOSE: its end cannot be told here. */
void collect_init(struct collect *c, const struct http_request *request);

/* Takes what has come. 1: that was all; 0: more follows; -EBADMSG: it is malformed; -ENOBUFS: it is
 * more than *to may hold; -ENOMEM. */
int collect_read(struct collect *c, struct buf *in, struct buf *to)
	__attribute__((warn_unused_result));

#endif
