/*
 * The body of a request in chunks (RFC 9112 §7.1), decoded piece by piece. Pure.
 * Chunk extensions and trailers are refused: nobody here needs them, and servers disagree on them.
 */
#ifndef HTTP_PARSE_CHUNK_H
#define HTTP_PARSE_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_CHUNK_DIGITS_MAX 8 /* of a chunk's size: 4 GiB */

enum http_chunk_state {
	HTTP_CHUNK_SIZE,
	HTTP_CHUNK_SIZE_LF,
	HTTP_CHUNK_DATA,
	HTTP_CHUNK_DATA_CR,
	HTTP_CHUNK_DATA_LF,
	HTTP_CHUNK_END_CR,
	HTTP_CHUNK_END_LF,
	HTTP_CHUNK_DONE,
};

struct http_chunks {
	enum http_chunk_state state;
	unsigned digits;
	uint64_t left; /* of the chunk */
};

void http_chunks_init(struct http_chunks *c);

/*
 * Reads from data up to and including one piece of the body, which lies in data: *body, *body_len
 * (0: none yet). Returns how many bytes of data it used, which is all of them unless there was a
 * piece or the end; or -EBADMSG.
 */
long http_chunks_read(struct http_chunks *c, const uint8_t *data, size_t len, const uint8_t **body,
	size_t *body_len) __attribute__((warn_unused_result));

static inline bool http_chunks_done(const struct http_chunks *c)
{
	return c->state == HTTP_CHUNK_DONE;
}

#define HTTP_CHUNK_HEAD_ROOM 12 /* "ffffffff\r\n" */

/* The head of a chunk of len bytes, len > 0; behind its bytes belongs "\r\n". The head's length. */
size_t http_chunk_head(char out[HTTP_CHUNK_HEAD_ROOM], size_t len);

#define HTTP_CHUNK_LAST "0\r\n\r\n"

#endif
