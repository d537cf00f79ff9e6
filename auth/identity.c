/*
 * Identities.
 * Task: hold the facts about a login. Owner: the login. May not know how they were proved.
 */
#include "auth/identity.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

	if (value != NULL) {
		copy = strdup(value);
		if (copy == NULL)
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
	if (more == NULL)
		return -ENOMEM;
	id->facts = more;
	more[id->fact_count] = (struct fact){kind, strdup(value)};
	if (more[id->fact_count].value == NULL)
		return -ENOMEM;
	id->fact_count++;
	return 0;
}

int identity_create(enum fact_kind kind, const char *value, struct identity **out)
{
	struct identity *id = (struct identity *)calloc(1, sizeof(*id));

	if (id == NULL)
		return -ENOMEM;
	id->pty_allowed = true;
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

void identity_destroy(struct identity *id)
{
	if (id == NULL)
		return;
	for (size_t i = 0; i < id->fact_count; i++)
		free(id->facts[i].value);
	free(id->facts);
	free(id->text);
	free(id->comment);
	free(id->fingerprint);
	free(id->command);
	free(id->access);
	free(id->only_vm);
	free(id);
}

static int copy_fields(const struct identity *from, struct identity *to)
{
	to->pty_allowed = from->pty_allowed;
	to->everything = from->everything;
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
	struct identity *id = (struct identity *)calloc(1, sizeof(*id));

	if (id == NULL)
		return -ENOMEM;
	if (copy_fields(from, id) < 0) {
		identity_destroy(id);
		return -ENOMEM;
	}
	*out = id;
	return 0;
}

unsigned identity_kinds(const struct identity *id)
{
	unsigned kinds = 0;

	for (size_t i = 0; i < id->fact_count; i++)
		kinds |= FACT_BIT(id->facts[i].kind);
	return kinds;
}
