/* A daemon's worth of key sources, and keys and CAs made by ssh-keygen, for the tests of logins. */
#ifndef AUTH_WORLD_H
#define AUTH_WORLD_H

#include "auth/login.h"
#include "auth_tools.h"

#define WORLD_NOW 1700000000 /* 2023-11-14 22:13:20 UTC */
#define WORLD_VALID "-V 20230101000000Z:20240101000000Z"

/*
 * Enters a folder with ca_KIND and user_KIND (ed25519, ecdsa, rsa, small: RSA-1024), ca_ecdsa521,
 * ca_evil, and the file cas of all CAs that are trusted.
 */
int world_setup(void **state);

/* What the daemon would be configured with. */
struct world {
	struct login_sources sources;
	struct key_store *keys, *cas;
	struct revoked *revoked;
	struct tools_report report;
};

/* Files of the folder, each may be NULL. */
void world_open(struct world *w, const char *keys, const char *cas, const char *revoked);
void world_close(struct world *w);

/* Shows the key or certificate in a file; *id is NULL when it is refused. */
int world_try(const struct world *w, const char *pub, const char *address, int64_t now,
	struct identity **id, char why[LOGIN_WHY_MAX]);

/* Makes user.pub and user-cert.pub. */
void world_sign(const char *ca, const char *user, const char *args);

#endif
