/*
 * Task: input that the guest does not take. Owner: the session.
 *
 * It is held in the channel, and the client's window closes. On a pty one must always be able to
 * leave, so after some seconds without progress input is read all the same, looked through for the
 * escape, and dropped with a count.
 */
#include "broker/session/attach_private.h"
#include "console/guest/console.h"
#include "console/guest/guest.h"

static void notify_dropped(struct attach *a)
{
	size_t dropped = a->dropped;

	a->dropped = 0;
	if (dropped)
		attach_notice(a, "%zu typed bytes were dropped", dropped);
}

void attach_leave(struct attach *a)
{
	notify_dropped(a);
	attach_exit(a, STATUS_OK, "left VM %s at offset %llu",
		guest_name(console_guest(a->console)), (unsigned long long)a->reached);
}

void attach_input_again(struct attach *a)
{
	a->dropping = false;
	loop_timer_stop(a->stall);
	notify_dropped(a);
	attach_resume_input(a);
}

void attach_room(void *arg)
{
	struct attach *a = arg;

	a->last_input = loop_now(a->loop);
	attach_input_again(a);
}

/* The guest has taken nothing for a while. If it did, the time runs from then. */
void attach_on_stall(void *arg)
{
	struct attach *a = arg;
	uint64_t progress = console_input_progress(a->console), now = loop_now(a->loop);

	if (console_state(a->console) == CONSOLE_OPEN && now - progress < ATTACH_STALL_US) {
		loop_timer_set(a->stall, progress + ATTACH_STALL_US - now, 0);
		return;
	}
	a->dropping = true;
	attach_notice(a, "%s; what is typed now is dropped",
		console_state(a->console) == CONSOLE_OPEN ? "the guest takes no input"
							  : "the console is not open");
	attach_resume_input(a);
}
