/* Task: the doors, what listens for them, and the workers. Owner: the broker. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "broker/access/access.h"
#include "broker/broker_private.h"
#include "broker/dmesg/kernel_log.h"
#include "broker/door/host_keys.h"
#include "broker/door/https_keys.h"
#include "broker/matcher/matcher.h"
#include "broker/screen/screen_model.h"
#include "broker/upstream/upstream_tls.h"
#include "broker/worker/worker.h"
#include "config/https_auth.h"
#include "config/protocols.h"
#include "config/upstream.h"
#include "core/io.h"
#include "core/log.h"

static void on_door_stopped(void *arg)
{
	struct broker *b = arg;

	if (--b->doors == 0)
		loop_exit(b->context.loop, 0);
}

void broker_stop_doors(struct broker *b)
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

_Static_assert(WIRE_BY_CERTIFICATE == (int)HTTPS_AUTH_CERTIFICATE &&
		       WIRE_BY_TICKET == (int)HTTPS_AUTH_TICKET &&
		       WIRE_BY_NOTHING == (int)HTTPS_AUTH_NONE,
	"the door is told as the configuration has it");

static void give_https_auth(const struct config_https *https, struct wire_settings *s)
{
	s->console_auth = (uint8_t)https_auth_of(&https->console_auth);
	s->dump_auth = (uint8_t)https_auth_of(&https->dump_auth);
	s->rpc_auth = (uint8_t)https_auth_of(&https->rpc_auth);
}

void broker_give_settings(struct broker *b)
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

	give_https_auth(&b->config->https, &s);
	if (*b->config->https.upstream)
		s.upstream_ms = (uint32_t)(b->config->https.upstream_timeout / LOOP_MSEC);
	s.idle_timeout_ms = idle < UINT32_MAX ? (uint32_t)idle : UINT32_MAX;
	for (size_t i = 0; i < ENDPOINTS; i++) {
		if (!b->endpoints[i])
			continue;
		supervisor_limits(endpoint_door(b->endpoints[i]), &limits);
		supervisor_settings(endpoint_door(b->endpoints[i]), &s, ssh->banner);
	}
	worker_settings(b->context.matcher, (unsigned)b->config->console.max_waits,
		(unsigned)b->config->console.max_waits_per_user, b->config->daemon.log_level);
	worker_settings(b->context.dmesg, KERNEL_LOG_JOBS_MAX, KERNEL_LOG_OWNER_MAX,
		b->config->daemon.log_level);
	/* A connection asks one thing after the other. */
	worker_settings(b->context.upstream, (unsigned)ssh->max_connections,
		(unsigned)ssh->max_connections, b->config->daemon.log_level);
	worker_settings(b->context.screens, SCREEN_MODEL_JOBS_MAX, SCREEN_MODEL_OWNER_MAX,
		b->config->daemon.log_level);
}

static int keys_for_ssh(void *arg, int *fd, char why[SUPERVISOR_WHY_MAX])
{
	struct broker *b = arg;

	return host_keys_memfd(b->config->ssh.host_keys, fd, why);
}

static int keys_for_https(void *arg, int *fd, char why[SUPERVISOR_WHY_MAX])
{
	struct broker *b = arg;
	const struct https_key_paths none = {.key = "", .certificate = ""};
	const struct https_key_paths server = {
		.key = b->config->https.key, .certificate = b->config->https.certificate};

	return https_keys_memfd(config_has_https(b->config) ? &server : &none, fd, why);
}

static int keys_for_upstream(void *arg, int *fd, char why[SUPERVISOR_WHY_MAX])
{
	struct broker *b = arg;

	return https_keys_memfd(&(struct https_key_paths){.key = b->config->https.upstream_key,
					.certificate = b->config->https.upstream_certificate,
					.ca = b->config->https.upstream_ca},
		fd, why);
}

static void renew_upstream_keys(struct broker *b)
{
	char why[SUPERVISOR_WHY_MAX];

	if (!config_upstream_has_tls(b->config)) {
		worker_dismiss(b->context.upstream);
		return;
	}
	if (worker_keys(b->context.upstream, why) < 0)
		log_error("%s; the upstream is asked with the key and certificates before", why);
	else
		log_info("key and certificates for the upstream have been read again");
}

void broker_renew_keys(struct broker *b)
{
	char why[SUPERVISOR_WHY_MAX];

	if (!b->endpoints[ENDPOINT_HTTPS])
		return;
	renew_upstream_keys(b);
	if (supervisor_keys(endpoint_door(b->endpoints[ENDPOINT_HTTPS]), why) < 0)
		log_error("%s; https goes on with the key and certificate it has", why);
	else
		log_info("key and certificate of [https] have been read again");
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
int broker_check_keys(struct broker *b)
{
	const char *dir = b->config->ssh.host_keys;
	char why[HOST_KEYS_WHY_MAX];
	int fd = -1, r = host_keys_ensure(dir, why);

	if (!r)
		r = host_keys_memfd(dir, &fd, why);
	fd_close(&fd);
	if (!r && config_has_https(b->config))
		r = keys_for_https(b, &fd, why);
	fd_close(&fd);
	if (!r && config_has_web(b->config) && config_upstream_has_tls(b->config))
		r = keys_for_upstream(b, &fd, why);
	if (r < 0)
		log_error("%s", why);
	fd_close(&fd);
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

/* Nothing is started for them before somebody wants something. */
static int make_workers(struct broker *b, const struct door_user *user)
{
	const struct {
		struct worker **worker;
		struct worker_options options;
	} rows[] = {
		{&b->context.matcher, {.name = "match worker",
					      .kind = "match",
					      .does = "looks for it",
					      .restarts_max = MATCHER_RESTARTS_MAX}},
		{&b->context.dmesg, {.name = "dmesg worker",
					    .kind = "dmesg",
					    .does = "reads it",
					    .restarts_max = KERNEL_LOG_RESTARTS_MAX,
					    .files = KERNEL_LOG_FILES}},
		{&b->context.upstream, {.name = "upstream worker",
					       .kind = "upstream",
					       .does = "speaks TLS with the upstream",
					       .restarts_max = UPSTREAM_TLS_RESTARTS_MAX,
					       .files = UPSTREAM_TLS_FILES,
					       .keys = keys_for_upstream,
					       .keys_arg = b}},
		{&b->context.screens, {.name = "screen worker",
					      .kind = "screen",
					      .does = "draws it",
					      .restarts_max = SCREEN_MODEL_RESTARTS_MAX}},
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct worker_options options = rows[i].options;

		options.loop = b->context.loop;
		options.build_id = b->options.build_id;
		options.user = *user;
		r = worker_create(&options, rows[i].worker);
	}
	return r;
}

static int make_endpoint(struct broker *b, size_t which, const char *kind,
	int (*keys)(void *arg, int *fd, char why[SUPERVISOR_WHY_MAX]),
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
	const bool has_web = b->endpoints[ENDPOINT_HTTPS];
	const struct ports_options options = {.loop = b->context.loop,
		.config = b->config,
		.all = b->context.connections,
		.ssh = &b->doors_of[ENDPOINT_SSH],
		.https = has_web ? &b->doors_of[ENDPOINT_HTTPS] : NULL,
		.http = has_web ? &b->plain : NULL};

	b->plain = b->doors_of[ENDPOINT_HTTPS];
	b->plain.kind = LOGIN_HTTP;
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

int broker_start_doors(struct broker *b, loop_fn connection_closed)
{
	const struct config *config = b->config;
	struct door_user user = {0};
	int r = check_passed_sockets(config);

	if (!r)
		r = find_door_user(b, &user);
	if (!r)
		r = make_workers(b, &user);
	if (!r)
		r = connections_create(&b->context, connection_closed, b, &b->context.connections);
	if (!r)
		r = make_endpoint(b, ENDPOINT_SSH, "ssh", keys_for_ssh, &config->ssh.listen, &user);
	if (!r && config_has_web(config))
		r = make_endpoint(
			b, ENDPOINT_HTTPS, "https", keys_for_https, &config->https.listen, &user);
	if (!r)
		r = make_ports(b);
	if (!r)
		broker_give_settings(b);
	return r;
}
