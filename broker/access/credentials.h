/*
 * All that is loaded from files to judge logins by: authorized keys, certificates, authorities,
 * revocation lists. Immutable; a reload, or a change of the files, makes a new one.
 * Loading blocks and may be done in any thread.
 */
#ifndef BROKER_ACCESS_CREDENTIALS_H
#define BROKER_ACCESS_CREDENTIALS_H

#include "auth/login.h"
#include "config/config.h"

#define REPORTS_MAX 1024 /* complaints remembered, so that each is told once */

/* Copies of the configuration's lists of paths. */
struct credential_paths {
	struct config_list keys, ssh_cas, certificates, cas, crls, revoked;
};

int credential_paths_copy(const struct config_auth *auth, struct credential_paths *out)
	__attribute__((warn_unused_result));
void credential_paths_finish(struct credential_paths *p);

/* Which complaints have been told. A value. */
struct reports {
	size_t count;
	uint64_t told[REPORTS_MAX];
};

struct credentials {
	struct key_store *keys, *ssh_cas;
	struct x509_store *x509; /* NULL: not configured */
	struct revoked *revoked; /* NULL: not configured */
	struct reports reports;
};

#define CREDENTIALS_WHY_MAX 200

/*
 * What is wrong with single keys and files is logged, unless before (may be NULL) has told it.
 * 0; -EINVAL with what is missing in why: without it nobody could be judged rightly; -ENOMEM.
 */
int credentials_load(const struct credential_paths *paths, const struct reports *before,
	struct credentials **out, char why[CREDENTIALS_WHY_MAX])
	__attribute__((warn_unused_result));
void credentials_destroy(struct credentials *c);

#endif
