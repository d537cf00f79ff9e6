/* Task: the configuration in force: loaded, read again, handed to the parts. Owner: the broker. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <systemd/sd-daemon.h>

#include "broker/access/access.h"
#include "broker/broker_private.h"
#include "broker/access/record_rules.h"
#include "broker/command/panic_command.h"
#include "broker/keep/keeping.h"
#include "broker/login/review.h"
#include "broker/sidecar/sidecars.h"
#include "console/guest/directory.h"
#include "core/log.h"
#include "core/loop.h"

/* Logs them one by one, and forgets them. */
void broker_log_errors(struct config_errors *errors)
{
	size_t i;

	for (i = 0; i < errors->count; i++)
		log_write(errors->is_warning[i] ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR, NULL, "%s",
			errors->lines[i]);
	config_errors_finish(errors);
}

static enum console_record record_mode(
	void *arg, const struct guest *g, const struct device *device)
{
	const struct broker *b = arg;

	return record_rules_mode(b->record_rules, g, device);
}

static void on_panicked(void *arg, struct guest *g)
{
	const struct broker *b = arg;

	if (*b->config->console.on_panic)
		panic_command_run(b->panic_commands, b->config->console.on_panic, g);
}

/* o->record is asked again at every change of a guest, with the rules in force then. */
void broker_console_options(
	struct broker *b, const struct config *config, struct console_options *o)
{
	memset(o, 0, sizeof(*o));
	o->history_memory = config->console.history_memory;
	o->keep_open_us = config->console.keep_open;
	o->many_writers = config->console.writers == CONFIG_WRITERS_MANY;
	o->take_force = config->console.take == CONFIG_TAKE_FORCE;
	o->panic_patterns = config->console.panic_patterns;
	o->panicked = on_panicked;
	o->panicked_arg = b;
	o->unix_dirs = config->console.unix_dirs;
	o->state_dir = config->daemon.state_dir;
	o->history.console_bytes = config->history.size;
	o->history.total_bytes = config->history.total;
	o->history.age = config->history.age;
	o->record = record_mode;
	o->record_arg = b;
}

/*
 * The strings that others borrow live in the configuration: the old one goes last, and the first
 * one, which hypervisors look into, not before the end.
 */
static void adopt(struct broker *b, struct config *config, struct access *access,
	struct record_rules *record_rules)
{
	struct config *old_config = b->config;
	struct access *old_access = b->context.access;
	struct console_options options;

	b->config = config;
	b->context.config = config;
	b->context.access = access;
	record_rules_destroy(&b->record_rules);
	b->record_rules = record_rules;
	log_set_level(config->daemon.log_level);
	broker_console_options(b, config, &options);
	directory_set_options(b->context.directory, &options);
	keeping_configure(b->context.keeping, config);
	sidecars_configure(b->context.sidecars, config);
	connections_limits_changed(b->context.connections);
	broker_give_settings(b);
	broker_renew_keys(b);
	if (auth_services_configure(&b->services, config) < 0)
		log_error("out of memory: the reload is not complete");
	review_now(b->review);
	access_destroy(&old_access);
	if (old_config != b->options.config)
		config_free(old_config);
}

int broker_reload(void *arg, struct config_errors *errors)
{
	struct broker *b = arg;
	struct config *config = NULL;
	struct access *access = NULL;
	struct record_rules *record_rules = NULL;
	int r;

	/* systemd compares with its own clock when it has sent the signal (Type=notify-reload). */
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, loop_clock());
	r = config_load(b->options.config_path, &config, errors);
	if (r == 0)
		r = access_load(config, &access, errors);
	if (r == 0)
		r = record_rules_create(config, &record_rules, errors);
	if (r == 0)
		r = config_reload_check(b->config, config, errors);
	if (r < 0) {
		sd_notify(0, "READY=1");
		log_error("not reloaded: the configuration in force stays");
		audit_write(b->services.audit, &(struct audit_record){.event = "reload-refused"});
		access_destroy(&access);
		record_rules_destroy(&record_rules);
		config_free(config);
		return -EINVAL;
	}
	adopt(b, config, access, record_rules);
	sd_notify(0, "READY=1");
	log_info("configuration reloaded");
	audit_write(b->services.audit, &(struct audit_record){.event = "reload"});
	return 0;
}

void broker_on_reload(void *arg, const struct signalfd_siginfo *info)
{
	struct config_errors errors = {0};

	(void)!broker_reload(arg, &errors);
	broker_log_errors(&errors);
}

int broker_load(struct broker *b)
{
	struct config_errors errors = {0};
	int r = access_load(b->config, &b->context.access, &errors);

	if (!r)
		r = record_rules_create(b->config, &b->record_rules, &errors);
	config_errors_print(stderr, &errors);
	config_errors_finish(&errors);
	return r;
}
