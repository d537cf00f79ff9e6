/* Task: turn the configuration into keys and rules. Owner: the broker. */
#include <errno.h>
#include <stdlib.h>

#include "broker/access.h"
#include "config/config.h"
#include "core/log.h"

static void report_key(void *arg, const char *file, unsigned line, const char *why)
{
	if (line)
		log_warning("%s:%u: %s", file, line, why);
	else
		log_warning("%s: %s", file, why);
}

static int load_keys(struct access *a, const struct config *config)
{
	const struct config_list *files = &config->auth.authorized_keys;
	int r = key_store_create(&a->keys);

	if (r < 0)
		return r;
	r = key_store_load(
		a->keys, (const char *const *)files->items, files->count, report_key, NULL);
	if (r == -E2BIG)
		log_error("more than %d keys: the rest is left out", KEY_STORE_KEYS_MAX);
	else if (r < 0)
		return r;
	log_info("%zu authorized keys", key_store_count(a->keys));
	return 0;
}

static int load_rules(struct access *a, const struct config *config, struct config_errors *errors)
{
	struct rule_spec *specs = calloc(config->access_count + 1, sizeof(*specs));
	struct rules_error error;
	size_t i;
	int r;

	if (!specs)
		return -ENOMEM;
	for (i = 0; i < config->access_count; i++) {
		const struct config_access *from = &config->accesses[i];

		specs[i] = (struct rule_spec){.name = from->at.name,
			.who = (const char *const *)from->who.items,
			.who_count = from->who.count,
			.vms = (const char *const *)from->vms.items,
			.vms_count = from->vms.count,
			.rights = from->allow};
	}
	r = rules_create(specs, config->access_count, &a->rules, &error);
	if (r == -EINVAL)
		config_errors_add(errors, config->accesses[error.section].at.file,
			config->accesses[error.section].at.line, "[access %s] %s",
			config->accesses[error.section].at.name, error.text);
	free(specs);
	return r;
}

int access_load(const struct config *config, struct access **out, struct config_errors *errors)
{
	struct access *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return -ENOMEM;
	r = load_rules(a, config, errors);
	if (!r)
		r = load_keys(a, config);
	if (r < 0) {
		access_destroy(&a);
		return r;
	}
	a->sources.keys = a->keys;
	*out = a;
	return 0;
}

void access_destroy(struct access **access)
{
	struct access *a = *access;

	if (!a)
		return;
	*access = NULL;
	key_store_destroy(a->keys);
	rules_destroy(a->rules);
	free(a);
}
