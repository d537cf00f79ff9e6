/* The single items of `who`, `vms` and `require`: see auth/rules.h for what they mean. */
#ifndef AUTH_RULE_ITEMS_H
#define AUTH_RULE_ITEMS_H

#include "core/text/net_address.h"
#include "auth/rules.h"

struct who_item {
	enum fact_kind kind;
	char *text;          /* as written */
	const char *pattern; /* in text, behind the colon */
	bool is_block;       /* an address: item that is no pattern */
	struct net_block block;
};

enum vm_item_kind { VM_ITEM_ALL, VM_ITEM_NAME, VM_ITEM_UUID, VM_ITEM_HYPERVISOR, VM_ITEM_GROUP };

struct vm_item {
	enum vm_item_kind kind;
	char *text;
	const char *pattern;
};

/* 0; -EINVAL with *why a constant, -ENOMEM. On failure there is nothing to finish. */
int who_item_parse(const char *text, struct who_item *out, const char **why)
	__attribute__((warn_unused_result));
int vm_item_parse(const char *text, struct vm_item *out, const char **why)
	__attribute__((warn_unused_result));
void who_item_finish(struct who_item *w);
void vm_item_finish(struct vm_item *v);

/* Whether some key's fingerprint matches key:PATTERN, and what to say when none does. */
bool key_fingerprint_is(const char *text); /* a whole one, no pattern */
#define KEY_PATTERN_WHY                                                                            \
	"no key has such a fingerprint: it is SHA256: and 43 characters, as \"ssh-keygen -lf "     \
	"FILE\" prints it"

/* "key+ticket" -> FACT_BITs. 0, -EINVAL. */
int require_parse(const char *text, unsigned *out) __attribute__((warn_unused_result));

bool who_item_matches(const struct who_item *w, const struct fact *fact);
bool vm_item_matches(const struct vm_item *v, const struct rule_vm *vm);

#endif
