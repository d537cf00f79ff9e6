/* Task: rules that name what is not there: keys, users, hypervisors, sections. Owner: preflight. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "auth/rule_items.h"
#include "broker/access/access.h"
#include "broker/preflight/private.h"
#include "config/ini/nearest.h"
#include "core/text/glob.h"

#define KEYS_TOLD_MAX 5 /* lines about keys that no rule is for */

struct look {
	const struct config *config;
	const struct access *access;
	struct config_errors *found;
	bool by_address; /* some rule is for whoever comes from an address */
	unsigned idle_keys;
};

/* --- who --- */

static bool has_key(const struct look *l, const char *fingerprint)
{
	const struct authorized_key *line;
	struct identity *identity = NULL;
	int r = login_by_fingerprint(&l->access->sources, fingerprint, &line, &identity);

	if (r == 0)
		identity_destroy(identity);
	return r != -ENOENT;
}

static void look_at_who(struct look *l, const struct config_access *a, const char *text)
{
	struct who_item item;
	const char *why;

	if (who_item_parse(text, &item, &why) < 0)
		return;
	l->by_address = l->by_address || item.kind == FACT_ADDRESS;
	if (item.kind == FACT_KEY && key_fingerprint_is(item.pattern) && !has_key(l, item.pattern))
		config_warning_add(l->found, a->at.file, a->at.line,
			"[access %s] who: no file of authorized_keys has the key of %s", a->at.name,
			text);
	if (item.kind == FACT_USER && !glob_is_pattern(item.pattern) && !getpwnam(item.pattern))
		config_warning_add(l->found, a->at.file, a->at.line,
			"[access %s] who: there is no user %.100s on this host", a->at.name,
			item.pattern);
	who_item_finish(&item);
}

/* --- vms --- */

static bool has_hypervisor(const struct config *config, const char *pattern)
{
	for (size_t i = 0; i < config->hypervisor_count; i++) {
		if (glob_match(pattern, config->hypervisors[i].at.name))
			return true;
	}
	return false;
}

/* A name may have a colon; one behind what is nearly "group" is more likely a mistake. */
static void look_at_prefix(
	struct look *l, const struct config_origin *at, const char *kind, const char *text)
{
	char word[NEAREST_WORD_MAX] = "";
	struct nearest n = {.word = word};
	size_t len = strcspn(text, ":");

	if (!text[len] || len >= sizeof(word))
		return;
	memcpy(word, text, len);
	nearest_offer(&n, "name");
	nearest_offer(&n, "hypervisor");
	nearest_offer(&n, "group");
	if (n.best)
		config_warning_add(l->found, at->file, at->line,
			"[%s %s] vms: \"%.100s\" is a pattern of names; did you mean %s:?", kind,
			at->name, text, n.best);
}

static void look_at_vms(struct look *l, const struct config_origin *at, const char *kind,
	const struct config_list *vms)
{
	for (size_t i = 0; i < vms->count; i++) {
		const char *text = vms->items[i], *why;
		struct vm_item item;

		if (vm_item_parse(text, &item, &why) < 0)
			continue;
		if (item.kind == VM_ITEM_HYPERVISOR && !has_hypervisor(l->config, item.pattern))
			config_warning_add(l->found, at->file, at->line,
				"[%s %s] vms: there is no [hypervisor] section for \"%.100s\"",
				kind, at->name, text);
		if (item.kind == VM_ITEM_NAME && item.pattern == item.text)
			look_at_prefix(l, at, kind, text);
		vm_item_finish(&item);
	}
}

/* --- keys --- */

static bool has_section(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->access_count; i++) {
		if (strcmp(config->accesses[i].at.name, name) == 0)
			return true;
	}
	return false;
}

static bool is_idle(const struct look *l, const struct authorized_key *key)
{
	const struct rules *rules = l->access->rules;
	char fingerprint[PUBKEY_FINGERPRINT_ROOM];
	const struct authorized_key *line;
	struct identity *identity = NULL;
	bool idle;

	pubkey_fingerprint(key->key.blob, fingerprint);
	if (login_by_fingerprint(&l->access->sources, fingerprint, &line, &identity) < 0)
		return false;
	idle = line == key && rules_any(rules, identity) == 0 &&
	       rules_missing_factors(rules, identity) == 0;
	identity_destroy(identity);
	return idle;
}

static void look_at_key(void *arg, const struct authorized_key *key)
{
	struct look *l = arg;
	const char *access = key->options.access;

	if (access && !has_section(l->config, access))
		config_warning_add(l->found, key->file, key->line,
			"access=\"%.100s\": there is no section [access %.100s], so this key may "
			"do "
			"nothing",
			access, access);
	else if (!l->by_address && is_idle(l, key) && ++l->idle_keys <= KEYS_TOLD_MAX)
		config_warning_add(l->found, key->file, key->line,
			"no [access] section is for this key, so it cannot log in");
}

void preflight_rules(
	const struct config *config, const struct access *access, struct config_errors *found)
{
	struct look l = {.config = config, .access = access, .found = found};

	for (size_t i = 0; i < config->access_count; i++) {
		const struct config_access *a = &config->accesses[i];

		for (size_t k = 0; k < a->who.count; k++)
			look_at_who(&l, a, a->who.items[k]);
		look_at_vms(&l, &a->at, "access", &a->vms);
	}
	for (size_t i = 0; i < config->record_count; i++)
		look_at_vms(&l, &config->records[i].at, "record", &config->records[i].vms);
	key_store_each(access->credentials->keys, look_at_key, &l);
	if (l.idle_keys > KEYS_TOLD_MAX)
		config_warning_add(found, NULL, 0, "no [access] section is for %u more keys",
			l.idle_keys - KEYS_TOLD_MAX);
}
