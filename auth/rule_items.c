/*
 * Items of access rules.
 * Task: parse one, match one. Owner: struct rules. May not know sections or rights.
 */
#include "auth/rule_items.h"
#include "core/text/glob.h"
#include "core/text/uuid_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int check_text(const char *text, const char **why)
{
	size_t len = strlen(text);

	if (len == 0 || len > RULES_ITEM_BYTES_MAX) {
		*why = len == 0 ? "an empty item" : "an item is too long";
		return -EINVAL;
	}
	return 0;
}

/* 256 bits in base64: 42 digits of 6 bits, and one whose last two bits are 0. */
#define BASE64 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
#define BASE64_LAST "AEIMQUYcgkosw048"
#define FINGERPRINT_DIGITS 43
#define FINGERPRINT_TYPE "SHA256:"
#define FINGERPRINT_LEN (sizeof(FINGERPRINT_TYPE) - 1 + FINGERPRINT_DIGITS)

static bool key_pattern_may_match(const char *pattern)
{
	static const char *const type[] = {"S", "H", "A", "2", "5", "6", ":"};
	const char *sets[FINGERPRINT_LEN];

	memcpy(sets, type, sizeof(type));
	for (size_t i = sizeof(type) / sizeof(type[0]); i < FINGERPRINT_LEN; i++)
		sets[i] = i + 1 < FINGERPRINT_LEN ? BASE64 : BASE64_LAST;
	return glob_may_match(pattern, sets, FINGERPRINT_LEN);
}

bool key_fingerprint_is(const char *text)
{
	return !glob_is_pattern(text) && key_pattern_may_match(text);
}

static int check_value(enum fact_kind kind, const char *value, const char **why)
{
	if (*value == 0) {
		*why = "the value is empty";
		return -EINVAL;
	}
	if (glob_check(value, why) < 0)
		return -EINVAL;
	if (kind == FACT_KEY && !key_pattern_may_match(value)) {
		*why = KEY_PATTERN_WHY;
		return -EINVAL;
	}
	return 0;
}

static int parse_block(const char *text, struct who_item *out, const char **why)
{
	int rc = net_block_parse(text, &out->block);

	*why = "not a block of addresses";
	out->is_block = rc == 0;
	return rc == -EINVAL ? rc : 0;
}

int who_item_parse(const char *text, struct who_item *out, const char **why)
{
	const char *colon = strchr(text, ':');
	size_t kind_len = colon ? (size_t)(colon - text) : strlen(text);
	enum fact_kind kind;

	if (check_text(text, why) < 0)
		return -EINVAL;
	*why = "unknown kind: write key: cert: principal: user: entity: entity-id: address: "
	       "access: or ticket";
	if (fact_kind_parse(text, kind_len, &kind) < 0)
		return -EINVAL;
	if (!colon && kind != FACT_TICKET) {
		*why = "the value is missing (KIND:PATTERN)";
		return -EINVAL;
	}
	if (colon && check_value(kind, colon + 1, why) < 0)
		return -EINVAL;
	*out = (struct who_item){.kind = kind};
	if (kind == FACT_ADDRESS && parse_block(colon + 1, out, why) < 0)
		return -EINVAL;
	out->text = strdup(text);
	if (!out->text)
		return -ENOMEM;
	out->pattern = colon ? out->text + kind_len + 1 : "*";
	return 0;
}

void who_item_finish(struct who_item *w)
{
	free(w->text);
	*w = (struct who_item){0};
}

bool who_item_matches(const struct who_item *w, const struct fact *fact)
{
	struct net_address a;

	if (w->kind != fact->kind)
		return false;
	if (w->is_block)
		return address_parse(fact->value, &a) == 0 && net_block_holds(&w->block, &a);
	return glob_match(w->pattern, fact->value);
}

static enum vm_item_kind vm_kind(const char *text, size_t *skip)
{
	static const struct {
		const char *prefix;
		enum vm_item_kind kind;
	} prefixes[] = {
		{"name:", VM_ITEM_NAME},
		{"hypervisor:", VM_ITEM_HYPERVISOR},
		{"group:", VM_ITEM_GROUP},
	};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		*skip = strlen(prefixes[i].prefix);
		if (strncmp(text, prefixes[i].prefix, *skip) == 0)
			return prefixes[i].kind;
	}
	*skip = 0;
	if (strcmp(text, "*") == 0)
		return VM_ITEM_ALL;
	return uuid_is(text) ? VM_ITEM_UUID : VM_ITEM_NAME;
}

int vm_item_parse(const char *text, struct vm_item *out, const char **why)
{
	size_t skip;

	if (check_text(text, why) < 0)
		return -EINVAL;
	out->kind = vm_kind(text, &skip);
	if (text[skip] == 0) {
		*why = "the value is empty";
		return -EINVAL;
	}
	if (glob_check(text + skip, why) < 0)
		return -EINVAL;
	out->text = strdup(text);
	if (!out->text)
		return -ENOMEM;
	out->pattern = out->text + skip;
	return 0;
}

void vm_item_finish(struct vm_item *v)
{
	free(v->text);
	*v = (struct vm_item){0};
}

static bool any_group_matches(const char *pattern, const struct rule_vm *vm)
{
	for (size_t i = 0; i < vm->group_count; i++) {
		if (glob_match(pattern, vm->groups[i]))
			return true;
	}
	return false;
}

bool vm_item_matches(const struct vm_item *v, const struct rule_vm *vm)
{
	switch (v->kind) {
	case VM_ITEM_ALL:
		return true;
	case VM_ITEM_NAME:
		return vm->name && glob_match(v->pattern, vm->name);
	case VM_ITEM_UUID:
		return strcasecmp(v->pattern, vm->uuid) == 0;
	case VM_ITEM_HYPERVISOR:
		return vm->hypervisor && glob_match(v->pattern, vm->hypervisor);
	case VM_ITEM_GROUP:
		return any_group_matches(v->pattern, vm);
	}
	return false;
}

int require_parse(const char *text, unsigned *out)
{
	unsigned bits = 0;

	for (;;) {
		size_t len = strcspn(text, "+");
		enum fact_kind kind;

		if (fact_kind_parse(text, len, &kind) < 0)
			return -EINVAL;
		bits |= FACT_BIT(kind);
		if (text[len] == 0)
			break;
		text += len + 1;
	}
	*out = bits;
	return 0;
}
