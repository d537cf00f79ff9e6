/*
 * A view of bytes that somebody else owns, and the primitives of the SSH wire format (RFC 4251
 * section 5) read from the front of one. Every reader leaves the span as it was when it fails.
 */
#ifndef CORE_TEXT_SPAN_H
#define CORE_TEXT_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
	const uint8_t *at;
	size_t len;
};

/* 0, or -EBADMSG when too few bytes are left. */
int span_u8(struct span *s, uint8_t *out) __attribute__((warn_unused_result));
int span_u32(struct span *s, uint32_t *out) __attribute__((warn_unused_result));
int span_u64(struct span *s, uint64_t *out) __attribute__((warn_unused_result));
int span_bytes(struct span *s, size_t len, struct span *out) __attribute__((warn_unused_result));
int span_string(struct span *s, struct span *out) __attribute__((warn_unused_result));

/* A positive mpint without superfluous zero bytes; out is the number without its sign byte. */
int span_mpint(struct span *s, struct span *out) __attribute__((warn_unused_result));

bool span_is(struct span s, const char *text);
bool span_equal(struct span a, struct span b);

/* A copy with a NUL behind it, or NULL without memory. Bytes that are NUL stay in it. */
char *span_dup(struct span s);

static inline struct span span_of(const void *data, size_t len)
{
	return (struct span){.at = (const uint8_t *)data, .len = len};
}

/*
 * The other direction: appends to a fixed room. When it does not fit, overflow is set and stays,
 * so that only the end needs a look.
 */
struct span_writer {
	uint8_t *mem;
	size_t len, room;
	bool overflow;
};

void span_write(struct span_writer *w, const void *data, size_t len);
void span_write_string(struct span_writer *w, const void *data, size_t len);
/* data is a big-endian number that may begin with zero bytes. */
void span_write_mpint(struct span_writer *w, const uint8_t *data, size_t len);

#endif
