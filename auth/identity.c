/*
 * Identities.
 * Task: hold the facts about a login. Owner: the login. May not know how they were proved.
 */
#include "auth/identity.h"
#include "auth/ovirt_json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const kind_names[FACT_KINDS] = {
	[FACT_KEY] = "key",
	[FACT_CERT] = "cert",
	[FACT_PRINCIPAL] = "principal",
	[FACT_USER] = "user",
	[FACT_TICKET] = "ticket",
	[FACT_ENTITY] = "entity",
	[FACT_ENTITY_ID] = "entity-id",
	[FACT_ADDRESS] = "address",
	[FACT_ACCESS] = "access",
};

const char *fact_kind_name(enum fact_kind kind)
{
	return kind_names[kind];
}

int fact_kind_parse(const char *name, size_t len, enum fact_kind *out)
{
	for (size_t i = 0; i < FACT_KINDS; i++) {
		if (strlen(kind_names[i]) == len && memcmp(kind_names[i], name, len) == 0) {
			*out = (enum fact_kind)i;
			return 0;
		}
	}
	return -ENOENT;
}

int identity_set(char **field, const char *value)
{
	char *copy = NULL;

	if (value) {
		copy = strdup(value);
		if (!copy)
			return -ENOMEM;
	}
	free(*field);
	*field = copy;
	return 0;
}

int identity_add(struct identity *id, enum fact_kind kind, const char *value)
{
	struct fact *more;

	if (id->fact_count >= IDENTITY_FACTS_MAX)
		return -E2BIG;
	more = (struct fact *)realloc(id->facts, (id->fact_count + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	id->facts = more;
	more[id->fact_count] = (struct fact){kind, strdup(value)};
	if (!more[id->fact_count].value)
		return -ENOMEM;
	id->fact_count++;
	return 0;
}

int identity_create(enum fact_kind kind, const char *value, struct identity **out)
{
	struct identity *id = (struct identity *)calloc(1, sizeof(*id));

	if (!id)
		return -ENOMEM;
	id->pty_allowed = true;
	id->until = IDENTITY_FOREVER;
	if (asprintf(&id->text, "%s:%s", kind_names[kind], value) < 0) {
		id->text = NULL;
		identity_destroy(id);
		return -ENOMEM;
	}
	if (identity_set(&id->comment, "") < 0 || identity_set(&id->fingerprint, "") < 0 ||
		identity_add(id, kind, value) < 0) {
		identity_destroy(id);
		return -ENOMEM;
	}
	*out = id;
	return 0;
}

static void destroy_one(struct identity *id)
{
	for (size_t i = 0; i < id->fact_count; i++)
		free(id->facts[i].value);
	free(id->facts);
	free(id->text);
	free(id->comment);
	free(id->fingerprint);
	free(id->command);
	free(id->access);
	free(id->only_vm);
	ovirt_consoles_unref(id->consoles);
	free(id);
}

void identity_destroy(struct identity *id)
{
	while (id) {
		struct identity *maker = id->maker;

		destroy_one(id);
		id = maker;
	}
}

static int copy_fields(const struct identity *from, struct identity *to)
{
	to->pty_allowed = from->pty_allowed;
	to->everything = from->everything;
	to->denied = from->denied;
	to->until = from->until;
	to->consoles = ovirt_consoles_ref(from->consoles);
	if (identity_set(&to->text, from->text) < 0 ||
		identity_set(&to->comment, from->comment) < 0 ||
		identity_set(&to->fingerprint, from->fingerprint) < 0 ||
		identity_set(&to->command, from->command) < 0 ||
		identity_set(&to->access, from->access) < 0 ||
		identity_set(&to->only_vm, from->only_vm) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < from->fact_count; i++) {
		if (identity_add(to, from->facts[i].kind, from->facts[i].value) < 0)
			return -ENOMEM;
	}
	return 0;
}

int identity_copy(const struct identity *from, struct identity **out)
{
	struct identity *first = NULL, **last = &first;

	for (; from; from = from->maker) {
		*last = (struct identity *)calloc(1, sizeof(**last));
		if (!*last || copy_fields(from, *last) < 0) {
			identity_destroy(first);
			return -ENOMEM;
		}
		last = &(*last)->maker;
	}
	*out = first;
	return 0;
}

unsigned identity_kinds(const struct identity *id)
{
	unsigned kinds = 0;

	for (size_t i = 0; i < id->fact_count; i++)
		kinds |= FACT_BIT(id->facts[i].kind);
	return kinds;
}

/* --- joining --- */

static int join_limit(char **to, const char *more)
{
	if (!more)
		return 0;
	if (*to)
		return strcmp(*to, more) == 0 ? 0 : -EACCES;
	return identity_set(to, more);
}

static int join_limits(struct identity *to, const struct identity *more)
{
	int rc = join_limit(&to->command, more->command);

	if (rc == 0)
		rc = join_limit(&to->access, more->access);
	if (rc == 0)
		rc = join_limit(&to->only_vm, more->only_vm);
	if (rc == 0 && more->consoles && to->consoles && more->consoles != to->consoles)
		rc = -EACCES;
	if (rc < 0)
		return rc;
	if (!to->consoles)
		to->consoles = ovirt_consoles_ref(more->consoles);
	to->pty_allowed = to->pty_allowed && more->pty_allowed;
	to->denied |= more->denied;
	identity_until(to, more->until);
	return 0;
}

/* The makers of both: each holds. */
static int join_makers(struct identity *to, const struct identity *more)
{
	struct identity **last = &to->maker;

	while (*last)
		last = &(*last)->maker;
	return more->maker ? identity_copy(more->maker, last) : 0;
}

static int join_texts(struct identity *to, const struct identity *more)
{
	char *text;

	if (*more->fingerprint != 0 && identity_set(&to->fingerprint, more->fingerprint) < 0)
		return -ENOMEM;
	if (*more->comment != 0 && identity_set(&to->comment, more->comment) < 0)
		return -ENOMEM;
	if (asprintf(&text, "%s + %s", to->text, more->text) < 0)
		return -ENOMEM;
	free(to->text);
	to->text = text;
	return 0;
}

int identity_join(struct identity *to, const struct identity *more)
{
	int rc = join_limits(to, more);

	if (rc == 0)
		rc = join_makers(to, more);
	for (size_t i = 0; rc == 0 && i < more->fact_count; i++)
		rc = identity_add(to, more->facts[i].kind, more->facts[i].value);
	to->everything = to->everything && more->everything;
	return rc < 0 ? rc : join_texts(to, more);
}

/* --- questions --- */

const char *identity_fact(const struct identity *id, enum fact_kind kind)
{
	for (size_t i = 0; i < id->fact_count; i++) {
		if (id->facts[i].kind == kind)
			return id->facts[i].value;
	}
	return NULL;
}

bool identity_may_see(const struct identity *id, const char *uuid)
{
	if (!uuid)
		return !id->only_vm && !id->consoles;
	return (!id->only_vm || strcasecmp(id->only_vm, uuid) == 0) &&
	       (!id->consoles || ovirt_consoles_has(id->consoles, uuid));
}

void identity_until(struct identity *id, int64_t until)
{
	if (until < id->until)
		id->until = until;
}
