/* Task: see relay.h. Owner: a job of the upstream worker. Knows no HTTP. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/io.h"
#include "worker/relay.h"

#define ROUNDS 8         /* of filling and emptying in one turn */
#define PIECE (16 << 10) /* read from inside at once: a record of TLS */

/* One way. */
enum way {
	WAY_OPEN,
	WAY_ENDS, /* its source has ended: what is held goes out, then the end */
	WAY_OVER,
};

enum relay_state { RELAY_SHAKES, RELAY_RUNS, RELAY_ENDED };

struct relay {
	struct relay_options o;
	enum relay_state state;
	struct tls_connection *tls;
	struct loop_io *outside_io, *inside_io;
	struct loop_timer *again; /* more is there than one turn is for */
	enum way up, down;        /* to the outside, from there */
	struct buf rising, falling;
	const char *why; /* the outside did not end in order */
};

/* Nobody looks any more at what is left on either side. */
static void end(struct relay *r, const char *why)
{
	r->state = RELAY_ENDED;
	loop_io_set(r->outside_io, 0);
	loop_io_set(r->inside_io, 0);
	r->o.ended(r->o.arg, why, why && tls_is_closed_bare(r->tls));
}

/* --- from inside to the outside --- */

/* A stream that was shut down, or closed with bytes of ours unread, has ended. */
static void read_inside(struct relay *r)
{
	uint8_t piece[PIECE];

	while (r->up == WAY_OPEN && buf_room(&r->rising) > 0) {
		size_t room = buf_room(&r->rising);
		ssize_t n = read(r->o.inside, piece, room < PIECE ? room : PIECE);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || buf_add(&r->rising, piece, (size_t)n) < 0)
			r->up = WAY_ENDS;
	}
}

/* An outside that takes nothing more may still have something to say. */
static void stop_rising(struct relay *r)
{
	r->up = WAY_OVER;
	buf_finish(&r->rising);
}

static void write_outside(struct relay *r)
{
	if (r->up == WAY_OVER)
		return;
	switch (tls_write(r->tls, &r->rising)) {
	case TLS_DONE:
		if (r->up == WAY_ENDS && tls_end(r->tls) != TLS_WAIT)
			stop_rising(r);
		break;
	case TLS_WAIT:
		break;
	case TLS_CLOSED:
	case TLS_FAILED:
		stop_rising(r);
		break;
	}
}

/* --- from the outside to inside --- */

/* True: there may be more than there was room for. */
static bool read_outside(struct relay *r)
{
	if (r->down != WAY_OPEN)
		return false;
	switch (tls_read(r->tls, &r->falling)) {
	case TLS_DONE:
		return true;
	case TLS_WAIT:
		return false;
	case TLS_FAILED:
		r->why = tls_why(r->tls);
		break;
	case TLS_CLOSED:
		break;
	}
	r->down = WAY_ENDS;
	return false;
}

/* An inside that takes nothing more does not want the rest. */
static void write_inside(struct relay *r)
{
	while (buf_len(&r->falling) > 0) {
		ssize_t n = send(
			r->o.inside, buf_data(&r->falling), buf_len(&r->falling), MSG_NOSIGNAL);

		if (n > 0)
			buf_drop(&r->falling, (size_t)n);
		else if (n < 0 && errno == EAGAIN)
			return;
		else if (n < 0 && errno != EINTR)
			buf_drop(&r->falling, buf_len(&r->falling));
	}
	if (r->down == WAY_ENDS) {
		r->down = WAY_OVER;
		shutdown(r->o.inside, SHUT_WR);
	}
}

/* --- turns --- */

static uint32_t wanted_outside(const struct relay *r)
{
	uint32_t events = tls_events(r->tls) & EPOLLOUT;

	if (r->state == RELAY_SHAKES)
		return tls_events(r->tls);
	return r->down == WAY_OPEN && buf_room(&r->falling) > 0 ? events | EPOLLIN : events;
}

static uint32_t wanted_inside(const struct relay *r)
{
	uint32_t events = buf_len(&r->falling) > 0 ? EPOLLOUT : 0;

	if (r->state == RELAY_SHAKES)
		return 0;
	return r->up == WAY_OPEN && buf_room(&r->rising) > 0 ? events | EPOLLIN : events;
}

static void shake(struct relay *r)
{
	switch (tls_handshake(r->tls)) {
	case TLS_DONE:
		r->state = RELAY_RUNS;
		r->o.began(r->o.arg);
		break;
	case TLS_WAIT:
		break;
	case TLS_CLOSED:
	case TLS_FAILED:
		end(r, tls_why(r->tls));
		break;
	}
}

/* To who ends in order it is answered in kind, without what has not gone out yet. */
static void say_end(struct relay *r)
{
	if (!r->why && r->up != WAY_OVER)
		(void)tls_end(r->tls);
	end(r, r->why);
}

/* Bytes that TLS has decrypted already wake nobody: it is read until it has none. */
static void move(struct relay *r)
{
	bool more = true;
	int i;

	for (i = 0; i < ROUNDS && more; i++) {
		read_inside(r);
		write_outside(r);
		more = read_outside(r);
		write_inside(r);
		more = more && buf_room(&r->falling) > 0;
	}
	if (more)
		loop_timer_set(r->again, 0, 1);
	if (r->down == WAY_OVER)
		say_end(r);
}

static void pump(struct relay *r)
{
	if (r->state == RELAY_SHAKES)
		shake(r);
	if (r->state == RELAY_RUNS)
		move(r);
	if (r->state == RELAY_ENDED)
		return; /* it may be no more than its memory */
	loop_io_set(r->outside_io, wanted_outside(r));
	loop_io_set(r->inside_io, wanted_inside(r));
}

static void on_io(void *arg, uint32_t revents)
{
	pump(arg);
}

static void on_again(void *arg)
{
	pump(arg);
}

/* --- life --- */

static int begin(struct relay *r)
{
	int rc = fd_nonblock(r->o.outside);

	if (!rc)
		rc = fd_nonblock(r->o.inside);
	if (!rc)
		rc = tls_connect(r->o.tls, r->o.outside, r->o.name, &r->tls);
	if (!rc)
		rc = loop_io_add(r->o.loop, &r->outside_io, r->o.outside, EPOLLOUT, on_io, r);
	if (!rc)
		rc = loop_io_add(r->o.loop, &r->inside_io, r->o.inside, 0, on_io, r);
	return rc ? rc : loop_timer_add(r->o.loop, &r->again, on_again, r);
}

int relay_create(const struct relay_options *options, struct relay **out)
{
	struct relay *r = calloc(1, sizeof(*r));
	int rc;

	if (!r) {
		close(options->outside);
		close(options->inside);
		return -ENOMEM;
	}
	r->o = *options;
	buf_init(&r->rising, RELAY_HELD_MAX);
	buf_init(&r->falling, RELAY_HELD_MAX);
	rc = begin(r);
	if (rc < 0)
		relay_destroy(&r);
	*out = r;
	return rc;
}

void relay_destroy(struct relay **out)
{
	struct relay *r = *out;

	if (!r)
		return;
	*out = NULL;
	r->state = RELAY_ENDED;
	loop_io_del(&r->outside_io);
	loop_io_del(&r->inside_io);
	loop_timer_del(&r->again);
	tls_free(r->tls);
	fd_close(&r->o.outside);
	fd_close(&r->o.inside);
	buf_finish(&r->rising);
	buf_finish(&r->falling);
	loop_defer(r->o.loop, free, r);
}
