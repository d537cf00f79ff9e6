/* Task: see client.h. Owner: the connection. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "http/client.h"

#define PIECE 16384

int client_init(struct client *c, int fd, struct tls *tls)
{
	*c = (struct client){.fd = fd};
	return tls ? tls_accept(tls, fd, &c->tls) : 0;
}

void client_finish(struct client *c)
{
	tls_free(c->tls);
	c->tls = NULL;
}

/* --- plain --- */

static enum tls_result failed(struct client *c, uint32_t event)
{
	if (errno != EAGAIN)
		return TLS_FAILED;
	c->events |= event;
	return TLS_WAIT;
}

static enum tls_result read_plain(struct client *c, struct buf *in)
{
	uint8_t piece[PIECE];

	c->events &= ~(uint32_t)EPOLLIN;
	while (buf_room(in) > 0) {
		size_t want = buf_room(in) < sizeof(piece) ? buf_room(in) : sizeof(piece);
		ssize_t n = recv(c->fd, piece, want, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return failed(c, EPOLLIN);
		if (n == 0)
			return TLS_CLOSED;
		if (buf_add(in, piece, (size_t)n) < 0)
			return TLS_FAILED;
	}
	return TLS_DONE;
}

static enum tls_result write_plain(struct client *c, struct buf *out)
{
	c->events &= ~(uint32_t)EPOLLOUT;
	while (buf_len(out) > 0) {
		ssize_t n = send(c->fd, buf_data(out), buf_len(out), MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return failed(c, EPOLLOUT);
		buf_drop(out, (size_t)n);
	}
	return TLS_DONE;
}

/* --- either --- */

enum tls_result client_read(struct client *c, struct buf *in)
{
	return c->tls ? tls_read(c->tls, in) : read_plain(c, in);
}

enum tls_result client_write(struct client *c, struct buf *out)
{
	return c->tls ? tls_write(c->tls, out) : write_plain(c, out);
}

uint32_t client_events(const struct client *c)
{
	return c->tls ? tls_events(c->tls) : c->events;
}

void client_end(struct client *c)
{
	if (c->tls)
		(void)tls_end(c->tls);
}

uint8_t *client_certificate(const struct client *c, size_t *len)
{
	return c->tls ? tls_peer_certificate(c->tls, len) : NULL;
}
