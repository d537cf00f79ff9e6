/*
 * Task: viewers through ssh, all in one process. Owner: bench/run.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libssh/callbacks.h>

#include "fan.h"
#include "login.h"
#include "probe.h"

struct viewer {
	ssh_session session;
	ssh_channel channel;
	struct ssh_channel_callbacks_struct callbacks;
};

struct viewers {
	struct fan fan; /* the first: found again by its address */
	struct login login;
	struct viewer all[FAN_MAX];
	ssh_event event;
	bool came;
};

static struct viewers viewers;

static int on_data(ssh_session session, ssh_channel channel, void *data, uint32_t len,
	int is_stderr, void *arg)
{
	(void)session;
	(void)channel;
	if (!is_stderr)
		fan_take(arg, data, len);
	viewers.came = true;
	return (int)len;
}

static int type_first(struct fan *fan, const char *text)
{
	(void)fan;
	return ssh_channel_write(viewers.all[0].channel, text, (uint32_t)strlen(text)) < 0 ? -1 : 0;
}

static int wait_any(struct fan *fan, int timeout_ms)
{
	uint64_t until = now_ns() + (uint64_t)timeout_ms * 1000000;

	(void)fan;
	viewers.came = false;
	while (!viewers.came && now_ns() < until) {
		if (ssh_event_dopoll(viewers.event, 50) == SSH_ERROR)
			return -1;
	}
	return viewers.came;
}

static int join(struct viewer *v, struct fan_viewer *seen, const char *command)
{
	v->session = login_connect(&viewers.login);
	v->channel = v->session ? ssh_channel_new(v->session) : NULL;
	if (!v->channel || ssh_channel_open_session(v->channel) != SSH_OK)
		return -1;
	v->callbacks.userdata = seen;
	v->callbacks.channel_data_function = on_data;
	ssh_callbacks_init(&v->callbacks);
	if (ssh_set_channel_callbacks(v->channel, &v->callbacks) != SSH_OK ||
		ssh_channel_request_exec(v->channel, command) != SSH_OK)
		return -1;
	ssh_set_blocking(v->session, 0);
	return ssh_event_add_session(viewers.event, v->session) == SSH_OK ? 0 : -1;
}

static int join_all(void)
{
	size_t i;

	for (i = 0; i < viewers.fan.count; i++) {
		if (join(&viewers.all[i], &viewers.fan.viewers[i],
			    i ? "attach --no-input --from -0" : "attach --from -0") < 0) {
			(void)fprintf(stderr, "viewer %zu does not get in\n", i);
			return -1;
		}
	}
	return 0;
}

static void leave_all(void)
{
	size_t i;

	for (i = 0; i < viewers.fan.count && viewers.all[i].session; i++) {
		(void)ssh_event_remove_session(viewers.event, viewers.all[i].session);
		ssh_disconnect(viewers.all[i].session);
		ssh_free(viewers.all[i].session);
	}
}

int probe_viewers(int argc, char **argv)
{
	size_t count;
	int r;

	if (argc != 6)
		return 64;
	count = strtoul(argv[4], NULL, 10);
	if (count < 1 || count > FAN_MAX || login_init(&viewers.login, argv + 1) < 0)
		return 64;
	viewers.fan.type = type_first;
	viewers.fan.wait = wait_any;
	viewers.event = ssh_event_new();
	if (!viewers.event || fan_init(&viewers.fan, count) < 0)
		return 1;
	r = join_all();
	if (r == 0)
		r = fan_run(&viewers.fan, strtoull(argv[5], NULL, 10));
	leave_all();
	ssh_event_free(viewers.event);
	login_finish(&viewers.login);
	fan_finish(&viewers.fan);
	return r < 0;
}
