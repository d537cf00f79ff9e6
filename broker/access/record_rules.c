/* Task: say of a console whether it is recorded. Owner: the broker. Pure. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "auth/rule_items.h"
#include "broker/access/record_rules.h"
#include "broker/access/rule_guest.h"

struct record_rule {
	struct vm_item *items;
	size_t count;
	enum config_record mode;
};

struct record_rules {
	enum config_record mode; /* where no rule counts */
	size_t count;
	struct record_rule rules[];
};

static int load_rule(struct record_rule *rule, const struct config_record_rule *from,
	struct config_errors *errors)
{
	const char *why;
	size_t i;
	int r;

	rule->mode = from->record;
	rule->items = calloc(from->vms.count + 1, sizeof(*rule->items));
	if (!rule->items)
		return -ENOMEM;
	for (i = 0; i < from->vms.count; i++) {
		r = vm_item_parse(from->vms.items[i], &rule->items[i], &why);
		if (r == -EINVAL)
			config_errors_add(errors, from->at.file, from->at.line,
				"[record %s] vms: %s: %s", from->at.name, from->vms.items[i], why);
		if (r < 0)
			return r;
		rule->count++;
	}
	return 0;
}

int record_rules_create(
	const struct config *config, struct record_rules **out, struct config_errors *errors)
{
	struct record_rules *rules =
		calloc(1, sizeof(*rules) + config->record_count * sizeof(rules->rules[0]));
	size_t i;
	int r;

	if (!rules)
		return -ENOMEM;
	rules->mode = config->history.record;
	for (i = 0; i < config->record_count; i++) {
		rules->count++;
		r = load_rule(&rules->rules[i], &config->records[i], errors);
		if (r < 0) {
			record_rules_destroy(&rules);
			return r;
		}
	}
	*out = rules;
	return 0;
}

void record_rules_destroy(struct record_rules **out)
{
	struct record_rules *rules = *out;
	size_t i, j;

	if (!rules)
		return;
	*out = NULL;
	for (i = 0; i < rules->count; i++) {
		for (j = 0; j < rules->rules[i].count; j++)
			vm_item_finish(&rules->rules[i].items[j]);
		free(rules->rules[i].items);
	}
	free(rules);
}

static enum config_record find_mode(const struct record_rules *rules, const struct guest *g)
{
	struct rule_guest seen;
	size_t i, j;

	rule_guest_init(&seen, g);
	for (i = 0; i < rules->count; i++) {
		for (j = 0; j < rules->rules[i].count; j++) {
			if (vm_item_matches(&rules->rules[i].items[j], &seen.vm))
				return rules->rules[i].mode;
		}
	}
	return rules->mode;
}

enum console_record record_rules_mode(
	const struct record_rules *rules, const struct guest *g, const struct device *device)
{
	switch (find_mode(rules, g)) {
	case CONFIG_RECORD_ALL:
		return CONSOLE_RECORD_ALL;
	case CONFIG_RECORD_ATTACHED:
		return CONSOLE_RECORD_ATTACHED;
	case CONFIG_RECORD_NONE:
		return CONSOLE_RECORD_NONE;
	case CONFIG_RECORD_AUTO:
		break;
	}
	/* A unix socket serves one client: who reads it always would lock out all others. */
	return strcmp(device->type, "pty") == 0 ? CONSOLE_RECORD_ALL : CONSOLE_RECORD_ATTACHED;
}
