/*
 * A bounded byte queue: bytes go in at the end and out at the front.
 * Memory grows by doubling up to max and is given back when the queue is empty.
 */
#ifndef CORE_BUF_H
#define CORE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *mem;
	size_t start, len, size, max;
	bool secret; /* what was in it is wiped */
};

void buf_init(struct buf *b, size_t max);
/* For what may be a password: no byte stays in memory that was dropped. */
void buf_init_secret(struct buf *b, size_t max);
void buf_finish(struct buf *b);

/* 0, -ENOBUFS when max would be passed (nothing is added then), -ENOMEM. */
int buf_add(struct buf *b, const void *data, size_t len) __attribute__((warn_unused_result));

/* Room for len bytes behind the end, for the caller to write to; NULL when max would be passed or
 * memory is out. Good until the next call. buf_grow counts those that were written. */
uint8_t *buf_space(struct buf *b, size_t len) __attribute__((warn_unused_result));
void buf_grow(struct buf *b, size_t len);

/* Drops len bytes (at most all) from the front. */
void buf_drop(struct buf *b, size_t len);

/* NULL when it is empty: nothing may be added to that, not even 0. */
static inline const uint8_t *buf_data(const struct buf *b)
{
	return b->mem ? b->mem + b->start : NULL;
}
static inline uint8_t *buf_end(const struct buf *b)
{
	return b->mem ? b->mem + b->start + b->len : NULL;
}
static inline size_t buf_len(const struct buf *b)
{
	return b->len;
}
static inline size_t buf_room(const struct buf *b)
{
	return b->max - b->len;
}

#endif
