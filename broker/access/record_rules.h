/*
 * Which consoles are recorded: [history] record and its exceptions in the [record] sections.
 * Looks at the same patterns as [access] sections do. Owned by the broker; a reload makes anew.
 */
#ifndef BROKER_ACCESS_RECORD_RULES_H
#define BROKER_ACCESS_RECORD_RULES_H

#include "config/config.h"
#include "console/guest/console.h"

struct record_rules;

/* -EINVAL with file and line in errors when a pattern cannot be understood. */
int record_rules_create(const struct config *config, struct record_rules **out,
	struct config_errors *errors) MUST_CHECK;
void record_rules_destroy(struct record_rules **out);

enum console_record record_rules_mode(
	const struct record_rules *rules, const struct guest *g, const struct device *device);

#endif
