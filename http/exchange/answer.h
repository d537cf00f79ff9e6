/* Heads and short answers of HTTP (RFC 9112 §4), put into an output buffer. */
#ifndef HTTP_EXCHANGE_ANSWER_H
#define HTTP_EXCHANGE_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/buf.h"
#include "http/parse/request.h"

enum answer_framing {
	ANSWER_CHUNKED,
	ANSWER_CLOSE,  /* the end of the connection is the end of the body */
	ANSWER_LENGTH, /* length bytes follow */
	ANSWER_NONE,   /* there is none, by the status */
};

struct answer {
	unsigned status;
	const char *content_type; /* NULL: no body */
	const char *fields;       /* further ones, each with its CR LF; NULL: none */
	enum answer_framing framing;
	size_t length;
	bool keep_alive;
};

/* 0, -ENOBUFS, -ENOMEM. */
int answer_head(struct buf *out, const struct answer *a) __attribute__((warn_unused_result));

/* Why a request gets nothing else. */
struct answer_words {
	const struct http_request *request; /* NULL: it could not be read */
	unsigned status;
	const char *fields; /* as in struct answer */
	const char *text;   /* one line; foreign bytes are escaped here */
	bool json;          /* {"error": text, "status": exit_status} */
	int exit_status;    /* of a verb; 0: none has run */
	bool keep_alive;
};

/* A whole answer whose body is these words. */
int answer_text(struct buf *out, const struct answer_words *words)
	__attribute__((warn_unused_result));

/* The status for a verb that ended with this exit status before it said anything. */
unsigned answer_status(int exit_status);

#endif
