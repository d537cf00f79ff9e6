/* Task: see sniffer.h. Owner: ports. Reads nothing; looks at one byte. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "broker/connections/connections.h"
#include "broker/door/supervisor.h"
#include "broker/listen/listener.h"
#include "broker/connections/sniffer.h"
#include "core/log.h"

enum client_state {
	CLIENT_SILENT,
	CLIENT_WAITS, /* for its door, which starts again */
};

struct client {
	LIST_ENTRY(client) entry;
	struct sniffer *owner;
	enum client_state state;
	struct connection *connection;
	const struct connections_port *port; /* CLIENT_WAITS */
	int fd;
	struct loop_io *io;
	struct loop_timer *timer;
	uint64_t until; /* CLIENT_WAITS */
	char peer_text[LISTENER_PEER_MAX];
};

struct sniffer {
	struct sniffer_options o;
	LIST_HEAD(, client) clients;
};

enum sniffed sniffer_judge(unsigned char first)
{
	/* GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, CONNECT, TRACE; SSH begins with another. */
	return first == 0x16 || (first && strchr("GHPDOCT", first)) ? SNIFFED_HTTPS : SNIFFED_SSH;
}

/* Before the descriptor is closed, or given to somebody else. */
static void let_go(struct client *c)
{
	LIST_REMOVE(c, entry);
	loop_io_del(&c->io);
	loop_timer_del(&c->timer);
	loop_defer(c->owner->o.loop, free, c);
}

static void drop(struct client *c)
{
	let_go(c);
	connections_give_up(c->connection);
	close(c->fd);
}

static const struct connections_port *port_for(const struct sniffer *s, enum sniffed what)
{
	if (!s->o.web || (what == SNIFFED_SSH && s->o.ssh))
		return s->o.ssh;
	return s->o.web;
}

static void enter(struct client *c)
{
	let_go(c);
	connections_enter(c->connection, c->port, c->fd, c->peer_text);
}

static void go_to(struct client *c, const struct connections_port *port)
{
	c->port = port;
	if (supervisor_serves(port->door)) {
		enter(c);
		return;
	}
	c->state = CLIENT_WAITS;
	c->until = loop_now(c->owner->o.loop) + DOOR_PATIENCE_US;
	loop_io_set(c->io, 0);
	loop_timer_set(c->timer, SNIFFER_RETRY_US, 0);
}

static void on_readable(void *arg, uint32_t revents)
{
	struct client *c = arg;
	unsigned char first;
	ssize_t n = recv(c->fd, &first, 1, MSG_PEEK | MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == 1)
		go_to(c, port_for(c->owner, sniffer_judge(first)));
	else
		drop(c);
}

static void on_timer(void *arg)
{
	struct client *c = arg;

	switch (c->state) {
	case CLIENT_SILENT:
		go_to(c, port_for(c->owner, SNIFFED_SSH));
		break;
	case CLIENT_WAITS:
		if (supervisor_serves(c->port->door) || loop_now(c->owner->o.loop) >= c->until)
			enter(c); /* which says so if there is still no door */
		else
			loop_timer_set(c->timer, SNIFFER_RETRY_US, 0);
		break;
	}
}

static int begin(struct client *c)
{
	struct sniffer *s = c->owner;
	int r = loop_io_add(s->o.loop, &c->io, c->fd, EPOLLIN, on_readable, c);

	if (!r)
		r = loop_timer_add(s->o.loop, &c->timer, on_timer, c);
	return r;
}

void sniffer_accept(void *arg, int fd, const struct sockaddr_storage *peer, const char *peer_text)
{
	struct sniffer *s = arg;
	const char *words;
	struct connection *connection = connections_admit(s->o.all, fd, peer, peer_text, &words);
	struct client *c = connection ? calloc(1, sizeof(*c)) : NULL;

	if (!c) {
		if (connection)
			connections_give_up(connection);
		close(fd);
		return;
	}
	c->owner = s;
	c->connection = connection;
	c->fd = fd;
	snprintf(c->peer_text, sizeof(c->peer_text), "%s", peer_text);
	LIST_INSERT_HEAD(&s->clients, c, entry);
	if (begin(c) < 0)
		drop(c);
	else if (!s->o.ssh || !s->o.web)
		go_to(c, port_for(s, SNIFFED_SSH));
	else
		loop_timer_set(c->timer, s->o.timeout_us, 10 * LOOP_MSEC);
}

int sniffer_create(const struct sniffer_options *options, struct sniffer **out)
{
	struct sniffer *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->o = *options;
	LIST_INIT(&s->clients);
	*out = s;
	return 0;
}

void sniffer_destroy(struct sniffer **pointer)
{
	struct sniffer *s = *pointer;
	struct client *c;

	*pointer = NULL;
	if (!s)
		return;
	while ((c = LIST_FIRST(&s->clients)))
		drop(c);
	loop_defer(s->o.loop, free, s);
}
