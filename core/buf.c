/* Task: a bounded byte queue. Pure. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"

#define BUF_FIRST 512

void buf_init(struct buf *b, size_t max)
{
	memset(b, 0, sizeof(*b));
	b->max = max;
}

void buf_init_secret(struct buf *b, size_t max)
{
	buf_init(b, max);
	b->secret = true;
}

static void forget(const struct buf *b, uint8_t *from, size_t len)
{
	if (b->secret && len > 0)
		explicit_bzero(from, len);
}

void buf_finish(struct buf *b)
{
	forget(b, b->mem, b->size);
	free(b->mem);
	b->mem = NULL;
	b->start = b->len = b->size = 0;
}

static int grow(struct buf *b, size_t need)
{
	size_t size = b->size ? b->size : BUF_FIRST;
	uint8_t *mem;

	while (size < need)
		size *= 2;
	mem = b->secret ? malloc(size) : realloc(b->mem, size);
	if (!mem)
		return -ENOMEM;
	if (b->secret && b->mem) {
		memcpy(mem, b->mem, b->start + b->len);
		explicit_bzero(b->mem, b->size);
		free(b->mem);
	}
	b->mem = mem;
	b->size = size;
	return 0;
}

/* There may be len more. */
static int make_room(struct buf *b, size_t len)
{
	if (len > buf_room(b))
		return -ENOBUFS;
	if (b->start && b->start + b->len + len > b->size) {
		memmove(b->mem, b->mem + b->start, b->len);
		forget(b, b->mem + b->len, b->start);
		b->start = 0;
	}
	return b->start + b->len + len > b->size ? grow(b, b->len + len) : 0;
}

int buf_add(struct buf *b, const void *data, size_t len)
{
	int r = make_room(b, len);

	if (r || len == 0)
		return r;
	memcpy(buf_end(b), data, len);
	b->len += len;
	return 0;
}

uint8_t *buf_space(struct buf *b, size_t len)
{
	return make_room(b, len) ? NULL : buf_end(b);
}

void buf_grow(struct buf *b, size_t len)
{
	b->len += len;
}

void buf_drop(struct buf *b, size_t len)
{
	if (len >= b->len) {
		buf_finish(b);
		return;
	}
	forget(b, b->mem + b->start, len);
	b->start += len;
	b->len -= len;
}
