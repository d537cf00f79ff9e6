/*
 * Everything that `revoked_keys` names: OpenSSH revocation lists, and plain lists of public keys,
 * one a line. A reload makes a new one and destroys the old one.
 */
#ifndef AUTH_SSH_REVOKED_H
#define AUTH_SSH_REVOKED_H

#include "auth/ssh/authfile.h"
#include "auth/ssh/ssh_cert.h"

#define REVOKED_FILES_MAX 256

struct revoked;

/*
 * Reads the files that the patterns name. Unlike authorized keys, a file that is missing or not
 * understood, or a pattern that matches none, fails the whole (told to report): letting in what
 * somebody revoked would be worse than not starting, and a reload keeps the old lists. 0, -EINVAL,
 * -ENOMEM.
 */
int revoked_create(const char *const *patterns, size_t count, auth_report_fn report, void *arg,
	struct revoked **out) __attribute__((warn_unused_result));
void revoked_destroy(struct revoked *r);

bool revoked_key(const struct revoked *r, struct span blob);

/* The certificate by serial or key id, its key, or its CA. */
bool revoked_cert(const struct revoked *r, const struct ssh_cert *cert);

#endif
