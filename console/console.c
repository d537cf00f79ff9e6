/*
 * Task: the way from a console to its guest: open, keep, lose, find out why, open again.
 * Owner: the guest. Knows back ends by their ops only, viewers by their events only.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console/console_internal.h"
#include "core/log.h"

static void console_evaluate(struct console *c);

/* --- telling --- */

static void tell(struct console *c, enum console_event_kind kind, const char *text)
{
	struct console_event event = {.kind = kind, .text = text};

	console_tell(c, &event);
}

static enum console_stop stop_of(enum place_reason reason)
{
	switch (reason) {
	case PLACE_REASON_NONE:
		return CONSOLE_STOP_UNKNOWN;
	case PLACE_REASON_SHUTDOWN:
		return CONSOLE_STOP_SHUTDOWN;
	case PLACE_REASON_DESTROYED:
		return CONSOLE_STOP_DESTROYED;
	case PLACE_REASON_CRASHED:
		return CONSOLE_STOP_CRASHED;
	case PLACE_REASON_FAILED:
		return CONSOLE_STOP_FAILED;
	case PLACE_REASON_SAVED:
		return CONSOLE_STOP_SAVED;
	case PLACE_REASON_MIGRATED:
		return CONSOLE_STOP_MOVED;
	}
	return CONSOLE_STOP_UNKNOWN;
}

static void tell_stopped(struct console *c, enum console_stop stop)
{
	struct console_event event = {
		.kind = CONSOLE_EV_STOPPED, .stop = stop, .text = "", .dropped = input_drop(c)};

	if (!c->was_on)
		return;
	c->was_on = 0;
	journal_mark(c->journal,
		stop == CONSOLE_STOP_CRASHED || stop == CONSOLE_STOP_FAILED ? JOURNAL_CRASH
									    : JOURNAL_SHUTDOWN,
		NULL);
	console_tell(c, &event);
}

/* --- the back end's events --- */

static void set_trouble(struct console *c, const char *text)
{
	snprintf(c->trouble, sizeof(c->trouble), "%s", text);
}

static void note_down(struct console *c, const char *cause)
{
	if (c->down_since)
		return;
	c->down_since = loop_now(c->loop);
	c->down_cause = cause;
}

static void close_backend(struct console *c, const char *cause)
{
	if (c->opened_at)
		note_down(c, cause);
	c->opened_at = 0;
	c->input.in_flight = 0;
	backend_close(&c->backend);
}

static void wait_then_retry(struct console *c, uint64_t delay_us)
{
	c->state = CONSOLE_WAITING;
	loop_timer_set(c->retry, delay_us, 0);
}

/* What is known about the time in which nobody read. */
static void mark_beginning(struct console *c)
{
	if (guest_boot_run(c->guest) == c->run && c->boot_marked != c->run)
		journal_mark(c->journal, JOURNAL_BOOT, "started");
	else if (!c->has_opened && journal_next(c->journal) > 0)
		journal_gap(c->journal, "vmconsoled was not reading", 0);
	c->boot_marked = c->run;
	c->has_opened = 1;
}

static void on_opened_ok(struct console *c)
{
	struct console_event event = {.kind = CONSOLE_EV_OPENED, .text = ""};

	c->state = CONSOLE_OPEN;
	c->opened_at = loop_now(c->loop);
	c->run = guest_run(c->guest);
	set_trouble(c, "");
	c->unfit = 0;
	c->was_on = 1;
	if (c->down_since) {
		event.outage_us = c->opened_at - c->down_since;
		journal_gap(c->journal, c->down_cause, event.outage_us);
		c->down_since = 0;
		c->has_opened = 1;
	}
	mark_beginning(c);
	console_tell(c, &event);
	input_pump(c);
}

static void on_open_failed(struct console *c, enum backend_error error, const char *text)
{
	backend_close(&c->backend);
	set_trouble(c, text);
	c->state = CONSOLE_WAITING;
	switch (error) {
	case BACKEND_OK:
		break;
	case BACKEND_BUSY:
		wait_then_retry(c, CONSOLE_RETRY_BUSY_US);
		tell(c, CONSOLE_EV_BUSY, c->trouble);
		break;
	case BACKEND_EARLY:
		wait_then_retry(c, CONSOLE_RETRY_EARLY_US);
		break;
	case BACKEND_UNFIT:
	case BACKEND_DENIED:
		c->unfit = 1;
		c->run = guest_run(c->guest);
		tell(c, CONSOLE_EV_UNFIT, c->trouble);
		break;
	case BACKEND_OFF: /* its event is on the way; ask again in case it is not */
	case BACKEND_UNREACHED:
	case BACKEND_FAILED:
		wait_then_retry(c, CONSOLE_RETRY_FAILED_US);
		tell(c, CONSOLE_EV_FAILED, c->trouble);
		break;
	}
}

static void on_opened(void *arg, enum backend_error error, const char *text)
{
	struct console *c = arg;

	if (error == BACKEND_OK)
		on_opened_ok(c);
	else
		on_open_failed(c, error, text);
}

static void on_output(void *arg, const uint8_t *data, size_t len)
{
	struct console *c = arg;

	journal_append(c->journal, data, len);
}

static void on_sent(void *arg, size_t len)
{
	input_sent(arg, len);
}

static void on_resolve_step(struct console *c);

static void on_ended(void *arg, enum backend_end end, const char *text)
{
	struct console *c = arg;

	log_debug("%s %s: output ended: %s", guest_name(c->guest), c->slot, text);
	close_backend(c, end == BACKEND_LOST ? "hypervisor away" : "console closed");
	if (end == BACKEND_LOST) {
		set_trouble(c, text);
		wait_then_retry(c, CONSOLE_RETRY_EARLY_US);
		tell(c, CONSOLE_EV_LOST, text);
		return;
	}
	c->state = CONSOLE_RESOLVING;
	c->end = end;
	c->resolve_until = loop_now(c->loop) + CONSOLE_RESOLVE_US;
	on_resolve_step(c);
}

static const struct backend_events backend_events = {on_opened, on_output, on_sent, on_ended};

/* --- why it ended --- */

static void resolved(struct console *c)
{
	loop_timer_stop(c->retry);
	if (c->asked)
		hypervisor_forget(c->asked, c);
	c->asked = NULL;
	c->state = CONSOLE_WAITING;
}

static void resolved_stopped(struct console *c)
{
	resolved(c);
	c->down_since = 0; /* a guest that is off prints nothing: no gap */
	tell_stopped(c, stop_of(guest_stop_reason(c->guest)));
	console_evaluate(c);
}

/* What the guest's state says now, while RESOLVING. */
static void resolve_by_state(struct console *c)
{
	int late = loop_now(c->loop) >= c->resolve_until;

	if (guest_state(c->guest) == GUEST_UNREACHABLE) {
		resolved(c);
		set_trouble(c, "hypervisor away");
		c->down_cause = "hypervisor away";
		tell(c, CONSOLE_EV_LOST, c->trouble);
	} else if (!guest_is_on(c->guest)) {
		resolved_stopped(c);
	} else if (guest_run(c->guest) != c->run) {
		/* Stopped and started, or moved, before anybody asked. */
		resolved(c);
		if (guest_stop_reason(c->guest) != PLACE_REASON_MIGRATED)
			tell_stopped(c, stop_of(guest_stop_reason(c->guest)));
		console_evaluate(c);
	} else if (c->end == BACKEND_EVICTED &&
		   loop_now(c->loop) + CONSOLE_RESOLVE_US - c->resolve_until >= LOOP_SECOND) {
		resolved(c);
		c->down_cause = "taken by another client of the hypervisor";
		wait_then_retry(c, CONSOLE_RETRY_BUSY_US);
		tell(c, CONSOLE_EV_EVICTED, "");
	} else if (late) {
		resolved(c);
		tell_stopped(c, CONSOLE_STOP_UNKNOWN);
		wait_then_retry(c, CONSOLE_RETRY_FAILED_US);
	}
}

static void on_asked(void *arg, int error, const struct place_info *info)
{
	struct console *c = arg;

	c->asked = NULL;
	if (c->state != CONSOLE_RESOLVING)
		return;
	resolve_by_state(c);
	if (c->state == CONSOLE_RESOLVING)
		loop_timer_set(c->retry, CONSOLE_RESOLVE_STEP_US, 0);
}

static void on_resolve_step(struct console *c)
{
	struct hypervisor *h = guest_hypervisor(c->guest);

	if (c->asked)
		return;
	if (h && loop_now(c->loop) < c->resolve_until &&
		hypervisor_ask(h, guest_uuid(c->guest), on_asked, c) == 0) {
		c->asked = h;
		return;
	}
	resolve_by_state(c);
	if (c->state == CONSOLE_RESOLVING)
		loop_timer_set(c->retry, CONSOLE_RESOLVE_STEP_US, 0);
}

/* --- opening --- */

static int is_wanted(const struct console *c)
{
	return c->viewer_count > 0 || loop_timer_armed(c->keep_open) ||
	       (c->record == CONSOLE_RECORD_ALL && guest_is_on(c->guest));
}

static void update_record(struct console *c, const struct device *device)
{
	if (c->options->record && device)
		c->record = c->options->record(c->options->record_arg, c->guest, device);
	journal_set_record(c->journal, c->record != CONSOLE_RECORD_NONE);
}

static const struct device *console_device(const struct console *c)
{
	const struct devices *devices = guest_devices(c->guest);
	size_t i;

	for (i = 0; i < devices->count; i++) {
		char slot[DEVICE_SLOT_MAX];

		device_slot(&devices->list[i], slot);
		if (strcmp(slot, c->slot) == 0)
			return &devices->list[i];
	}
	return NULL;
}

static void open_backend(struct console *c)
{
	const struct device *device = console_device(c);
	struct hypervisor *h = guest_hypervisor(c->guest);
	char text[256];
	int r;

	c->state = CONSOLE_OPENING;
	if (!device) {
		snprintf(text, sizeof(text), "it has no device %s", c->slot);
		on_open_failed(c, BACKEND_UNFIT, text);
		return;
	}
	if (strcmp(device->type, "pty") != 0) {
		snprintf(text, sizeof(text), "%s is of type %s",
			*device->alias ? device->alias : c->slot, device->type);
		on_open_failed(c, BACKEND_UNFIT, text);
		return;
	}
	r = backend_libvirt_open(h, guest_uuid(c->guest), *device->alias ? device->alias : NULL, 0,
		&backend_events, c, &c->backend);
	if (r < 0)
		on_open_failed(c, BACKEND_FAILED, strerror(-r));
}

/* Does what the state of guest and viewers asks for. */
static void console_evaluate(struct console *c)
{
	switch (c->state) {
	case CONSOLE_CLOSED:
	case CONSOLE_WAITING:
		if (!is_wanted(c)) {
			loop_timer_stop(c->retry);
			c->state = CONSOLE_CLOSED;
			break;
		}
		c->state = CONSOLE_WAITING;
		if (c->unfit && guest_run(c->guest) == c->run)
			break;
		c->unfit = 0;
		if (guest_is_on(c->guest) && !loop_timer_armed(c->retry))
			open_backend(c);
		break;
	case CONSOLE_OPENING:
	case CONSOLE_OPEN:
		if (!is_wanted(c)) {
			close_backend(c, "nobody watched");
			c->state = CONSOLE_CLOSED;
		}
		break;
	case CONSOLE_RESOLVING:
		break;
	}
}

static void on_retry(void *arg)
{
	struct console *c = arg;

	if (c->state == CONSOLE_RESOLVING)
		on_resolve_step(c);
	else
		console_evaluate(c);
}

static void on_keep_open(void *arg)
{
	console_evaluate(arg);
}

void console_wanted_changed(struct console *c)
{
	if (c->viewer_count > 0)
		loop_timer_stop(c->keep_open);
	else if (c->state == CONSOLE_OPEN && c->options->keep_open_us)
		loop_timer_set(c->keep_open, c->options->keep_open_us, LOOP_SECOND);
	console_evaluate(c);
}

void console_guest_changed(struct console *c)
{
	update_record(c, console_device(c));
	if (c->state == CONSOLE_RESOLVING) {
		/* An end that was told as an I/O error waits its second all the same. */
		if (!c->asked)
			resolve_by_state(c);
		return;
	}
	if (c->state == CONSOLE_WAITING && c->was_on && !guest_is_on(c->guest) &&
		guest_state(c->guest) != GUEST_UNREACHABLE) {
		loop_timer_stop(c->retry);
		c->down_since = 0;
		tell_stopped(c, stop_of(guest_stop_reason(c->guest)));
	}
	console_evaluate(c);
}

void console_guest_event(struct console *c, enum console_event_kind kind)
{
	if (kind == CONSOLE_EV_REBOOTED)
		journal_mark(c->journal, JOURNAL_BOOT, "rebooted");
	else if (kind == CONSOLE_EV_PANICKED)
		journal_mark(c->journal, JOURNAL_CRASH, "the guest reported a panic");
	tell(c, kind, "");
}

/* --- life --- */

static void tell_recording(void *arg)
{
	struct console *c = arg;

	c->recording_due = 0;
	tell(c, CONSOLE_EV_RECORDING, c->recording_error ? strerror(-c->recording_error) : "");
}

/* Called from inside the journal, which must not be used now. */
static void on_recording_trouble(void *arg, int error)
{
	struct console *c = arg;

	if (error)
		log_error("%s %s: history goes on in memory: %s", guest_name(c->guest), c->slot,
			strerror(-error));
	else
		log_info("%s %s: history is written again", guest_name(c->guest), c->slot);
	c->recording_error = error;
	if (!c->recording_due && c->viewer_count > 0) {
		c->recording_due = 1;
		loop_timer_set(c->recording, 0, 0);
	}
}

static int create_journal(struct console *c)
{
	struct journal_options options = {.memory = c->options->history_memory,
		.store = c->options->store,
		.record = c->record != CONSOLE_RECORD_NONE,
		.trouble = on_recording_trouble,
		.arg = c};
	char dir[4096];

	if (c->options->state_dir) {
		snprintf(dir, sizeof(dir), "%s/journal/%s/%s", c->options->state_dir,
			guest_uuid_text(c->guest), c->slot);
		options.dir = dir;
	}
	return journal_create(&options, &c->journal);
}

struct console *console_create(
	struct loop *loop, const struct console_options *options, struct guest *g, const char *slot)
{
	struct console *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->loop = loop;
	c->options = options;
	c->guest = g;
	c->down_cause = "";
	c->record = CONSOLE_RECORD_NONE;
	snprintf(c->slot, sizeof(c->slot), "%s", slot);
	TAILQ_INIT(&c->viewers);
	input_init(c);
	if (loop_timer_add(loop, &c->recording, tell_recording, c) < 0 || create_journal(c) < 0 ||
		loop_timer_add(loop, &c->retry, on_retry, c) < 0 ||
		loop_timer_add(loop, &c->keep_open, on_keep_open, c) < 0) {
		console_destroy(c);
		return NULL;
	}
	update_record(c, console_device(c));
	return c;
}

void console_destroy(struct console *c)
{
	if (!c)
		return;
	if (c->asked)
		hypervisor_forget(c->asked, c);
	backend_close(&c->backend);
	loop_timer_del(&c->retry);
	loop_timer_del(&c->keep_open);
	loop_timer_del(&c->recording);
	input_finish(c);
	journal_destroy(&c->journal);
	free(c);
}

enum console_state console_state(const struct console *c)
{
	return c->state;
}

struct guest *console_guest(const struct console *c)
{
	return c->guest;
}

const char *console_slot(const struct console *c)
{
	return c->slot;
}

const char *console_device_name(const struct console *c)
{
	const struct device *device = console_device(c);

	return device && *device->alias ? device->alias : c->slot;
}

struct journal *console_journal(const struct console *c)
{
	return c->journal;
}

uint64_t console_opened_at(const struct console *c)
{
	return c->opened_at;
}

const char *console_trouble(const struct console *c)
{
	return c->trouble;
}

int console_is_unfit(const struct console *c)
{
	return c->unfit;
}

enum console_record console_record(const struct console *c)
{
	return c->record;
}
