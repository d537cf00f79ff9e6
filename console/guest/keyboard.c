/*
 * Task: who types, and the bytes on their way to the guest. Owner: the console.
 *
 * One writer at a time, unless the configuration says many. While it is leased, one of those who
 * have shown the lease's token. Input waits in one bounded queue; when
 * it is full the writer is refused room and told when there is some again, so that a paste is held
 * back at its source and nothing is lost.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "console/guest/console_private.h"

#define INPUT_AGAIN_US (100 * LOOP_MSEC) /* when there was no memory or no thread for it */

static void notify_mode(struct viewer *v, enum viewer_mode mode, const char *who, size_t dropped)
{
	struct console_event event = {.kind = CONSOLE_EV_KEYBOARD,
		.mode = mode,
		.who = who,
		.text = "",
		.dropped = dropped};

	v->mode = mode;
	v->events->event(v->arg, &event);
}

struct viewer *console_writer(const struct console *c)
{
	struct viewer *v;

	TAILQ_FOREACH (v, &c->viewers, entry) {
		if (v->mode == VIEWER_WRITES)
			return v;
	}
	return NULL;
}

/* Whether he may have it beside those who have it now. He is none of them. */
static bool is_free_for(const struct viewer *v)
{
	const struct console *c = v->console;

	if (console_lease(c) && (!v->leased || v->leases))
		return false;
	return (c->options->many_writers && !v->leases) || !console_writer(c);
}

/* Another one than v, who has lost it. */
static struct viewer *writer_to_oust(const struct viewer *v)
{
	struct viewer *old;

	if (v->console->options->many_writers)
		return NULL;
	TAILQ_FOREACH (old, &v->console->viewers, entry) {
		if (old != v && old->mode == VIEWER_WRITES)
			return old;
	}
	return NULL;
}

int viewer_take(struct viewer *v, int force)
{
	struct console *c = v->console;
	struct viewer *old;

	if (v->mode == VIEWER_WRITES)
		return 0;
	if (!force && !is_free_for(v)) {
		v->mode = VIEWER_WAITS;
		return -EBUSY;
	}
	v->mode = VIEWER_WRITES;
	if (!v->leased)
		console_lease_break(c, v->owner.who);
	old = writer_to_oust(v);
	if (old)
		notify_mode(old, VIEWER_WAITS, v->owner.who, input_drop(c));
	return 0;
}

int viewer_take_to_lease(struct viewer *v)
{
	v->leases = true;
	return viewer_take(v, 0);
}

void viewer_yield(struct viewer *v)
{
	int wrote = v->mode == VIEWER_WRITES;

	v->mode = VIEWER_WATCHES;
	if (wrote)
		keyboard_left(v->console);
}

static struct viewer *next_waiting(const struct console *c)
{
	struct viewer *v;

	TAILQ_FOREACH (v, &c->viewers, entry) {
		if (v->mode == VIEWER_WAITS && is_free_for(v))
			return v;
	}
	return NULL;
}

void keyboard_left(struct console *c)
{
	struct viewer *v;

	while ((v = next_waiting(c)))
		notify_mode(v, VIEWER_WRITES, v->owner.who, 0);
}

/* --- the queue --- */

static void on_again(void *arg)
{
	input_pump(arg);
}

int input_init(struct console *c)
{
	buf_init_secret(&c->input.queue, CONSOLE_INPUT_MAX);
	return loop_timer_add(c->loop, &c->input.again, on_again, c);
}

void input_finish(struct console *c)
{
	loop_timer_del(&c->input.again);
	buf_finish(&c->input.queue);
}

/* The hypervisor has the first bytes of the queue. */
static void accepted(struct console *c, size_t len)
{
	struct input *in = &c->input;

	in->in_flight = in->stale = 0;
	c->counts.input += len;
	c->options->counts->input += len;
	in->progress = loop_now(c->loop);
	in->after_break = 0;
	buf_drop(&in->queue, len);
	stuck_sent(c->stuck, len);
}

/* True: all of it was accepted at once, and more may follow. */
static bool send_some(struct console *c)
{
	struct backend *backend = c->link->backend;
	size_t len = buf_len(&c->input.queue), max;
	int r;

	if (c->state != CONSOLE_OPEN || !backend || c->input.in_flight || len == 0)
		return false;
	max = backend->careful ? BACKEND_CAREFUL_MAX : BACKEND_SEND_MAX;
	if (len > max)
		len = max;
	if (backend->careful && (c->input.held || !stuck_may_send(c->stuck, len)))
		return false;
	r = backend_send(backend, buf_data(&c->input.queue), len);
	if (r == -EPIPE)
		return false; /* the back end is ending; its event follows */
	if (r < 0) {
		loop_timer_set(c->input.again, INPUT_AGAIN_US, 0);
		return false;
	}
	if (backend->careful)
		stuck_sending(c->stuck);
	if (r == 0)
		c->input.in_flight = len; /* input_sent follows */
	else
		accepted(c, len);
	return r > 0;
}

/* A keystroke is mostly accepted at once, and that is all there is to it. */
static void send_queue(struct console *c)
{
	while (send_some(c))
		;
}

static void notify_room(struct console *c)
{
	struct viewer *v, *next;

	for (v = TAILQ_FIRST(&c->viewers); v; v = next) {
		next = TAILQ_NEXT(v, entry);
		if (v->mode == VIEWER_WRITES)
			v->events->room(v->arg);
	}
}

static void notify_if_room(struct console *c)
{
	struct input *in = &c->input;

	if (c->control)
		return; /* room is told when it is over */
	if (buf_len(&in->queue) == 0 ||
		(in->was_full && buf_room(&in->queue) >= CONSOLE_INPUT_MAX / 2)) {
		in->was_full = false;
		notify_room(c);
	}
}

void input_pump(struct console *c)
{
	if (buf_len(&c->input.queue) == 0)
		return;
	send_queue(c);
	notify_if_room(c);
}

void input_sent(struct console *c, size_t len)
{
	accepted(c, len);
	send_queue(c);
	notify_if_room(c);
}

void input_reopen(struct console *c)
{
	c->input.was_full = false;
	input_pump(c);
	notify_room(c);
}

void input_lost(struct console *c)
{
	buf_drop(&c->input.queue, c->input.stale);
	c->input.in_flight = c->input.stale = 0;
	stuck_lost(c->stuck);
}

size_t input_drop(struct console *c)
{
	struct input *in = &c->input;
	size_t left = buf_len(&in->queue) - in->in_flight;
	uint8_t sent[BACKEND_SEND_MAX];

	in->stale = in->in_flight;
	if (left == 0)
		return 0;
	/* What is in flight stays at the front until the back end has said what became of it. */
	memcpy(sent, buf_data(&in->queue), in->in_flight);
	buf_finish(&in->queue);
	if (in->in_flight && buf_add(&in->queue, sent, in->in_flight) < 0)
		in->in_flight = 0;
	in->stale = in->in_flight;
	return left;
}

/* What is accepted at once makes room at once: nobody is told of it, unless there was something in
 * the queue that others may wait to see gone. They are told last: they may come back here. */
ssize_t viewer_type(struct viewer *v, const uint8_t *data, size_t len)
{
	struct console *c = v->console;
	struct input *in = &c->input;
	size_t done = 0, piece;
	bool was_empty = buf_len(&in->queue) == 0;

	if (v->mode != VIEWER_WRITES)
		return -EPERM;
	if (c->state != CONSOLE_OPEN)
		return -ENOTCONN;
	if (was_empty)
		in->progress = loop_now(c->loop);
	while (!c->control && done < len && (piece = buf_room(&in->queue)) > 0) {
		if (piece > len - done)
			piece = len - done;
		if (buf_add(&in->queue, data + done, piece) < 0)
			return done ? (ssize_t)done : -ENOMEM;
		done += piece;
		send_queue(c);
	}
	if (done < len)
		in->was_full = true;
	else if (!was_empty && buf_len(&in->queue) == 0)
		notify_if_room(c);
	return (ssize_t)done;
}

size_t viewer_typed_pending(const struct viewer *v)
{
	return v->mode == VIEWER_WRITES ? buf_len(&v->console->input.queue) : 0;
}

uint64_t console_input_progress(const struct console *c)
{
	return c->input.progress;
}
