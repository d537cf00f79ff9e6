/*
 * Task: follow a guest that is migrated live from one of our hypervisors to another, without
 * losing or doubling a byte. Owner: the console.
 *
 * The console is opened at the destination as soon as that knows the guest, before the guest runs
 * there. What it prints there is held until the source's stream has ended, because the last bytes
 * of the source may still be on their way; then the destination's stream takes its place.
 */
#include <errno.h>
#include <stdio.h>

#include "console/guest/console_internal.h"
#include "core/log.h"

int console_move_pending(const struct console *c)
{
	return c->incoming->backend != NULL || loop_timer_armed(c->move);
}

static void drop_incoming(struct console *c)
{
	c->incoming->open = 0;
	c->incoming->h = NULL;
	backend_close(&c->incoming->backend);
	buf_finish(&c->held);
	loop_timer_stop(c->move);
}

/* The incoming way becomes the way. */
static void adopt(struct console *c)
{
	struct console_way *old = c->way;

	loop_timer_stop(c->move);
	loop_timer_stop(c->retry);
	if (c->asked)
		hypervisor_forget(c->asked, c);
	c->asked = NULL;
	old->open = 0;
	backend_close(&old->backend);
	c->way = c->incoming;
	c->incoming = old;
	c->input.in_flight = 0;
	c->state = CONSOLE_OPEN;
	c->opened_at = loop_now(c->loop);
	c->run = guest_run(c->guest);
	c->boot_marked = c->run;
	c->down_since = 0;
	log_info("%s %s: moved to hypervisor %s", guest_name(c->guest), c->slot,
		hypervisor_name(c->way->h));
	if (buf_len(&c->held))
		console_append(c, buf_data(&c->held), buf_len(&c->held));
	buf_finish(&c->held);
	console_tell_kind(c, CONSOLE_EV_MOVED, hypervisor_name(c->way->h));
	input_pump(c);
}

static void open_incoming(struct console *c)
{
	const struct devices *devices;
	struct hypervisor *h = guest_other_place(c->guest, c->way->h, &devices);
	const struct device *device = h ? devices_in_slot(devices, c->slot) : NULL;

	if (!device)
		return;
	if (console_way_open(c->incoming, h, device) < 0)
		loop_timer_set(c->move, CONSOLE_RETRY_EARLY_US, 0);
}

void console_move_opened(struct console *c, enum backend_error error)
{
	if (error != BACKEND_OK) {
		drop_incoming(c);
		if (error == BACKEND_EARLY || error == BACKEND_OFF)
			loop_timer_set(c->move, CONSOLE_RETRY_EARLY_US, 0);
		else
			console_evaluate(c);
		return;
	}
	if (!c->way->open)
		adopt(c); /* the source has ended already */
	else
		loop_timer_set(c->move, CONSOLE_HELD_US, 0);
}

void console_move_output(struct console *c, const uint8_t *data, size_t len)
{
	if (buf_add(&c->held, data, len) == 0)
		return;
	/* More than may be held: the source is given up. */
	adopt(c);
	console_append(c, data, len);
}

void console_move_ended(struct console *c)
{
	drop_incoming(c);
	console_evaluate(c);
}

int console_move_takes_over(struct console *c)
{
	if (!console_move_pending(c))
		return 0;
	if (c->incoming->open)
		adopt(c);
	else
		c->state = CONSOLE_WAITING; /* until the destination's console is open */
	return 1;
}

/* Whether the guest is (also) somewhere else than where its console is open. */
void console_move_check(struct console *c)
{
	const struct devices *devices;
	struct hypervisor *other;

	if (!c->way->h || (c->state != CONSOLE_OPEN && !console_move_pending(c)))
		return;
	other = guest_other_place(c->guest, c->way->h, &devices);
	if (!other && console_move_pending(c))
		drop_incoming(c); /* the migration has failed */
	else if (other && !console_move_pending(c))
		open_incoming(c);
}

static void on_move(void *arg)
{
	struct console *c = arg;
	const struct devices *devices;

	if (!c->incoming->backend) {
		if (guest_other_place(c->guest, c->way->h, &devices))
			open_incoming(c);
		else
			console_evaluate(c);
		return;
	}
	if (!c->incoming->open)
		return;
	if (guest_hypervisor(c->guest) == c->incoming->h && guest_state(c->guest) == GUEST_RUNNING)
		adopt(c); /* it runs there, and the source does not end */
	else
		loop_timer_set(c->move, CONSOLE_HELD_US, 0);
}

int console_move_init(struct console *c)
{
	buf_init(&c->held, CONSOLE_HELD_MAX);
	return loop_timer_add(c->loop, &c->move, on_move, c);
}

void console_move_finish(struct console *c)
{
	loop_timer_del(&c->move);
	buf_finish(&c->held);
}
