/*
 * Task: how long a session waits for its guest, or for the console of one that runs; and its end
 * when nobody waits. Owner: the session.
 */
#include "broker/session/attach_private.h"
#include "console/guest/console.h"
#include "console/guest/guest.h"

static void attach_say_panicked(struct attach *a)
{
	attach_exit_after_output(
		a, STATUS_CRASHED, "VM %s has panicked", guest_name(console_guest(a->console)));
}

void attach_say_absent(struct attach *a)
{
	const struct guest *g = console_guest(a->console);

	if (guest_state(g) == GUEST_UNREACHABLE)
		attach_exit(a, STATUS_UNAVAILABLE, "the hypervisor of VM %s cannot be reached",
			guest_name(g));
	else
		attach_exit(a, STATUS_UNAVAILABLE, "VM %s is %s", guest_name(g),
			guest_state_name(guest_state(g)));
}

/* The guest has started in time; its console needs a moment. */
static void wait_for_console(struct attach *a)
{
	a->waits = ATTACH_WAITS_CONSOLE;
	loop_timer_set(a->wait, ATTACH_OPEN_US, 0);
}

void attach_on_wait(void *arg)
{
	struct attach *a = arg;
	const struct guest *g = console_guest(a->console);

	if (a->waits == ATTACH_WAITS_PANIC)
		attach_say_panicked(a);
	else if (!guest_is_on(g))
		attach_exit(a, STATUS_UNAVAILABLE, "VM %s is still %s", guest_name(g),
			guest_state_name(guest_state(g)));
	else if (a->told == ATTACH_TOLD_HELD)
		attach_exit(a, STATUS_BUSY,
			"the console of VM %s is still held by another client of the hypervisor",
			guest_name(g));
	else if (a->options.wait && a->waits == ATTACH_WAITS_GUEST)
		wait_for_console(a);
	else
		attach_exit(a, STATUS_UNAVAILABLE, "the console of VM %s did not open: %s",
			guest_name(g),
			*console_error(a->console) ? console_error(a->console)
						   : "the hypervisor does not answer");
}

void attach_start_wait(struct attach *a)
{
	if (a->waits == ATTACH_WAITS_PANIC)
		return;
	a->waits = ATTACH_WAITS_GUEST;
	if (a->options.wait && a->options.wait_us)
		loop_timer_set(a->wait, a->options.wait_us, 0);
	else if (!a->options.wait)
		loop_timer_set(a->wait, ATTACH_OPEN_US, 0);
}
