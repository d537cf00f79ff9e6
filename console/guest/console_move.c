/*
 * Task: follow a guest that is migrated live from one of our hypervisors to another, without
 * losing or doubling a byte. Owner: the console.
 *
 * The console is opened at the destination as soon as that knows the guest, before the guest runs
 * there. What it prints there is held until the source's stream has ended, because the last bytes
 * of the source may still be on their way; then the destination's stream takes its place.
 *
 * A console that is stuck (stuck.h) moves in the same way, to where it is.
 */
#include <errno.h>
#include <stdio.h>

#include "console/guest/console_private.h"
#include "core/log.h"

int console_move_pending(const struct console *c)
{
	return c->incoming->backend || loop_timer_armed(c->move);
}

void console_move_drop(struct console *c)
{
	c->incoming->open = false;
	c->incoming->h = NULL;
	backend_close(&c->incoming->backend);
	buf_finish(&c->held);
	loop_timer_stop(c->move);
	if (stuck_is_renewing(c->stuck))
		stuck_not_renewed(c->stuck);
}

static void notify_moved(struct console *c)
{
	log_info("%s %s: moved to hypervisor %s", guest_name(c->guest), c->slot,
		hypervisor_name(c->link->h));
	console_notify_kind(c, CONSOLE_EV_MOVED, hypervisor_name(c->link->h));
}

/* libvirt's client throws away what it has read and nobody has fetched when a console is taken,
 * and does not tell how much. */
static void notify_missing(struct console *c)
{
	journal_gap(c->journal, "console opened anew, output may be missing", 0);
	console_notify_kind(c, CONSOLE_EV_NOTICE,
		"the guest takes no input, so its console was opened anew: some of what it "
		"printed just now may be missing");
}

/* The incoming way becomes the way. */
static void adopt(struct console *c)
{
	struct console_link *old = c->link;
	int renewed = stuck_is_renewing(c->stuck);

	loop_timer_stop(c->move);
	loop_timer_stop(c->retry);
	if (c->asked)
		hypervisor_forget(c->asked, c);
	c->asked = NULL;
	old->open = false;
	backend_close(&old->backend);
	c->link = c->incoming;
	c->incoming = old;
	input_lost(c);
	c->state = CONSOLE_OPEN;
	c->opened_at = loop_now(c->loop);
	c->generation = guest_generation(c->guest);
	c->boot_marked = c->generation;
	c->down_since = 0;
	if (!renewed)
		stuck_closed(c->stuck);
	else if (stuck_renewed(c->stuck))
		notify_missing(c);
	if (buf_len(&c->held))
		console_append(c, buf_data(&c->held), buf_len(&c->held));
	buf_finish(&c->held);
	if (!renewed)
		notify_moved(c);
	input_pump(c);
	if (renewed)
		console_move_check(c); /* meanwhile it was not looked at */
}

static void open_incoming(struct console *c)
{
	const struct devices *devices;
	struct hypervisor *h = guest_other_location(c->guest, c->link->h, &devices);
	const struct device *device = h ? devices_in_slot(devices, c->slot) : NULL;

	if (!device)
		return;
	if (console_link_open(c->incoming, h, device, c->claim == CLAIM_FORCES) < 0)
		loop_timer_set(c->move, CONSOLE_RETRY_EARLY_US, 0);
}

int console_move_renew(struct console *c, unsigned times)
{
	const struct device *device = console_device(c);

	if (!device || console_move_pending(c))
		return -EAGAIN;
	if (times == 0)
		log_info("%s %s: the guest takes no input; what waits is held back here",
			guest_name(c->guest), c->slot);
	return console_link_open(c->incoming, c->link->h, device, 1);
}

void console_move_opened(struct console *c, enum backend_error error)
{
	if (error != BACKEND_OK && stuck_is_renewing(c->stuck)) {
		console_move_drop(c);
		if (!c->link->backend) {
			stuck_closed(c->stuck);
			c->state = CONSOLE_WAITING;
		}
		console_evaluate(c);
		return;
	}
	if (error != BACKEND_OK) {
		console_move_drop(c);
		if (error == BACKEND_EARLY || error == BACKEND_OFF)
			loop_timer_set(c->move, CONSOLE_RETRY_EARLY_US, 0);
		else
			console_evaluate(c);
		return;
	}
	if (!stuck_is_renewing(c->stuck))
		log_debug("%s %s: open on hypervisor %s, where the guest moves to",
			guest_name(c->guest), c->slot, hypervisor_name(c->incoming->h));
	if (!c->link->open)
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
	console_move_drop(c);
	console_evaluate(c);
}

int console_move_takes_over(struct console *c, enum backend_end end)
{
	if (!console_move_pending(c))
		return 0;
	if (stuck_is_renewing(c->stuck) && !c->incoming->open && end != BACKEND_EVICTED) {
		console_move_drop(c); /* it has ended for another reason */
		stuck_closed(c->stuck);
		return 0;
	}
	if (c->incoming->open)
		adopt(c);
	else if (!stuck_is_renewing(c->stuck)) /* else it is open again in a moment */
		c->state = CONSOLE_WAITING;    /* until the destination's console is open */
	return 1;
}

/* Whether the guest is (also) somewhere else than where its console is open. */
void console_move_check(struct console *c)
{
	const struct devices *devices;
	struct hypervisor *other;

	if (!c->link->h || stuck_is_renewing(c->stuck) ||
		(c->state != CONSOLE_OPEN && !console_move_pending(c)))
		return;
	other = guest_other_location(c->guest, c->link->h, &devices);
	if (!other && console_move_pending(c))
		console_move_drop(c); /* the migration has failed */
	else if (other && !console_move_pending(c))
		open_incoming(c);
}

static void on_move(void *arg)
{
	struct console *c = arg;
	const struct devices *devices;

	if (!c->incoming->backend) {
		if (guest_other_location(c->guest, c->link->h, &devices))
			open_incoming(c);
		else
			console_evaluate(c);
		return;
	}
	if (!c->incoming->open)
		return;
	if (stuck_is_renewing(c->stuck) || (guest_hypervisor(c->guest) == c->incoming->h &&
						   guest_state(c->guest) == GUEST_RUNNING))
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
