/*
 * Task: put the broker together, run it, reload it, end it.
 * Owns everything; does nothing that one of its parts could do.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "auth/throttle.h"
#include "auth/tickets.h"
#include "broker/access/access.h"
#include "broker/access/guard.h"
#include "broker/access/record_rules.h"
#include "broker/broker.h"
#include "broker/command/panic_command.h"
#include "broker/door/host_keys.h"
#include "broker/door/https_keys.h"
#include "broker/files/file_store.h"
#include "broker/folders.h"
#include "broker/listen/control_socket.h"
#include "broker/listen/endpoint.h"
#include "broker/login/connections.h"
#include "broker/login/guest_events.h"
#include "broker/login/login.h"
#include "broker/login/ports.h"
#include "broker/login/review.h"
#include "broker/matcher/matcher.h"
#include "broker/serve/file_session.h"
#include "broker/verbs/verbs.h"
#include "config/protocols.h"
#include "console/domain/domain_xml.h"
#include "console/guest/directory.h"
#include "console/hypervisor/hypervisor.h"
#include "console/libvirt/virt_loop.h"
#include "core/io.h"
#include "core/log.h"

enum { ENDPOINT_SSH, ENDPOINT_HTTPS, ENDPOINTS };

enum broker_state { BROKER_RUNNING, BROKER_STOPPING, BROKER_STOPPING_DOORS };

struct broker {
	struct broker_options options;
	enum broker_state state;
	struct broker_context context; /* what is handed down; config and the rest are its names */
	struct config *config;         /* context.config */
	struct guard guard;
	struct review *review;
	struct record_rules *record_rules;
	struct panic_commands *panic_commands;
	struct virt_loop *virt;
	struct login_list logins;
	struct endpoint *endpoints[ENDPOINTS]; /* NULL: not configured */
	struct connections_port doors_of[ENDPOINTS];
	struct ports *ports; /* of several protocols; NULL before its time */
	unsigned doors;      /* that have not stopped */
	struct control *control;
	struct loop_signal *on_term, *on_int, *on_hup;
	struct loop_timer *stop;
	int lock_fd;
};

/* --- the end --- */

static void on_door_stopped(void *arg)
{
	struct broker *b = arg;

	if (--b->doors == 0)
		loop_exit(b->context.loop, 0);
}

static void stop_doors(struct broker *b)
{
	if (b->state == BROKER_STOPPING_DOORS)
		return;
	b->state = BROKER_STOPPING_DOORS;
	loop_timer_stop(b->stop);
	for (size_t i = 0; i < ENDPOINTS; i++) {
		if (b->endpoints[i])
			endpoint_stop(b->endpoints[i]);
	}
}

static void on_stop_limit(void *arg)
{
	stop_doors(arg);
}

/* A connection has gone. */
static void on_connection_closed(void *arg)
{
	struct broker *b = arg;

	if (b->state == BROKER_STOPPING && LIST_EMPTY(&b->logins))
		stop_doors(b);
}

static void on_stop(void *arg, const struct signalfd_siginfo *info)
{
	struct broker *b = arg;
	struct login *login, *next;

	if (b->state != BROKER_RUNNING)
		return;
	log_info("stopping on signal %u", info->ssi_signo);
	sd_notify(0, "STOPPING=1");
	b->state = BROKER_STOPPING;
	for (size_t i = 0; i < ENDPOINTS; i++) {
		if (b->endpoints[i])
			endpoint_pause(b->endpoints[i]);
	}
	if (b->ports)
		ports_stop(b->ports);
	loop_timer_set(b->stop, BROKER_STOP_US, 0);
	for (login = LIST_FIRST(&b->logins); login; login = next) {
		next = login_next(login);
		login_end(login, STATUS_RESTART, "vmconsoled is restarting");
	}
	on_connection_closed(b);
}

/* --- configuration --- */

/* Logs them one by one, and forgets them. */
static void log_errors(struct config_errors *errors)
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
static void console_options(
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

static void give_settings(struct broker *b)
{
	const struct config_ssh *ssh = &b->config->ssh;
	/* Who is silent is ended by us; the door's own time is for when we should not be able to.
	 */
	struct wire_settings s = {
		.login_grace_ms = (uint32_t)((ssh->login_grace + DOOR_GRACE_MORE_US) / LOOP_MSEC),
		.keepalive_ms = 60000,
		.max_channels = (uint16_t)ssh->max_channels,
		.max_auth_tries = (uint16_t)ssh->max_auth_tries,
		.log_level = (uint8_t)b->config->daemon.log_level,
		.methods = (uint8_t)access_methods(b->context.access)};
	struct door_limits limits = door_limits_for(ssh->max_connections, ssh->max_channels);
	uint64_t idle = ssh->idle_timeout / LOOP_MSEC;

	s.idle_timeout_ms = idle < UINT32_MAX ? (uint32_t)idle : UINT32_MAX;
	for (size_t i = 0; i < ENDPOINTS; i++) {
		if (!b->endpoints[i])
			continue;
		doorkeeper_limits(endpoint_door(b->endpoints[i]), &limits);
		doorkeeper_settings(endpoint_door(b->endpoints[i]), &s, ssh->banner);
	}
	matcher_settings(b->context.matcher, (unsigned)b->config->console.max_waits,
		b->config->daemon.log_level);
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
	console_options(b, config, &options);
	directory_set_options(b->context.directory, &options);
	connections_limits_changed(b->context.connections);
	give_settings(b);
	if (guard_configure(&b->guard, config) < 0)
		log_error("out of memory: the reload is not complete");
	review_now(b->review);
	access_destroy(&old_access);
	if (old_config != b->options.config)
		config_free(old_config);
}

static int reload(void *arg, struct config_errors *errors)
{
	struct broker *b = arg;
	struct config *config = NULL;
	struct access *access = NULL;
	struct record_rules *record_rules = NULL;
	int r;

	sd_notify(0, "RELOADING=1");
	r = config_load(b->options.config_path, &config, errors);
	if (r == 0)
		r = access_load(config, &access, errors);
	if (r == 0)
		r = record_rules_create(config, &record_rules, errors);
	if (r == 0)
		r = config_reload_check(b->config, config, errors);
	sd_notify(0, "READY=1");
	if (r < 0) {
		log_error("not reloaded: the configuration in force stays");
		audit_write(b->guard.audit, &(struct audit_record){.event = "reload-refused"});
		access_destroy(&access);
		record_rules_destroy(&record_rules);
		config_free(config);
		return -EINVAL;
	}
	adopt(b, config, access, record_rules);
	log_info("configuration reloaded");
	audit_write(b->guard.audit, &(struct audit_record){.event = "reload"});
	return 0;
}

static void on_reload(void *arg, const struct signalfd_siginfo *info)
{
	struct config_errors errors = {0};

	(void)!reload(arg, &errors);
	log_errors(&errors);
}

/* --- the beginning --- */

static int keys_for_ssh(void *arg, int *fd, char why[DOORKEEPER_WHY_MAX])
{
	struct broker *b = arg;

	return host_keys_memfd(b->config->ssh.host_keys, fd, why);
}

static int keys_for_https(void *arg, int *fd, char why[DOORKEEPER_WHY_MAX])
{
	struct broker *b = arg;

	return https_keys_memfd(b->config->https.key, b->config->https.certificate, fd, why);
}

static void on_ready(void *arg)
{
	struct broker *b = arg;

	if (b->state != BROKER_RUNNING)
		return;
	if (b->ports)
		ports_doors_ready(b->ports);
	sd_notify(0, "READY=1");
}

/* One that has never served will not do so by itself: whoever started us should know. */
static void on_hopeless(void *arg)
{
	struct broker *b = arg;

	if (b->state == BROKER_RUNNING)
		loop_exit(b->context.loop, 1);
}

/* Now, not when the door wants them: a daemon that listens and cannot answer helps nobody. */
static int check_host_keys(struct broker *b)
{
	const char *dir = b->config->ssh.host_keys;
	char why[HOST_KEYS_WHY_MAX];
	int fd = -1, r = host_keys_ensure(dir, why);

	if (!r)
		r = host_keys_memfd(dir, &fd, why);
	fd_close(&fd);
	if (!r && config_has_https(b->config))
		r = keys_for_https(b, &fd, why);
	if (r < 0)
		log_error("%s", why);
	fd_close(&fd);
	return r;
}

static int make_folders(struct broker *b)
{
	struct config_errors errors = {0};
	char path[4096];
	int r = folders_make(b->config, &errors);

	log_errors(&errors);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s/lock", b->config->daemon.state_dir);
	b->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (b->lock_fd < 0 || flock(b->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		log_error("%s: %s", path,
			errno == EWOULDBLOCK ? "another vmconsoled uses this state_dir"
					     : strerror(errno));
		return -EBUSY;
	}
	return check_host_keys(b);
}

static int make_guests(struct broker *b)
{
	struct console_options options;
	size_t i;
	int r;

	console_options(b, b->config, &options);
	r = panic_commands_create(b->context.loop, &b->panic_commands);
	if (!r)
		r = directory_create(b->context.loop, b->config->daemon.state_dir, &options,
			&b->context.directory);
	if (!r)
		r = file_store_create(
			b->context.loop, b->config->daemon.state_dir, &b->context.files);
	if (!r)
		r = virt_loop_create(b->context.loop, &b->virt);
	b->context.hypervisors = calloc(b->config->hypervisor_count, sizeof(struct hypervisor *));
	if (!b->context.hypervisors)
		r = -ENOMEM;
	for (i = 0; !r && i < b->config->hypervisor_count; i++) {
		const struct config_hypervisor *from = &b->config->hypervisors[i];
		const struct hypervisor_options o = {.name = from->at.name,
			.uri = from->uri,
			.sasl_user = *from->sasl_user ? from->sasl_user : NULL,
			.sasl_password_file =
				*from->sasl_password_file ? from->sasl_password_file : NULL};

		r = hypervisor_create(b->context.loop, b->virt, &o, &guest_events, &b->context,
			&b->context.hypervisors[i]);
		if (!r)
			b->context.hypervisor_count++;
	}
	if (r < 0)
		log_error("cannot set up the hypervisors: %s", strerror(-r));
	return r;
}

/* Who is not root cannot become somebody else. */
static int find_door_user(struct broker *b, struct door_user *user)
{
	char why[DOOR_WHY_MAX];
	int r = geteuid() == 0 ? door_user_find(b->config->daemon.door_user, user, why) : 0;

	if (r < 0)
		log_error("%s", why);
	return r;
}

/* Nothing is started for it before somebody waits for something. */
static int make_matcher(struct broker *b, const struct door_user *user)
{
	const struct matcher_options options = {.loop = b->context.loop,
		.build_id = b->options.build_id,
		.kind = "match",
		.user = *user};

	return matcher_create(&options, &b->context.matcher);
}

static int make_endpoint(struct broker *b, size_t which, const char *kind,
	int (*keys)(void *arg, int *fd, char why[DOORKEEPER_WHY_MAX]),
	const struct config_addresses *listen, const struct door_user *user)
{
	const struct endpoint_options options = {
		.door = {.loop = b->context.loop,
			.name = which == ENDPOINT_SSH ? "ssh door" : "https door",
			.option = "--door",
			.kind = kind,
			.line = WIRE_CONTROL,
			.build_id = b->options.build_id,
			.user = *user,
			.keys = keys,
			.keys_arg = b},
		.listen = listen,
		.ready = on_ready,
		.hopeless = on_hopeless,
		.stopped = on_door_stopped,
		.arg = b};
	int r = endpoint_create(&options, &b->endpoints[which]);

	if (r < 0)
		return r;
	b->doors++;
	b->doors_of[which] = (struct connections_port){b->context.connections,
		endpoint_door(b->endpoints[which]),
		which == ENDPOINT_SSH ? LOGIN_SSH : LOGIN_HTTPS};
	return endpoint_listen(b->endpoints[which], connections_accept, &b->doors_of[which]);
}

static int make_ports(struct broker *b)
{
	const struct ports_options options = {.loop = b->context.loop,
		.config = b->config,
		.all = b->context.connections,
		.ssh = &b->doors_of[ENDPOINT_SSH],
		.https = b->endpoints[ENDPOINT_HTTPS] ? &b->doors_of[ENDPOINT_HTTPS] : NULL};

	return ports_create(&options, &b->ports);
}

/* A socket from systemd that nobody takes would never be answered. */
static int check_passed_sockets(const struct config *config)
{
	const char *names[CONFIG_LISTENS_MAX + 3] = {"ssh"};
	char why[LISTENER_WHY_MAX];
	size_t count = 1;
	int r;

	if (config->https.listen.count)
		names[count++] = "https";
	for (size_t i = 0; i < config->listen_count; i++)
		names[count++] = config->listens[i].at.name;
	r = listener_check_passed(names, why);
	if (r < 0)
		log_error("%s", why);
	return r;
}

static int make_endpoints(struct broker *b)
{
	const struct config *config = b->config;
	struct door_user user = {0};
	int r = check_passed_sockets(config);

	if (!r)
		r = find_door_user(b, &user);
	if (!r)
		r = make_matcher(b, &user);
	if (!r)
		r = connections_create(
			&b->context, on_connection_closed, b, &b->context.connections);
	if (!r)
		r = make_endpoint(b, ENDPOINT_SSH, "ssh", keys_for_ssh, &config->ssh.listen, &user);
	if (!r && config_has_https(config))
		r = make_endpoint(
			b, ENDPOINT_HTTPS, "https", keys_for_https, &config->https.listen, &user);
	if (!r)
		r = make_ports(b);
	if (!r)
		give_settings(b);
	return r;
}

static int make_control(struct broker *b)
{
	int r = control_create(b->context.loop, b->config->daemon.run_dir, connections_accept_local,
		b->context.connections, &b->control);

	if (r < 0)
		log_error("control socket in %s: %s", b->config->daemon.run_dir,
			r == -EADDRINUSE ? "another vmconsoled listens there" : strerror(-r));
	return r;
}

static int watch_signals(struct broker *b)
{
	int r = loop_signal_add(b->context.loop, &b->on_term, SIGTERM, on_stop, b);

	if (!r)
		r = loop_signal_add(b->context.loop, &b->on_int, SIGINT, on_stop, b);
	if (!r)
		r = loop_signal_add(b->context.loop, &b->on_hup, SIGHUP, on_reload, b);
	if (!r)
		r = loop_timer_add(b->context.loop, &b->stop, on_stop_limit, b);
	return r;
}

static int make_access(struct broker *b)
{
	struct config_errors errors = {0};
	int r = access_load(b->config, &b->context.access, &errors);

	if (!r)
		r = record_rules_create(b->config, &b->record_rules, &errors);
	config_errors_print(stderr, &errors);
	config_errors_finish(&errors);
	return r;
}

static const struct reports *reports_told(void *arg)
{
	const struct broker *b = arg;

	return &b->context.access->credentials->reports;
}

/* Key files have changed. */
static void on_credentials(void *arg, struct credentials *fresh)
{
	struct broker *b = arg;

	access_set_credentials(b->context.access, fresh);
	review_soon(b->review);
}

static void name_guard(const struct guard *g, struct broker_context *context)
{
	context->audit = g->audit;
	context->refusals = g->refusals;
	context->external = g->external;
	context->throttle = g->throttle;
	context->tickets = g->tickets;
	context->readers = g->readers;
}

static int make_guard(struct broker *b)
{
	int r = review_create(b->context.loop, &b->logins, &b->review);
	const struct guard_owner owner = {
		{reports_told, on_credentials, b}, review_soon, b->review};

	if (!r)
		r = guard_init(&b->guard, b->context.loop, b->config, &owner);
	name_guard(&b->guard, &b->context);
	return r;
}

static int begin(struct broker *b)
{
	size_t i;
	int r = watch_signals(b);

	if (!r)
		r = make_access(b);
	if (!r)
		r = make_folders(b);
	if (!r)
		r = make_guard(b);
	if (!r)
		r = make_guests(b);
	if (!r)
		r = make_endpoints(b);
	if (!r)
		r = make_control(b);
	if (r < 0)
		return r;
	for (i = 0; i < b->context.hypervisor_count; i++)
		hypervisor_start(b->context.hypervisors[i]);
	loop_watchdog(b->context.loop);
	return 0;
}

static void end(struct broker *b)
{
	struct login *login;
	size_t i;

	control_destroy(&b->control);
	for (i = 0; i < ENDPOINTS; i++) {
		if (b->endpoints[i])
			endpoint_pause(b->endpoints[i]);
	}
	ports_destroy(&b->ports);
	while ((login = LIST_FIRST(&b->logins)))
		login_close(login, "vmconsoled has stopped");
	for (i = 0; i < ENDPOINTS; i++)
		endpoint_destroy(&b->endpoints[i]);
	matcher_destroy(&b->context.matcher);
	directory_destroy(&b->context.directory);
	for (i = 0; i < b->context.hypervisor_count; i++)
		hypervisor_destroy(&b->context.hypervisors[i]);
	free(b->context.hypervisors);
	virt_loop_destroy(&b->virt);
	file_store_destroy(&b->context.files);
	panic_commands_destroy(&b->panic_commands);
	guard_finish(&b->guard);
	review_destroy(&b->review);
	loop_signal_del(&b->on_term);
	loop_signal_del(&b->on_int);
	loop_signal_del(&b->on_hup);
	loop_timer_del(&b->stop);
	loop_destroy(b->context.loop); /* frees what was still to be freed */
	connections_destroy(&b->context.connections);
	access_destroy(&b->context.access);
	record_rules_destroy(&b->record_rules);
	if (b->config != b->options.config)
		config_free(b->config);
	config_free(b->options.config);
	fd_close(&b->lock_fd);
}

int broker_main(const struct broker_options *options)
{
	struct broker b = {.options = *options,
		.config = options->config,
		.context = {.config = options->config,
			.logins = &b.logins,
			.asked = verbs_dispatch,
			.files_asked = file_session_begin,
			.ceiling = verb_ceiling,
			.reload = reload,
			.reload_arg = &b},
		.lock_fd = -1};
	int r;

	LIST_INIT(&b.logins);
	domain_xml_init();
	b.context.loop = loop_create();
	if (!b.context.loop) {
		log_error("out of memory");
		return 1;
	}
	r = begin(&b);
	if (r == 0)
		r = loop_run(b.context.loop);
	end(&b);
	if (r == 0)
		log_info("stopped");
	return r == 0 ? 0 : 1;
}
