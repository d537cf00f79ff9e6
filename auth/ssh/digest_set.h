/* A set of digests of one length: filled, sealed, asked. A plain value; zeroes and a width begin
 * it. */
#ifndef AUTH_SSH_DIGEST_SET_H
#define AUTH_SSH_DIGEST_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct digest_set {
	uint8_t *mem;
	size_t count, room;
	size_t width; /* bytes of one digest */
};

/* 0, -ENOMEM. */
int digest_set_add(struct digest_set *s, const uint8_t *digest) __attribute__((warn_unused_result));

/* To be called after the last add, before the first has. */
void digest_set_seal(struct digest_set *s);
bool digest_set_has(const struct digest_set *s, const uint8_t *digest);
void digest_set_finish(struct digest_set *s);

#endif
