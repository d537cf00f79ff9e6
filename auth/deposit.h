/*
 * Keys that the holder of a certificate has deposited, good until a time: for who has shown the
 * certificate by TLS, and would log in by ssh. The certificate is kept with the key, and judged
 * again whenever the key is: who may no longer log in by it cannot by the key. In memory only,
 * bounded.
 */
#ifndef AUTH_DEPOSIT_H
#define AUTH_DEPOSIT_H

#include <stdint.h>

#include "core/text/span.h"

#define DEPOSITS_MAX 4096
#define DEPOSITS_OF_ONE_MAX 16 /* of one certificate */
#define DEPOSIT_SECONDS_MAX 86400

struct deposits;

int deposits_create(struct deposits **out) __attribute__((warn_unused_result));
void deposits_destroy(struct deposits *d);

/*
 * Lets the key in as the certificate (in DER, copied) does, until then (seconds since 1970). A key
 * that is there already is replaced. -EINVAL (until is not within DEPOSIT_SECONDS_MAX from now),
 * -EKEYREJECTED (not a key that is accepted), -EDQUOT, -ENOSPC, -ENOMEM.
 */
int deposits_add(struct deposits *d, struct span blob, struct span der, int64_t until, int64_t now)
	__attribute__((warn_unused_result));

/* The certificate behind a key, which lives until the next deposits_add, and when that ends. 0;
 * -ENOENT: there is no such key, or no longer. */
int deposits_find(const struct deposits *d, struct span blob, int64_t now, struct span *der,
	int64_t *until) __attribute__((warn_unused_result));

#endif
