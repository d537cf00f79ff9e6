/*
 * Task: the life of a console of type unix: find, check, connect or listen, end.
 * Owner: the console until close.
 *
 * QEMU serves one client of such a socket at a time. The next one can connect, and waits in the
 * queue without a sign; what it types meanwhile reaches the guest much later. So a console is open
 * when QEMU has accepted the connection, and held by another when that does not happen. Where the
 * kernel does not tell that, silence after something was typed is all there is, and is said.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "console/backend/backend_socket_private.h"
#include "console/backend/socket_peer.h"
#include "core/io.h"
#include "core/log.h"

#define ACCEPT_STEP_US LOOP_MSEC
#define ACCEPT_STEP_MAX_US (128 * LOOP_MSEC)
#define ACCEPT_US LOOP_SECOND /* QEMU has accepted by then, if it serves nobody else */
#define SILENCE_US (5 * LOOP_SECOND)
#define LISTEN_MODE 0660
#define LISTEN_QUEUE 4

static void on_io(void *arg, uint32_t revents);

/* --- ends --- */

static void release(struct socket_backend *p)
{
	struct stat st;

	socket_backend_flow_end(p);
	loop_timer_del(&p->timer);
	loop_io_del(&p->io);
	fd_close(&p->fd);
	if (p->listener >= 0 &&
		fstatat(p->folder, strrchr(p->device.path, '/') + 1, &st, AT_SYMLINK_NOFOLLOW) ==
			0 &&
		st.st_ino == p->inode)
		(void)unlinkat(p->folder, strrchr(p->device.path, '/') + 1, 0);
	fd_close(&p->listener);
	fd_close(&p->folder);
	config_list_finish(&p->dirs);
}

void socket_backend_end(struct socket_backend *p, const char *text)
{
	p->state = SOCKET_BACKEND_ENDED;
	release(p);
	p->events->ended(p->arg, BACKEND_EOF, text);
}

static void fail(struct socket_backend *p, enum backend_error error, const char *text)
{
	p->state = SOCKET_BACKEND_ENDED;
	release(p);
	p->events->opened(p->arg, error, text);
}

static void socket_backend_close(struct backend **b)
{
	struct socket_backend *p = (struct socket_backend *)*b;

	*b = NULL;
	p->state = SOCKET_BACKEND_CLOSED;
	release(p);
	loop_defer(p->loop, free, p);
}

/* --- open --- */

static void become_open(struct socket_backend *p)
{
	p->state = SOCKET_BACKEND_OPEN;
	loop_timer_stop(p->timer);
	socket_backend_flow_begin(p);
	p->events->opened(p->arg, BACKEND_OK, "");
}

void socket_backend_typed(struct socket_backend *p)
{
	if (!p->sure && !p->heard && !loop_timer_armed(p->timer))
		loop_timer_set(p->timer, SILENCE_US, LOOP_SECOND);
}

static void on_silence(struct socket_backend *p)
{
	char text[SOCKET_TEXT_MAX];

	if (p->heard || !p->events->notice)
		return;
	p->sure = true; /* said once */
	snprintf(text, sizeof(text),
		"no answer so far: the guest is silent, or another program holds %s, "
		"of which QEMU serves one client at a time",
		p->device.path);
	p->events->notice(p->arg, text);
}

/* Asked until it is so, or patience ends. */
static void wait_accepted(struct socket_backend *p)
{
	int accepted = socket_peer_accepted(p->fd);
	char text[SOCKET_TEXT_MAX];

	p->state = SOCKET_BACKEND_WAITING;
	if (accepted != 0) {
		p->sure = accepted > 0;
		become_open(p);
	} else if (p->waited_us >= ACCEPT_US) {
		snprintf(text, sizeof(text),
			"another program holds %s, of which QEMU serves one client at a time",
			p->device.path);
		fail(p, BACKEND_BUSY, text);
	} else {
		p->waited_us += p->step_us;
		loop_timer_set(p->timer, p->step_us, 0);
		if (p->step_us < ACCEPT_STEP_MAX_US)
			p->step_us *= 2;
	}
}

static int take_socket(struct socket_backend *p, int fd)
{
	int r = loop_io_add(p->loop, &p->io, fd, 0, on_io, p);

	if (r < 0)
		return r;
	p->fd = fd;
	return 0;
}

/* --- we connect --- */

static enum backend_error error_of(int r)
{
	switch (r) {
	case -EAGAIN: /* the queue of those who wait is full */
		return BACKEND_BUSY;
	case -EINVAL: /* its path will not do, whatever lies there */
		return BACKEND_UNSUPPORTED;
	default: /* what lies there may change, as VDSM gives a socket to its group later */
		return BACKEND_FAILED;
	}
}

static int connect_to(struct socket_backend *p, char text[SOCKET_TEXT_MAX])
{
	int at, fd, r;
	struct stat st;

	r = socket_path_open(p->device.path, &p->dirs, &at, &st, text);
	if (r < 0)
		return r;
	r = socket_path_connect(at, p->device.path, &fd, text);
	close(at);
	if (r < 0)
		return r;
	r = socket_peer_check(fd, &p->uuid, st.st_uid, text);
	if (r == 0)
		r = take_socket(p, fd);
	if (r < 0)
		close(fd);
	return r;
}

static void start_connecting(struct socket_backend *p)
{
	char text[SOCKET_TEXT_MAX] = "";
	int r = connect_to(p, text);

	if (r < 0)
		fail(p, error_of(r), *text ? text : strerror(-r));
	else
		wait_accepted(p);
}

/* --- QEMU connects --- */

/* Whether nobody listens on what lies there: the leavings of one who was killed. */
static bool is_stale(struct socket_backend *p, const char *name, char text[SOCKET_TEXT_MAX])
{
	struct stat st;
	int at, fd;

	if (socket_path_open(p->device.path, &p->dirs, &at, &st, text) < 0)
		return false;
	if (socket_path_connect(at, p->device.path, &fd, text) == -ECONNREFUSED) {
		close(at);
		return unlinkat(p->folder, name, 0) == 0;
	}
	fd_close(&fd);
	close(at);
	snprintf(text, SOCKET_TEXT_MAX, "another program listens on %s", p->device.path);
	return false;
}

static int bind_at(struct socket_backend *p, int fd, const char *name, char text[SOCKET_TEXT_MAX])
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int n = snprintf(
		address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", p->folder, name);

	if (n < 0 || (size_t)n >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return -errno;
	if (!is_stale(p, name, text))
		return -EADDRINUSE;
	return bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

static int listen_at(struct socket_backend *p, char text[SOCKET_TEXT_MAX])
{
	const char *name;
	struct stat st = {0};
	int r, fd;

	r = socket_path_folder(p->device.path, &p->dirs, &p->folder, &name, text);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	r = bind_at(p, fd, name, text);
	/* Nobody can connect before listen, so the mode comes in time. */
	if (r == 0 &&
		(fchmodat(p->folder, name, LISTEN_MODE, 0) < 0 || listen(fd, LISTEN_QUEUE) < 0 ||
			fstatat(p->folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0))
		r = -errno;
	if (r == 0)
		r = loop_io_add(p->loop, &p->io, fd, EPOLLIN, on_io, p);
	if (r < 0) {
		close(fd);
		return r;
	}
	p->listener = fd;
	p->inode = st.st_ino;
	return 0;
}

static void start_listening(struct socket_backend *p)
{
	char text[SOCKET_TEXT_MAX] = "", word[SOCKET_TEXT_MAX];
	int r = listen_at(p, text);

	if (r == 0) {
		p->state = SOCKET_BACKEND_LISTENING;
		return;
	}
	snprintf(word, sizeof(word), "cannot listen on %s: %s", p->device.path, strerror(-r));
	fail(p, error_of(r), *text ? text : word);
}

static void on_caller(struct socket_backend *p)
{
	int fd = accept4(p->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	char text[SOCKET_TEXT_MAX];

	if (fd < 0)
		return;
	if (socket_peer_check(fd, &p->uuid, (uid_t)-1, text) < 0) {
		log_warning("%s: connection refused: %s", p->device.path, text);
		close(fd);
		return;
	}
	loop_io_del(&p->io); /* nobody else is accepted while this one lasts */
	if (take_socket(p, fd) < 0) {
		close(fd);
		fail(p, BACKEND_FAILED, "out of memory");
		return;
	}
	p->sure = true;
	become_open(p);
}

/* --- events --- */

static void on_io(void *arg, uint32_t revents)
{
	struct socket_backend *p = arg;

	if (p->state == SOCKET_BACKEND_LISTENING)
		on_caller(p);
	else if (p->state == SOCKET_BACKEND_OPEN)
		socket_backend_flow_event(p, revents);
}

static void on_timer(void *arg)
{
	struct socket_backend *p = arg;

	switch (p->state) {
	case SOCKET_BACKEND_STARTING:
		if (p->device.bind)
			start_connecting(p);
		else
			start_listening(p);
		break;
	case SOCKET_BACKEND_WAITING:
		wait_accepted(p);
		break;
	case SOCKET_BACKEND_OPEN:
		on_silence(p);
		break;
	case SOCKET_BACKEND_LISTENING:
	case SOCKET_BACKEND_ENDED:
	case SOCKET_BACKEND_CLOSED:
		break;
	}
}

/* --- life --- */

static const struct backend_ops ops = {.send = socket_backend_send, .close = socket_backend_close};

int backend_socket_open(struct loop *loop, const struct device *device, const struct uuid *uuid,
	const struct config_list *dirs, const struct backend_events *events, void *arg,
	struct backend **b)
{
	struct socket_backend *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->base.ops = &ops;
	p->loop = loop;
	p->events = events;
	p->arg = arg;
	p->device = *device;
	p->uuid = *uuid;
	p->step_us = ACCEPT_STEP_US;
	p->fd = p->listener = p->folder = p->clock = -1;
	r = config_list_copy(dirs, &p->dirs);
	if (!r)
		r = loop_timer_add(loop, &p->timer, on_timer, p);
	if (r < 0) {
		config_list_finish(&p->dirs);
		free(p);
		return r;
	}
	loop_timer_set(p->timer, 0, 0);
	*b = &p->base;
	return 0;
}
