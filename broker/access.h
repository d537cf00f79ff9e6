/*
 * What the configuration says of keys and rules, loaded: handed as a whole to those who judge
 * logins. A reload makes a new one. Owned by the broker.
 */
#ifndef BROKER_ACCESS_H
#define BROKER_ACCESS_H

#include "auth/login.h"
#include "auth/rules.h"

struct config;
struct config_errors;

struct access {
	struct key_store *keys;
	struct rules *rules;
	struct login_sources sources; /* looks into keys */
};

/* Trouble with key files is logged, and the keys are missing; a rule that cannot be understood
 * fails: -EINVAL with file and line in errors. */
int access_load(const struct config *config, struct access **access, struct config_errors *errors)
	__attribute__((warn_unused_result));
void access_destroy(struct access **access);

#endif
