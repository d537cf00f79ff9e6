/* Task: turn the configuration into keys and rules. Owner: the broker. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "broker/access/access.h"
#include "config/config.h"
#include "core/log.h"
#include "wire/msg.h"

static int load_credentials(
	struct access *a, const struct config *config, struct config_errors *errors)
{
	struct credentials *fresh = NULL;
	char why[CREDENTIALS_WHY_MAX];
	struct credential_paths paths;
	int r = credential_paths_copy(&config->auth, &paths);

	if (r < 0)
		return r;
	r = credentials_load(&paths, NULL, &fresh, why);
	credential_paths_finish(&paths);
	if (r == -EINVAL)
		config_errors_add(errors, NULL, 0, "[auth] %s", why);
	if (r == 0)
		access_set_credentials(a, fresh);
	return r;
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
			.rights = from->allow,
			.require = *from->require ? from->require : NULL,
			.lines = (unsigned)from->lines};
	}
	r = rules_create(specs, config->access_count, &a->rules, &error);
	if (r == -EINVAL)
		config_errors_add(errors, config->accesses[error.section].at.file,
			config->accesses[error.section].at.line, "[access %s] %s",
			config->accesses[error.section].at.name, error.text);
	free(specs);
	return r;
}

/* Whether any rule is for tickets. */
static bool wants_tickets(const struct config *config)
{
	size_t i, k;

	for (i = 0; i < config->access_count; i++) {
		const struct config_access *from = &config->accesses[i];

		if (strstr(from->require, "ticket"))
			return true;
		for (k = 0; k < from->who.count; k++) {
			if (strncmp(from->who.items[k], "ticket", 6) == 0)
				return true;
		}
	}
	return false;
}

int access_load(const struct config *config, struct access **out, struct config_errors *errors)
{
	struct access *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return -ENOMEM;
	r = load_rules(a, config, errors);
	if (!r)
		r = load_credentials(a, config, errors);
	if (r < 0) {
		access_destroy(&a);
		return r;
	}
	a->sources.enforces_command = true;
	a->tickets = wants_tickets(config);
	*out = a;
	return 0;
}

void access_destroy(struct access **access)
{
	struct access *a = *access;

	if (!a)
		return;
	*access = NULL;
	credentials_destroy(a->credentials);
	rules_destroy(a->rules);
	free(a);
}

unsigned access_methods(const struct access *a)
{
	return a->tickets ? WIRE_CAN_PUBLICKEY | WIRE_CAN_PASSWORD | WIRE_CAN_INTERACTIVE
			  : WIRE_CAN_PUBLICKEY;
}

void access_set_credentials(struct access *a, struct credentials *fresh)
{
	credentials_destroy(a->credentials);
	a->credentials = fresh;
	a->sources.keys = fresh->keys;
	a->sources.ssh_cas = fresh->ssh_cas;
	a->sources.x509 = fresh->x509;
	a->sources.revoked = fresh->revoked;
}
