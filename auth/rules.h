/*
 * Who may do what with which guest: the [access] sections, compiled.
 *
 * A section counts for a login when one item of `who` matches one of its facts and the login has
 * every factor that the section requires; it counts for a guest when one item of `vms` matches.
 * Rights are the union over the sections that count for both. Nothing else gives a right. What the
 * identity itself is limited to (auth/identity.h) is taken away from that, here and nowhere else.
 * Who came by a ticket has no right that its maker lacks, and none at all unless that one has
 * `admin`, which makes tickets.
 *
 *   who:  KIND:PATTERN, kinds as in auth/identity.h, patterns as in core/text/glob.h; `ticket`
 * alone is any ticket; address: takes an address, a CIDR block or a pattern. cert: looks at the
 * whole subject and at each of its parts (CN=..., O=...). vms:  PATTERN on the name, name:PATTERN
 * (for names with a colon), a UUID, hypervisor:PATTERN, group:PATTERN. Only `*` itself means all
 * guests and the host.
 */
#ifndef AUTH_RULES_H
#define AUTH_RULES_H

#include "auth/identity.h"

#define RULES_SECTIONS_MAX 10000
#define RULES_ITEMS_MAX 10000 /* items in one list */
#define RULES_ITEM_BYTES_MAX 1024
#define RULES_ERROR_MAX 320

/* Input: one section. Everything is only looked at during rules_create. */
struct rule_spec {
	const char *name;
	const char *const *who;
	size_t who_count;
	const char *const *vms;
	size_t vms_count;
	unsigned rights;     /* enum right bits (config/rights.h) */
	const char *require; /* "key+ticket", or NULL: factors that must all be there */
	unsigned lines;      /* of history that a session begins with, at most */
};

struct rules_error {
	size_t section;             /* index of the spec */
	char text[RULES_ERROR_MAX]; /* names the item; may hold foreign bytes */
};

/* A guest as the rules see it; everything may be NULL but uuid. */
struct rule_vm {
	const char *uuid;
	const char *name;
	const char *hypervisor; /* NULL: on none now */
	const char *const *groups;
	size_t group_count;
};

struct rules;

/* 0; -EINVAL with error filled, -ENOMEM. */
int rules_create(const struct rule_spec *specs, size_t count, struct rules **out,
	struct rules_error *error) __attribute__((warn_unused_result));
void rules_destroy(struct rules *r);

/* The rights of a login on one guest. A guest may be seen when this is not 0. */
unsigned rules_rights(const struct rules *r, const struct identity *id, const struct rule_vm *vm);

/* All rights that the login could have on some guest; 0: no section counts for it. */
unsigned rules_any(const struct rules *r, const struct identity *id);

/*
 * FACT_BITs that the login lacks and that sections which know it otherwise require: proving one
 * more factor could open them.
 */
unsigned rules_missing_factors(const struct rules *r, const struct identity *id);

/*
 * The sections that count for one login, looked up once: for lists of guests and for sessions.
 * Looks into the rules, which must outlive it; after a reload it is made anew.
 */
struct grant;
int grant_create(const struct rules *r, const struct identity *id, struct grant **out)
	__attribute__((warn_unused_result));
void grant_destroy(struct grant *g);
unsigned grant_rights(const struct grant *g, const struct rule_vm *vm);
unsigned grant_host_rights(const struct grant *g);
/* The least `lines` of the sections that count; UINT_MAX: none says so. */
unsigned grant_lines(const struct grant *g, const struct rule_vm *vm);

/* How one section judges: for explain. */
struct rule_verdict {
	const char *section;
	const char *who;  /* the item that matched, or NULL */
	const char *vms;  /* the item that matched, or NULL */
	unsigned rights;  /* what the section allows when all matches */
	unsigned missing; /* FACT_BITs required and not there */
	bool barred;      /* the login is limited to another section or another guest */
};
size_t rules_count(const struct rules *r);
void rules_judge(const struct rules *r, size_t index, const struct identity *id,
	const struct rule_vm *vm, struct rule_verdict *out);

#endif
