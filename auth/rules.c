/*
 * The access rules.
 * Task: compile sections, decide. Owner: rules own their compiled sections. May not know how a
 * login was proved, nor where guests come from.
 */
#include "auth/rules.h"
#include "auth/rule_items.h"
#include "config/rights.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct section {
	char *name;
	struct who_item *who;
	size_t who_count;
	struct vm_item *vms;
	size_t vms_count;
	unsigned rights;
	unsigned require; /* FACT_BITs */
	unsigned lines;
	bool host; /* one of vms is `*` */
};

struct rules {
	struct section *sections;
	size_t count;
};

struct grant {
	struct grant *maker;     /* of the ticket that it came by, or NULL */
	struct identity *limits; /* the login's, without its facts */
	const struct rules *rules;
	size_t count;
	unsigned short sections[]; /* indices into rules */
};

static int fail(struct rules_error *error, size_t section, const char *why, const char *item)
{
	error->section = section;
	if (item)
		snprintf(error->text, sizeof(error->text), "%s: \"%.120s\"", why, item);
	else
		snprintf(error->text, sizeof(error->text), "%s", why);
	return -EINVAL;
}

static int compile_who(
	const struct rule_spec *spec, size_t index, struct section *s, struct rules_error *error)
{
	const char *why;

	s->who = (struct who_item *)calloc(spec->who_count, sizeof(*s->who));
	if (!s->who)
		return -ENOMEM;
	for (size_t i = 0; i < spec->who_count; i++) {
		int rc = who_item_parse(spec->who[i], &s->who[i], &why);

		if (rc < 0)
			return rc == -ENOMEM ? rc : fail(error, index, why, spec->who[i]);
		s->who_count++;
	}
	return 0;
}

static int compile_vms(
	const struct rule_spec *spec, size_t index, struct section *s, struct rules_error *error)
{
	const char *why;

	s->vms = (struct vm_item *)calloc(spec->vms_count, sizeof(*s->vms));
	if (!s->vms)
		return -ENOMEM;
	for (size_t i = 0; i < spec->vms_count; i++) {
		int rc = vm_item_parse(spec->vms[i], &s->vms[i], &why);

		if (rc < 0)
			return rc == -ENOMEM ? rc : fail(error, index, why, spec->vms[i]);
		s->host = s->host || s->vms[i].kind == VM_ITEM_ALL;
		s->vms_count++;
	}
	return 0;
}

static int compile(
	const struct rule_spec *spec, size_t index, struct section *s, struct rules_error *error)
{
	int rc;

	if (spec->who_count == 0 || spec->vms_count == 0)
		return fail(
			error, index, spec->who_count == 0 ? "who is empty" : "vms is empty", NULL);
	if (spec->who_count > RULES_ITEMS_MAX || spec->vms_count > RULES_ITEMS_MAX)
		return fail(error, index, "too many items", NULL);
	s->rights = spec->rights;
	s->lines = spec->lines;
	s->name = strdup(spec->name);
	if (!s->name)
		return -ENOMEM;
	if (spec->require && require_parse(spec->require, &s->require) < 0)
		return fail(error, index, "not a list of factors joined by +", spec->require);
	rc = compile_who(spec, index, s, error);
	return rc < 0 ? rc : compile_vms(spec, index, s, error);
}

int rules_create(
	const struct rule_spec *specs, size_t count, struct rules **out, struct rules_error *error)
{
	struct rules *r;
	int rc = 0;

	if (count > RULES_SECTIONS_MAX)
		return fail(error, RULES_SECTIONS_MAX, "too many access sections", NULL);
	r = (struct rules *)calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->sections = (struct section *)calloc(count != 0 ? count : 1, sizeof(*r->sections));
	if (!r->sections)
		rc = -ENOMEM;
	while (rc == 0 && r->count < count) {
		rc = compile(&specs[r->count], r->count, &r->sections[r->count], error);
		r->count++;
	}
	if (rc < 0) {
		rules_destroy(r);
		return rc;
	}
	*out = r;
	return 0;
}

void rules_destroy(struct rules *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->count; i++) {
		struct section *s = &r->sections[i];

		for (size_t k = 0; k < s->who_count; k++)
			who_item_finish(&s->who[k]);
		for (size_t k = 0; k < s->vms_count; k++)
			vm_item_finish(&s->vms[k]);
		free(s->who);
		free(s->vms);
		free(s->name);
	}
	free(r->sections);
	free(r);
}

size_t rules_count(const struct rules *r)
{
	return r->count;
}

static const struct who_item *find_who(const struct section *s, const struct identity *id)
{
	for (size_t i = 0; i < s->who_count; i++) {
		for (size_t k = 0; k < id->fact_count; k++) {
			if (who_item_matches(&s->who[i], &id->facts[k]))
				return &s->who[i];
		}
	}
	return NULL;
}

static const struct vm_item *find_vm(const struct section *s, const struct rule_vm *vm)
{
	for (size_t i = 0; i < s->vms_count; i++) {
		if (vm_item_matches(&s->vms[i], vm))
			return &s->vms[i];
	}
	return NULL;
}

static bool limited_elsewhere(const struct section *s, const struct identity *id)
{
	return id->access && strcmp(id->access, s->name) != 0;
}

static bool section_knows(const struct section *s, const struct identity *id, unsigned have)
{
	return !limited_elsewhere(s, id) && (s->require & ~have) == 0 && find_who(s, id) != NULL;
}

/* What is left of them, when this is what the maker of the ticket may. */
static unsigned within(unsigned rights, unsigned maker)
{
	return maker & RIGHT_ADMIN ? rights & maker : 0;
}

/* The maker of its ticket left aside; so with the others that are called own_. */
static unsigned own_rights(
	const struct rules *r, const struct identity *id, const struct rule_vm *vm)
{
	unsigned have = identity_kinds(id);
	unsigned rights = 0;

	if (!identity_may_see(id, vm->uuid))
		return 0;
	if (id->everything)
		return RIGHT_ALL & ~id->denied;
	for (size_t i = 0; i < r->count; i++) {
		const struct section *s = &r->sections[i];

		/* The guest first: it is one string, a login has many. */
		if ((s->rights & ~rights) != 0 && find_vm(s, vm) && section_knows(s, id, have))
			rights |= s->rights;
	}
	return rights & ~id->denied;
}

unsigned rules_rights(const struct rules *r, const struct identity *id, const struct rule_vm *vm)
{
	unsigned rights = own_rights(r, id, vm);

	while (rights != 0 && (id = id->maker) != NULL)
		rights = within(rights, own_rights(r, id, vm));
	return rights;
}

static unsigned own_any(const struct rules *r, const struct identity *id)
{
	unsigned have = identity_kinds(id);
	unsigned rights = id->everything ? RIGHT_ALL : 0;

	for (size_t i = 0; i < r->count; i++) {
		if (section_knows(&r->sections[i], id, have))
			rights |= r->sections[i].rights;
	}
	return rights & ~id->denied;
}

unsigned rules_any(const struct rules *r, const struct identity *id)
{
	unsigned rights = own_any(r, id);

	while (rights != 0 && (id = id->maker) != NULL)
		rights = within(rights, own_any(r, id));
	return rights;
}

unsigned rules_missing_factors(const struct rules *r, const struct identity *id)
{
	unsigned have = identity_kinds(id);
	unsigned missing = 0;

	for (size_t i = 0; i < r->count; i++) {
		const struct section *s = &r->sections[i];

		if ((s->require & ~have) != 0 && !limited_elsewhere(s, id) && find_who(s, id))
			missing |= s->require & ~have;
	}
	return missing;
}

static int create_one(const struct rules *r, const struct identity *id, struct grant **out)
{
	unsigned have = identity_kinds(id);
	struct grant *g = (struct grant *)calloc(1, sizeof(*g) + r->count * sizeof(g->sections[0]));
	struct grant *fit;

	if (!g)
		return -ENOMEM;
	g->rules = r;
	if (identity_copy(id, &g->limits) < 0) {
		free(g);
		return -ENOMEM;
	}
	for (size_t i = 0; i < r->count; i++) {
		if (section_knows(&r->sections[i], id, have))
			g->sections[g->count++] = (unsigned short)i;
	}
	fit = (struct grant *)realloc(g, sizeof(*g) + g->count * sizeof(g->sections[0]));
	*out = fit ? fit : g;
	return 0;
}

int grant_create(const struct rules *r, const struct identity *id, struct grant **out)
{
	struct grant *first = NULL, **last = &first;

	for (; id; id = id->maker) {
		int rc = create_one(r, id, last);

		if (rc < 0) {
			grant_destroy(first);
			return rc;
		}
		last = &(*last)->maker;
	}
	*out = first;
	return 0;
}

void grant_destroy(struct grant *g)
{
	while (g) {
		struct grant *maker = g->maker;

		identity_destroy(g->limits);
		free(g);
		g = maker;
	}
}

static const struct section *granted(const struct grant *g, size_t i)
{
	return &g->rules->sections[g->sections[i]];
}

static unsigned own_grant_rights(const struct grant *g, const struct rule_vm *vm)
{
	unsigned rights = 0;

	if (!identity_may_see(g->limits, vm->uuid))
		return 0;
	if (g->limits->everything)
		return RIGHT_ALL & ~g->limits->denied;
	for (size_t i = 0; i < g->count; i++) {
		const struct section *s = granted(g, i);

		if ((s->rights & ~rights) != 0 && find_vm(s, vm))
			rights |= s->rights;
	}
	return rights & ~g->limits->denied;
}

unsigned grant_rights(const struct grant *g, const struct rule_vm *vm)
{
	unsigned rights = own_grant_rights(g, vm);

	while (rights != 0 && (g = g->maker) != NULL)
		rights = within(rights, own_grant_rights(g, vm));
	return rights;
}

static unsigned own_grant_host_rights(const struct grant *g)
{
	unsigned rights = 0;

	if (!identity_may_see(g->limits, NULL))
		return 0;
	if (g->limits->everything)
		return RIGHT_ALL & ~g->limits->denied;
	for (size_t i = 0; i < g->count; i++) {
		if (granted(g, i)->host)
			rights |= granted(g, i)->rights;
	}
	return rights & ~g->limits->denied;
}

unsigned grant_host_rights(const struct grant *g)
{
	unsigned rights = own_grant_host_rights(g);

	while (rights != 0 && (g = g->maker) != NULL)
		rights = within(rights, own_grant_host_rights(g));
	return rights;
}

static unsigned own_grant_lines(const struct grant *g, const struct rule_vm *vm)
{
	unsigned lines = UINT_MAX;

	for (size_t i = 0; i < g->count; i++) {
		const struct section *s = granted(g, i);

		if (s->lines < lines && find_vm(s, vm))
			lines = s->lines;
	}
	return lines;
}

unsigned grant_lines(const struct grant *g, const struct rule_vm *vm)
{
	unsigned least = UINT_MAX;

	for (; g; g = g->maker) {
		unsigned lines = own_grant_lines(g, vm);

		if (lines < least)
			least = lines;
	}
	return least;
}

void rules_judge(const struct rules *r, size_t index, const struct identity *id,
	const struct rule_vm *vm, struct rule_verdict *out)
{
	const struct section *s = &r->sections[index];
	const struct who_item *who = find_who(s, id);
	const struct vm_item *item = find_vm(s, vm);

	*out = (struct rule_verdict){
		.section = s->name,
		.who = who ? who->text : NULL,
		.vms = item ? item->text : NULL,
		.rights = s->rights,
		.missing = s->require & ~identity_kinds(id),
		.barred = limited_elsewhere(s, id) || !identity_may_see(id, vm->uuid),
	};
}
