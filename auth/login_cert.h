/* The part of auth/login.h that is about OpenSSH certificates; and what both parts share. */
#ifndef AUTH_LOGIN_CERT_H
#define AUTH_LOGIN_CERT_H

#include "auth/login.h"

/* As login_by_key, for a blob that is a certificate; without the address fact. */
int login_by_cert(const struct login_sources *sources, const struct login_proof *proof,
	struct identity **out, char why[LOGIN_WHY_MAX]) __attribute__((warn_unused_result));

/* Puts into the identity what an authorized_keys line says. 0, -ENOMEM, -E2BIG. */
int login_apply_options(struct identity *id, const struct key_options *o)
	__attribute__((warn_unused_result));

#endif
