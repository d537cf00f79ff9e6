/*
 * What the configuration says of keys and rules, loaded: handed as a whole to those who judge
 * logins. A reload makes a new one. Owned by the broker.
 */
#ifndef BROKER_ACCESS_ACCESS_H
#define BROKER_ACCESS_ACCESS_H

#include "auth/login.h"
#include "auth/rules.h"
#include "broker/access/credentials.h"

struct config;
struct config_errors;

struct access {
	struct credentials *credentials;
	struct rules *rules;
	struct login_sources sources; /* looks into credentials */
	int tickets;                  /* whether a ticket could open anything */
};

/* Trouble with key files is logged, and the keys are missing; a rule that cannot be understood, an
 * authority or a revocation list that cannot be read fails: -EINVAL with the reason in errors. */
int access_load(const struct config *config, struct access **out, struct config_errors *errors)
	__attribute__((warn_unused_result));
void access_destroy(struct access **access);

/* enum wire_methods that can lead anywhere now. */
unsigned access_methods(const struct access *a);

/* Takes over fresh ones in place of its own. */
void access_set_credentials(struct access *access, struct credentials *fresh);

#endif
