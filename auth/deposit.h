/*
 * Keys that somebody proved to hold by other means, good until a time: the place for SSH keys that
 * a TLS client certificate deposits. In memory only, bounded.
 */
#ifndef AUTH_DEPOSIT_H
#define AUTH_DEPOSIT_H

#include "auth/identity.h"
#include "core/text/span.h"

#define DEPOSITS_MAX 4096
#define DEPOSIT_SECONDS_MAX 86400

struct deposits;

int deposits_create(struct deposits **out) __attribute__((warn_unused_result));
void deposits_destroy(struct deposits *d);

/*
 * Lets the key in as id until then (seconds since 1970). Takes id over when it returns 0; a key
 * that is there already is replaced. -EINVAL (until is not within DEPOSIT_SECONDS_MAX from now),
 * -EKEYREJECTED (not a key that is accepted), -ENOSPC, -ENOMEM.
 */
int deposits_add(struct deposits *d, struct span blob, struct identity *id, int64_t until,
	int64_t now) __attribute__((warn_unused_result));

/* A copy of the identity: 0; -ENOENT: no such key, or no longer; -ENOMEM. */
int deposits_login(const struct deposits *d, struct span blob, int64_t now, struct identity **out)
	__attribute__((warn_unused_result));

#endif
