/*
 * Inside config/: how a struct config is made and filled, before it is read-only. Others use
 * config/config.h.
 */
#ifndef CONFIG_OBJECT_H
#define CONFIG_OBJECT_H

#include "config/config.h"
#include "config/keys.h"

/* Where each key of the plain sections was set. */
struct config_place {
	char *file; /* NULL: default */
	unsigned line;
};

struct config_places {
	struct config_place *of; /* by the key's index in the table */
};

/* Every plain key at its default, no named section. 0 or -ENOMEM. */
int config_object_create(struct config **out) __attribute__((warn_unused_result));

/* Keeps that key was set at file:line. */
int config_object_place(struct config *c, const struct key *key, const char *file, unsigned line)
	__attribute__((warn_unused_result));

const struct config_place *config_object_place_of(const struct config *c, const struct key *key);

/* One more [section name], its keys at their defaults. file may be NULL. */
int config_object_add(struct config *c, enum config_section section, const char *name,
	const char *file, unsigned line) __attribute__((warn_unused_result));

/* Removes all sections of a named kind. */
void config_object_clear(struct config *c, enum config_section section);

/* Whether the key's default stands below another key's folder. */
bool config_object_derived(const struct key *key);

/* Gives every key with such a default, where it was not set, its path. */
int config_object_derive(struct config *c) __attribute__((warn_unused_result));

/* What the whole must fulfil beyond its single values (config/check.c). */
void config_object_check(const struct config *c, struct config_errors *errors);

/* What it may say, but hardly means: warnings (config/warn.c). */
void config_object_warn(const struct config *c, struct config_errors *out);

#endif
