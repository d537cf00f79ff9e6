/* Task: decode and encode chunks. Pure; bytes of strangers. */
#include <errno.h>
#include <stdio.h>

#include "http/parse/chunk.h"

void http_chunks_init(struct http_chunks *c)
{
	*c = (struct http_chunks){.state = HTTP_CHUNK_SIZE};
}

static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int read_size(struct http_chunks *c, uint8_t byte)
{
	int value = hex_value(byte);

	if (byte == '\r' && c->digits > 0) {
		c->state = HTTP_CHUNK_SIZE_LF;
		return 0;
	}
	if (value < 0 || c->digits == HTTP_CHUNK_DIGITS_MAX)
		return -EBADMSG;
	c->digits++;
	c->left = c->left << 4 | (uint64_t)value;
	return 0;
}

static int expect(struct http_chunks *c, uint8_t byte, uint8_t wanted, enum http_chunk_state next)
{
	if (byte != wanted)
		return -EBADMSG;
	c->state = next;
	return 0;
}

/* Every byte that is not of the body itself. */
static int read_framing(struct http_chunks *c, uint8_t byte)
{
	switch (c->state) {
	case HTTP_CHUNK_SIZE:
		return read_size(c, byte);
	case HTTP_CHUNK_SIZE_LF:
		return expect(c, byte, '\n', c->left ? HTTP_CHUNK_DATA : HTTP_CHUNK_END_CR);
	case HTTP_CHUNK_DATA_CR:
		return expect(c, byte, '\r', HTTP_CHUNK_DATA_LF);
	case HTTP_CHUNK_DATA_LF:
		c->digits = 0;
		return expect(c, byte, '\n', HTTP_CHUNK_SIZE);
	case HTTP_CHUNK_END_CR:
		return expect(c, byte, '\r', HTTP_CHUNK_END_LF);
	case HTTP_CHUNK_END_LF:
		return expect(c, byte, '\n', HTTP_CHUNK_DONE);
	case HTTP_CHUNK_DATA:
	case HTTP_CHUNK_DONE:
		break;
	}
	return -EBADMSG;
}

static size_t read_data(struct http_chunks *c, size_t len)
{
	size_t piece = len < c->left ? len : (size_t)c->left;

	c->left -= piece;
	if (c->left == 0)
		c->state = HTTP_CHUNK_DATA_CR;
	return piece;
}

long http_chunks_read(struct http_chunks *c, const uint8_t *data, size_t len, const uint8_t **body,
	size_t *body_len)
{
	size_t used = 0;

	*body_len = 0;
	while (used < len && c->state != HTTP_CHUNK_DONE) {
		if (c->state == HTTP_CHUNK_DATA) {
			*body = data + used;
			*body_len = read_data(c, len - used);
			return (long)(used + *body_len);
		}
		if (read_framing(c, data[used++]) < 0)
			return -EBADMSG;
	}
	return (long)used;
}

size_t http_chunk_head(char out[HTTP_CHUNK_HEAD_ROOM], size_t len)
{
	return (size_t)snprintf(out, HTTP_CHUNK_HEAD_ROOM, "%x\r\n", (unsigned)len);
}
