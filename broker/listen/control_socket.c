/* Task: accept local connections and ask the kernel who they are. Owner: the broker. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "broker/listen/control_socket.h"
#include "core/io.h"
#include "core/log.h"
#include "core/file/error_text.h"

#define REST_US LOOP_SECOND /* after running out of descriptors */

struct control {
	int fd;
	struct loop_io *io;
	struct loop_timer *rest;
	struct sockaddr_un address;
	int short_told; /* since the last one that came in */
	control_fn accepted;
	void *arg;
};

/* A socket file that nobody listens on is left from a killed daemon. */
static int remove_stale(const struct sockaddr_un *address)
{
	int fd FD_AUTO = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
		return -EADDRINUSE;
	if (errno == ECONNREFUSED && unlink(address->sun_path) < 0)
		return -errno;
	return 0;
}

static int make_socket(struct control *c)
{
	int r = remove_stale(&c->address);

	if (r < 0)
		return r;
	c->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return -errno;
	if (bind(c->fd, (struct sockaddr *)&c->address, sizeof(c->address)) < 0 ||
		chmod(c->address.sun_path, 0666) < 0 || listen(c->fd, 64) < 0)
		return -errno;
	return 0;
}

static void on_rest(void *arg)
{
	struct control *c = arg;

	loop_io_set(c->io, EPOLLIN);
}

/* The connection stays in the backlog and keeps the socket readable: look away for a while. */
static void rest(struct control *c, int error)
{
	char room[ERROR_TEXT_ROOM];

	if (!c->short_told)
		log_error("control socket %s: cannot accept connections, trying once a second: %s",
			c->address.sun_path, error_text_shortage(error, room));
	c->short_told = 1;
	loop_io_set(c->io, 0);
	loop_timer_set(c->rest, REST_US, 0);
}

static void on_io(void *arg, uint32_t revents)
{
	struct control *c = arg;
	int i;

	for (i = 0; i < CONTROL_ROUND_MAX; i++) {
		int fd = accept4(c->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		struct ucred peer;
		socklen_t len = sizeof(peer);

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
				errno == ENOMEM)
				rest(c, errno);
			return;
		}
		c->short_told = 0;
		if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
			close(fd);
		else
			c->accepted(c->arg, fd, &peer);
	}
}

int control_create(struct loop *loop, const char *run_dir, control_fn accepted, void *arg,
	struct control **out)
{
	struct control *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->fd = -1;
	c->accepted = accepted;
	c->arg = arg;
	c->address.sun_family = AF_UNIX;
	r = snprintf(c->address.sun_path, sizeof(c->address.sun_path), "%s/control", run_dir) <
			    (int)sizeof(c->address.sun_path)
		    ? make_socket(c)
		    : -ENAMETOOLONG;
	if (r == 0)
		r = loop_timer_add(loop, &c->rest, on_rest, c);
	if (r == 0)
		r = loop_io_add(loop, &c->io, c->fd, EPOLLIN, on_io, c);
	if (r < 0) {
		loop_timer_del(&c->rest);
		fd_close(&c->fd);
		free(c);
		return r;
	}
	*out = c;
	return 0;
}

void control_destroy(struct control **out)
{
	struct control *c = *out;

	if (!c)
		return;
	*out = NULL;
	loop_io_del(&c->io);
	loop_timer_del(&c->rest);
	fd_close(&c->fd);
	unlink(c->address.sun_path);
	free(c);
}
