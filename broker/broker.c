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

#include "broker/access/access.h"
#include "broker/access/record_rules.h"
#include "broker/broker_private.h"
#include "broker/command/panic_command.h"
#include "broker/dump/making.h"
#include "broker/files/file_store.h"
#include "broker/folders.h"
#include "broker/keep/keeping.h"
#include "broker/listen/control_socket.h"
#include "broker/login/guest_events.h"
#include "broker/login/login.h"
#include "broker/login/review.h"
#include "broker/worker/worker.h"
#include "broker/serve/file_session.h"
#include "broker/sidecar/sidecars.h"
#include "broker/verbs/verbs.h"
#include "console/domain/domain_xml.h"
#include "console/guest/directory.h"
#include "console/hypervisor/hypervisor.h"
#include "console/libvirt/virt_loop.h"
#include "core/io.h"
#include "core/log.h"
#include "core/file/error_text.h"

/* --- the end --- */

static void on_stop_limit(void *arg)
{
	broker_stop_doors(arg);
}

/* A connection has gone. */
static void on_connection_closed(void *arg)
{
	struct broker *b = arg;

	if (b->state == BROKER_STOPPING && LIST_EMPTY(&b->logins))
		broker_stop_doors(b);
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

/* --- the beginning --- */

static int make_folders(struct broker *b)
{
	struct config_errors errors = {0};
	char path[4096], room[ERROR_TEXT_ROOM];
	int r = folders_make(b->config, &errors);

	broker_log_errors(&errors);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s/lock", b->config->daemon.state_dir);
	b->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (b->lock_fd < 0 || flock(b->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		log_error("%s: %s", path,
			errno == EWOULDBLOCK
				? "another vmconsoled uses this state_dir: stop it, or "
				  "set another one"
				: error_text(path, errno, R_OK | W_OK, room));
		return -EBUSY;
	}
	return broker_check_keys(b);
}

static int make_dumps(struct broker *b)
{
	const struct keeping_services services = {
		b->context.loop, b->context.files, b->context.directory, b->context.audit};
	const struct sidecars_services of_sidecars = {
		b->context.loop, b->context.files, b->context.directory};
	int r = keeping_create(&services, b->config, &b->context.keeping);

	if (!r)
		r = sidecars_create(&of_sidecars, b->config, &b->context.sidecars);
	return r ? r
		 : makings_create(b->context.loop, b->context.deeds, b->context.keeping,
			   b->config->dump.store, &b->context.makings);
}

static int make_guests(struct broker *b)
{
	struct console_options options;
	size_t i;
	int r;

	broker_console_options(b, b->config, &options);
	r = panic_commands_create(b->context.loop, &b->panic_commands);
	if (!r)
		r = directory_create(b->context.loop, b->config->daemon.state_dir, &options,
			&b->context.directory);
	if (!r)
		r = file_store_create(
			b->context.loop, b->config->daemon.state_dir, &b->context.files);
	if (!r)
		r = make_dumps(b);
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

static int make_control(struct broker *b)
{
	char path[4096], room[ERROR_TEXT_ROOM];
	int r = control_create(b->context.loop, b->config->daemon.run_dir, connections_accept_local,
		b->context.connections, &b->control);

	snprintf(path, sizeof(path), "%s/control", b->config->daemon.run_dir);
	if (r < 0)
		log_error("control socket %s: %s", path,
			r == -EADDRINUSE ? "another vmconsoled listens there: stop it, or set "
					   "another run_dir"
					 : error_text(path, -r, R_OK | W_OK, room));
	return r;
}

static int watch_signals(struct broker *b)
{
	int r = loop_signal_add(b->context.loop, &b->on_term, SIGTERM, on_stop, b);

	if (!r)
		r = loop_signal_add(b->context.loop, &b->on_int, SIGINT, on_stop, b);
	if (!r)
		r = loop_signal_add(b->context.loop, &b->on_hup, SIGHUP, broker_on_reload, b);
	if (!r)
		r = loop_timer_add(b->context.loop, &b->stop, on_stop_limit, b);
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

/* The files of the https server's key and certificate. */
static void on_server_changed(void *arg)
{
	broker_renew_keys(arg);
}

static void name_services(const struct auth_services *g, struct broker_context *context)
{
	context->audit = g->audit;
	context->deeds = g->deeds;
	context->refusals = g->refusals;
	context->external = g->external;
	context->throttle = g->throttle;
	context->tickets = g->tickets;
	context->deposits = g->deposits;
	context->readers = g->readers;
}

static int make_services(struct broker *b)
{
	int r = review_create(&b->context, &b->review);
	const struct auth_services_owner owner = {
		{reports_told, on_credentials, on_server_changed, b}, review_soon, b->review};

	if (!r)
		r = auth_services_init(&b->services, b->context.loop, b->config, &owner);
	name_services(&b->services, &b->context);
	return r;
}

static int begin(struct broker *b)
{
	size_t i;
	int r = watch_signals(b);

	if (!r)
		r = broker_load(b);
	if (!r)
		r = make_folders(b);
	if (!r)
		r = make_services(b);
	if (!r)
		r = make_guests(b);
	if (!r)
		r = broker_start_doors(b, on_connection_closed);
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
	worker_destroy(&b->context.matcher);
	worker_destroy(&b->context.dmesg);
	worker_destroy(&b->context.upstream);
	worker_destroy(&b->context.screens);
	makings_destroy(&b->context.makings);
	keeping_destroy(&b->context.keeping);
	sidecars_destroy(&b->context.sidecars);
	directory_destroy(&b->context.directory);
	for (i = 0; i < b->context.hypervisor_count; i++)
		hypervisor_destroy(&b->context.hypervisors[i]);
	free(b->context.hypervisors);
	virt_loop_destroy(&b->virt);
	file_store_destroy(&b->context.files);
	panic_commands_destroy(&b->panic_commands);
	auth_services_finish(&b->services);
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
			.config_path = options->config_path,
			.logins = &b.logins,
			.checks = &b.checks,
			.counts = &b.counts,
			.asked = verbs_dispatch,
			.files_asked = file_session_begin,
			.ceiling = verb_ceiling,
			.reload = broker_reload,
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
