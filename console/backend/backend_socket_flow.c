/*
 * Task: the bytes of an open unix console, both ways. Owner: the back end.
 *
 * QEMU writes what a UART sends one byte at a time, and the kernel charges each such byte with a
 * whole buffer: the socket is full after less than 300 bytes, and the guest waits. A wake for each
 * byte costs more than the byte; a reader that comes late slows the guest. So, while bytes come
 * close together, the socket is not watched but drained by a clock, some thousand times a second,
 * and what it gave is passed on a few hundred times a second, or when nothing more comes.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "console/backend/backend_socket_private.h"

#define RECEIVE_MAX 32768
#define BULK_GAP_US 400 /* reads that are no further apart may be one stream */
#define BULK_READS 4    /* so many of them are */
#define BULK_EMPTY 4    /* so many empty reads end it */
#define PERIOD_MIN_US 150
#define PERIOD_MAX_US 1200
#define FEW_BYTES 110  /* in one period: it may be twice as long */
#define MANY_BYTES 240 /* it must be shorter: the socket holds less than 300 */
#define GATHER_US 2400 /* how long bulk output is put together */

static uint32_t wanted(const struct socket_backend *p)
{
	return (p->bulk ? 0 : EPOLLIN) | (p->out_done < p->out_len ? EPOLLOUT : 0);
}

static void watch(struct socket_backend *p)
{
	if (p->state == SOCKET_BACKEND_OPEN)
		loop_io_set(p->io, wanted(p));
}

/* --- output --- */

/* The state may be another afterwards, as after every event. */
static void pass_on(struct socket_backend *p)
{
	size_t len = p->in_len;

	p->in_len = 0;
	p->gathered_us = 0;
	if (len)
		p->events->output(p->arg, p->in, len);
}

static void take(struct socket_backend *p, const uint8_t *data, size_t len)
{
	p->heard = true;
	if (!p->bulk || len > sizeof(p->in) - p->in_len)
		pass_on(p);
	if (p->state != SOCKET_BACKEND_OPEN)
		return;
	if (!p->bulk || len > sizeof(p->in)) {
		p->events->output(p->arg, data, len);
	} else {
		memcpy(p->in + p->in_len, data, len);
		p->in_len += len;
	}
}

/* The number of bytes; the state may be another afterwards. */
static size_t drain(struct socket_backend *p)
{
	uint8_t buffer[RECEIVE_MAX];
	ssize_t n = recv(p->fd, buffer, sizeof(buffer), MSG_DONTWAIT);
	int error = errno;

	if (n > 0) {
		take(p, buffer, (size_t)n);
		return (size_t)n;
	}
	pass_on(p);
	if (p->state != SOCKET_BACKEND_OPEN)
		return 0;
	if (n == 0)
		socket_backend_end(p, "end of file");
	else if (error != EAGAIN && error != EINTR)
		socket_backend_end(p, strerror(error));
	return 0;
}

static void set_clock(struct socket_backend *p, uint64_t period_us)
{
	struct itimerspec t = {.it_value.tv_nsec = (long)period_us * 1000,
		.it_interval.tv_nsec = (long)period_us * 1000};

	p->period_us = period_us;
	(void)timerfd_settime(p->clock, 0, &t, NULL);
}

static void leave_bulk(struct socket_backend *p)
{
	p->bulk = false;
	p->streak = 0;
	set_clock(p, 0);
	loop_io_set(p->tick, 0);
	watch(p);
}

/* One period is over. */
static void on_tick(void *arg, uint32_t revents)
{
	struct socket_backend *p = arg;
	uint64_t count;
	size_t n;

	if (read(p->clock, &count, sizeof(count)) < 0)
		return;
	n = drain(p);
	p->gathered_us += p->period_us;
	if (p->state == SOCKET_BACKEND_OPEN && p->gathered_us >= GATHER_US)
		pass_on(p);
	if (p->state != SOCKET_BACKEND_OPEN)
		return;
	p->streak = n ? 0 : p->streak + 1;
	if (p->streak >= BULK_EMPTY)
		leave_bulk(p);
	else if (n > MANY_BYTES && p->period_us > PERIOD_MIN_US)
		set_clock(p, p->period_us / 2);
	else if (n < FEW_BYTES && p->period_us < PERIOD_MAX_US)
		set_clock(p, p->period_us * 2);
}

static int make_clock(struct socket_backend *p)
{
	int r;

	if (p->clock >= 0)
		return 0;
	p->clock = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (p->clock < 0)
		return -errno;
	r = loop_io_add(p->loop, &p->tick, p->clock, EPOLLIN, on_tick, p);
	if (r < 0) {
		close(p->clock);
		p->clock = -1;
	}
	return r;
}

static void enter_bulk(struct socket_backend *p)
{
	p->streak = 0;
	if (make_clock(p) < 0)
		return; /* it goes on without one */
	p->bulk = true;
	set_clock(p, PERIOD_MIN_US);
	loop_io_set(p->tick, EPOLLIN);
	watch(p);
}

static void on_readable(struct socket_backend *p)
{
	uint64_t now = loop_now(p->loop);
	size_t n = drain(p);

	if (p->state != SOCKET_BACKEND_OPEN)
		return;
	/* Who writes much at once needs no clock. */
	p->streak = now - p->read_at < BULK_GAP_US && n < RECEIVE_MAX / 8 ? p->streak + 1 : 0;
	p->read_at = now;
	if (p->streak >= BULK_READS)
		enter_bulk(p);
}

/* --- input --- */

static void write_on(struct socket_backend *p)
{
	ssize_t n = send(
		p->fd, p->out + p->out_done, p->out_len - p->out_done, MSG_DONTWAIT | MSG_NOSIGNAL);

	/* A broken socket is told by reading, when all that was printed has been taken. */
	if (n > 0)
		p->out_done += (size_t)n;
}

static void all_written(struct socket_backend *p)
{
	size_t len = p->out_len;

	p->out_len = p->out_done = 0;
	socket_backend_typed(p);
	p->events->sent(p->arg, len);
}

int socket_backend_send(struct backend *b, const uint8_t *data, size_t len)
{
	struct socket_backend *p = (struct socket_backend *)b;
	ssize_t n;

	if (p->state != SOCKET_BACKEND_OPEN)
		return -EPIPE;
	if (len == 0 || len > BACKEND_SEND_MAX)
		return -EINVAL;
	if (p->out_len)
		return -EBUSY;
	n = send(p->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n == (ssize_t)len) {
		socket_backend_typed(p);
		return 1;
	}
	memcpy(p->out, data, len);
	p->out_len = len;
	p->out_done = n > 0 ? (size_t)n : 0;
	watch(p); /* sent() comes from there */
	return 0;
}

static void on_writable(struct socket_backend *p)
{
	write_on(p);
	if (p->out_done < p->out_len)
		return;
	watch(p);
	all_written(p);
}

/* --- for the back end --- */

void socket_backend_flow_event(struct socket_backend *p, uint32_t revents)
{
	if (!p->bulk && revents & (EPOLLIN | EPOLLHUP | EPOLLERR))
		on_readable(p);
	if (p->state == SOCKET_BACKEND_OPEN && revents & EPOLLOUT && p->out_done < p->out_len)
		on_writable(p);
}

void socket_backend_flow_begin(struct socket_backend *p)
{
	watch(p);
}

void socket_backend_flow_end(struct socket_backend *p)
{
	p->bulk = false;
	p->in_len = 0;
	loop_io_del(&p->tick);
	if (p->clock >= 0)
		close(p->clock);
	p->clock = -1;
}
