/*
 * Task: listen and accept. Owner: the broker, one listener per protocol.
 * Knows no limits per source and no protocol: a socket goes to the callback as it came.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "broker/listen/listen_address.h"
#include "broker/listen/listener.h"
#include "broker/listen/sources.h"
#include "broker/listen/unix_socket.h"
#include "core/io.h"
#include "core/log.h"
#include "core/file/error_text.h"

#define REST_US LOOP_SECOND
#define REST_SLACK_US (100 * LOOP_MSEC)

struct listen_socket {
	struct listener *listener;
	struct loop_io *io;
	int fd;
	struct sockaddr_storage bound;
	struct unix_socket_file file; /* of a unix socket that we made */
	char text[LISTENER_PEER_MAX];
};

struct listener {
	struct listener_options o; /* addresses and group: only while it is made */
	struct loop_timer *rest;   /* armed while descriptors are short */
	struct listen_socket sockets[LISTENER_SOCKETS_MAX];
	size_t count;
	int paused, closed;
	int short_told; /* the shortage has been logged and has not ended */
};

/* --- sockets of our own --- */

static void say(char why[LISTENER_WHY_MAX], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void say(char why[LISTENER_WHY_MAX], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, LISTENER_WHY_MAX, format, args);
	va_end(args);
}

static void on_readable(void *arg, uint32_t revents);

/* Takes fd over, also on error. */
static int add_socket(struct listener *l, int fd, const char *label, char why[LISTENER_WHY_MAX])
{
	struct listen_socket *s = &l->sockets[l->count];
	socklen_t len = sizeof(s->bound);
	char room[ERROR_TEXT_ROOM];
	int r;

	s->listener = l;
	s->fd = fd;
	r = getsockname(fd, (struct sockaddr *)&s->bound, &len) < 0 ? -errno : 0;
	listen_address_text(&s->bound, s->text);
	if (!r && l->o.is_local && !config_address_is_local(&s->bound)) {
		say(why, "%s: http has no TLS, and other hosts can reach %s", label, s->text);
		close(fd);
		return -EPERM;
	}
	if (!r && s->bound.ss_family != AF_UNIX)
		r = listen_set_inherited(fd);
	if (!r)
		r = loop_io_add(l->o.loop, &s->io, fd, EPOLLIN, on_readable, s);
	if (r < 0) {
		say(why, "%s: cannot be listened on: %s", label, error_text_shortage(-r, room));
		close(fd);
		return r;
	}
	l->count++;
	return 0;
}

static int listen_on_address(
	struct listener *l, const struct config_address *address, char why[LISTENER_WHY_MAX])
{
	struct unix_socket_file file = {0};
	int fd, r;

	if (address->sa.ss_family == AF_UNIX)
		fd = unix_socket_open(address, l->o.group ? l->o.group : "", &file, why);
	else
		fd = listen_address_open(l->o.addresses, address, why);
	r = fd < 0 ? fd : add_socket(l, fd, address->text, why);
	if (r < 0)
		unix_socket_remove(&file);
	else
		l->sockets[l->count - 1].file = file;
	return r;
}

static int listen_on_addresses(struct listener *l, char why[LISTENER_WHY_MAX])
{
	const struct config_addresses *addresses = l->o.addresses;
	int r = 0;

	if (addresses->count > LISTENER_SOCKETS_MAX) {
		say(why, "more than %d addresses to listen on", LISTENER_SOCKETS_MAX);
		return -E2BIG;
	}
	for (size_t i = 0; i < addresses->count && !r; i++)
		r = listen_on_address(l, &addresses->items[i], why);
	return r;
}

int listener_try(
	const struct config_addresses *addresses, const char *group, char why[LISTENER_WHY_MAX])
{
	int r = 0;

	for (size_t i = 0; i < addresses->count && r >= 0; i++) {
		if (addresses->items[i].sa.ss_family == AF_UNIX) {
			r = unix_socket_try(&addresses->items[i], group, why);
			continue;
		}
		r = listen_address_open(addresses, &addresses->items[i], why);
		if (r >= 0)
			close(r);
	}
	return r < 0 ? r : 0;
}

/* --- sockets from systemd --- */

/* sd_listen_fds_with_names() looks at what stands in the environment. */
static void say_not_passed(char why[LISTENER_WHY_MAX], int error)
{
	char room[ERROR_TEXT_ROOM];

	if (error == -EINVAL || error == -EBADF)
		say(why,
			"sockets from systemd: LISTEN_FDS and LISTEN_FDNAMES do not say what was "
			"passed: %s: start the service by its units, or without these variables",
			strerror(-error));
	else
		say(why, "sockets from systemd: %s", error_text_shortage(-error, room));
}

static int adopt(struct listener *l, int fd, char why[LISTENER_WHY_MAX])
{
	struct sockaddr_storage sa = {.ss_family = AF_UNSPEC};
	socklen_t len = sizeof(sa);
	char room[ERROR_TEXT_ROOM];
	int r;

	if (l->count == LISTENER_SOCKETS_MAX) {
		say(why,
			"systemd passed more than %d sockets: take lines ListenStream= out of the "
			"socket unit",
			LISTENER_SOCKETS_MAX);
		return -E2BIG;
	}
	if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0 ||
		getsockname(fd, (struct sockaddr *)&sa, &len) < 0 ||
		(sa.ss_family != AF_INET && sa.ss_family != AF_INET6 &&
			!(l->o.is_local && sa.ss_family == AF_UNIX))) {
		say(why,
			"descriptor %d from systemd is not a listening TCP socket: the socket unit "
			"needs ListenStream= with an address or a port, and Accept=no",
			fd);
		return -ENOTSOCK;
	}
	r = fd_nonblock(fd);
	if (r < 0) {
		say(why, "descriptor %d from systemd cannot be used: %s", fd,
			error_text_shortage(-r, room));
		return r;
	}
	return add_socket(l, fd, "socket from systemd", why);
}

static void free_names(char **names, int count)
{
	int i;

	for (i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

/* Takes those of this name. The environment stays: other listeners look for theirs. */
static int listen_on_passed(struct listener *l, char why[LISTENER_WHY_MAX])
{
	char **names = NULL;
	int count = sd_listen_fds_with_names(0, &names), i, r = 0;

	for (i = 0; i < count; i++) {
		if (!r && strcmp(names[i], l->o.name) == 0)
			r = adopt(l, SD_LISTEN_FDS_START + i, why);
	}
	if (count < 0) {
		say_not_passed(why, count);
		r = count;
	}
	free_names(names, count);
	return r;
}

static bool is_one_of(const char *name, const char *const *names)
{
	for (; *names; names++) {
		if (strcmp(name, *names) == 0)
			return true;
	}
	return false;
}

int listener_check_passed(const char *const *known, char why[LISTENER_WHY_MAX])
{
	char **names = NULL;
	int count = sd_listen_fds_with_names(0, &names), i, r = count < 0 ? count : 0;

	if (r < 0)
		say_not_passed(why, r);
	for (i = 0; i < count && !r; i++) {
		if (is_one_of(names[i], known))
			continue;
		say(why,
			"systemd passed a socket named \"%.64s\", and nothing listens under this "
			"name: "
			"set FileDescriptorName= to ssh, https or the name of a [listen] section "
			"that "
			"is configured",
			names[i]);
		r = -ENOENT;
	}
	free_names(names, count);
	return r;
}

/* --- accepting --- */

static uint32_t wanted_events(const struct listener *l)
{
	return l->paused || loop_timer_armed(l->rest) ? 0 : EPOLLIN;
}

static void update(struct listener *l)
{
	size_t i;

	for (i = 0; i < l->count; i++)
		loop_io_set(l->sockets[i].io, wanted_events(l));
}

static void on_rested(void *arg)
{
	update(arg);
}

/* The connection stays in the backlog and keeps the socket readable: look away for a while. */
static void rest(struct listener *l, int error)
{
	char room[ERROR_TEXT_ROOM];

	if (!l->short_told)
		log_warning("cannot accept connections, trying once a second: %s",
			error_text_shortage(error, room));
	l->short_told = 1;
	loop_timer_set(l->rest, REST_US, REST_SLACK_US);
	update(l);
}

/* accept(2) returns errors of the new connection too; only these are ours. */
static bool is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* 1: go on with the round. */
static int accept_one(struct listener *l, int listening)
{
	struct sockaddr_storage peer;
	char text[LISTENER_PEER_MAX];
	socklen_t len = sizeof(peer);
	int fd;

	memset(&peer, 0, sizeof(peer));
	fd = accept4(listening, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0 && is_shortage(errno)) {
		rest(l, errno);
		return 0;
	}
	if (fd < 0)
		return errno != EAGAIN;
	l->short_told = 0;
	sources_normalise(&peer);
	listen_address_text(&peer, text);
	l->o.accepted(l->o.arg, fd, &peer, text);
	return 1;
}

static void on_readable(void *arg, uint32_t revents)
{
	struct listen_socket *s = arg;
	struct listener *l = s->listener;
	int left = LISTENER_ROUND_MAX;

	while (!l->closed && wanted_events(l) && left-- > 0 && accept_one(l, s->fd))
		;
}

/* --- life --- */

static void free_listener(void *arg)
{
	free(arg);
}

int listener_create(
	const struct listener_options *options, struct listener **out, char why[LISTENER_WHY_MAX])
{
	struct listener *l = calloc(1, sizeof(*l));
	char room[ERROR_TEXT_ROOM];
	int r;

	if (!l) {
		say(why, "out of memory");
		return -ENOMEM;
	}
	l->o = *options;
	r = loop_timer_add(l->o.loop, &l->rest, on_rested, l);
	if (r < 0)
		say(why, "cannot listen: a timer: %s", error_text_shortage(-r, room));
	if (!r)
		r = listen_on_passed(l, why);
	if (r == 0 && l->count == 0)
		r = listen_on_addresses(l, why);
	if (r < 0) {
		listener_destroy(&l);
		return r;
	}
	l->o.addresses = NULL;
	l->o.name = l->o.group = NULL;
	*out = l;
	return 0;
}

void listener_destroy(struct listener **pointer)
{
	struct listener *l = *pointer;
	size_t i;

	*pointer = NULL;
	if (!l)
		return;
	l->closed = 1;
	for (i = 0; i < l->count; i++) {
		loop_io_del(&l->sockets[i].io);
		fd_close(&l->sockets[i].fd);
		unix_socket_remove(&l->sockets[i].file);
	}
	loop_timer_del(&l->rest);
	loop_defer(l->o.loop, free_listener, l); /* we may be in its callback */
}

void listener_pause(struct listener *l)
{
	l->paused = 1;
	update(l);
}

void listener_resume(struct listener *l)
{
	l->paused = 0;
	update(l);
}

size_t listener_count(const struct listener *l)
{
	return l->count;
}

const char *listener_text(const struct listener *l, size_t i)
{
	return l->sockets[i].text;
}

uint16_t listener_port(const struct listener *l, size_t i)
{
	return i < l->count ? listen_address_port(&l->sockets[i].bound) : 0;
}
