/* Task: see collect.h. */
#include <errno.h>

#include "http/exchange/collect.h"

void collect_init(struct collect *c, const struct http_request *request)
{
	*c = (struct collect){.kind = request->body, .left = request->length};
	http_chunks_init(&c->chunks);
}

static int read_length(struct collect *c, struct buf *in, struct buf *to)
{
	size_t len = buf_len(in);
	int r = 0;

	if (c->left > buf_room(to))
		return -ENOBUFS;
	if (len > c->left)
		len = (size_t)c->left;
	if (len > 0)
		r = buf_add(to, buf_data(in), len);
	if (r < 0)
		return r;
	buf_drop(in, len);
	c->left -= len;
	return c->left == 0;
}

static int read_chunks(struct collect *c, struct buf *in, struct buf *to)
{
	while (!http_chunks_done(&c->chunks) && buf_len(in) > 0) {
		const uint8_t *piece = NULL;
		size_t len = 0;
		long used = http_chunks_read(&c->chunks, buf_data(in), buf_len(in), &piece, &len);
		int r = used < 0 ? (int)used : len > 0 ? buf_add(to, piece, len) : 0;

		if (r < 0)
			return r;
		buf_drop(in, (size_t)used);
	}
	return http_chunks_done(&c->chunks);
}

int collect_read(struct collect *c, struct buf *in, struct buf *to)
{
	switch (c->kind) {
	case HTTP_BODY_LENGTH:
		return read_length(c, in, to);
	case HTTP_BODY_CHUNKED:
		return read_chunks(c, in, to);
	case HTTP_BODY_NONE:
	case HTTP_BODY_CLOSE:
		break;
	}
	return 1;
}
