/*
 * Task: see forward.h: turns, the time limit, life. Owner: the connection. Knows no TLS, no verb
 * but one, and no rule.
 */
#include <errno.h>
#include <stdlib.h>

#include "core/io.h"
#include "http/forward/forward_private.h"

static uint32_t wanted(const struct forward *f)
{
	uint32_t events = forward_reads(f) ? EPOLLIN : 0;

	if (f->step == FORWARD_OVER)
		return 0;
	return buf_len(&f->up) > 0 && !f->discarding ? events | EPOLLOUT : events;
}

void forward_output(struct forward *f)
{
	forward_read_line(f);
	if (f->step >= FORWARD_HEAD && f->step < FORWARD_OVER) {
		forward_write(f);
		forward_input(f); /* what waited for the socket, or for room on the way to it */
	}
	if (f->step >= FORWARD_HEAD && f->step < FORWARD_OVER)
		forward_read(f);
	if (f->io)
		loop_io_set(f->io, wanted(f));
	if (f->line_io && (f->step == FORWARD_OVER || f->ending >= FORWARD_WHOLE))
		loop_io_set(f->line_io, 0);
}

/* A client that takes its answer slowly is the connection's to wait for. */
static void on_timer(void *arg)
{
	struct forward *f = arg;

	if (f->step == FORWARD_OVER)
		return;
	if (f->progress || buf_len(f->o.out) > 0) {
		f->progress = false;
		loop_timer_set(f->timer, f->o.timeout_us, LOOP_SECOND);
		return;
	}
	if (!f->body_over && buf_len(&f->up) == 0)
		forward_give_up(f, 408, "the body took too long");
	else
		forward_give_up(f, 504, "the upstream does not answer");
	f->o.wake(f->o.arg);
}

enum exchange_state forward_state(const struct forward *f)
{
	return f->step == FORWARD_OVER ? f->end : EXCHANGE_RUNS;
}

bool forward_input_ended(const struct forward *f)
{
	return !f->o.raw && (f->body_over || buf_len(f->o.in) > 0);
}

bool forward_may_stay(const struct forward *f)
{
	return f->stays && f->body_over;
}

int forward_create(const struct forward_options *options, struct forward **out)
{
	struct forward *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	f->o = *options;
	f->fd = f->line.fd = -1;
	f->body_left = options->request->length;
	f->body_over = options->request->body == HTTP_BODY_NONE;
	collect_init(&f->collect, options->request);
	buf_init(&f->up, FORWARD_COLLECT_MAX);
	buf_init(&f->down, HTTP_HEAD_MAX + FORWARD_PIECE);
	f->answer = malloc(sizeof(*f->answer));
	r = f->answer ? loop_timer_add(f->o.loop, &f->timer, on_timer, f) : -ENOMEM;
	if (!r && options->request->body != HTTP_BODY_CHUNKED)
		r = forward_ask(f);
	if (r < 0) {
		forward_destroy(f);
		return r;
	}
	loop_timer_set(f->timer, f->o.timeout_us, LOOP_SECOND);
	*out = f;
	return 0;
}

void forward_destroy(struct forward *f)
{
	if (!f)
		return;
	loop_io_del(&f->line_io);
	loop_io_del(&f->io);
	loop_timer_del(&f->timer);
	if (f->line.fd >= 0)
		line_finish(&f->line);
	fd_close(&f->fd);
	buf_finish(&f->up);
	buf_finish(&f->down);
	free(f->answer);
	loop_defer(f->o.loop, free, f);
}
