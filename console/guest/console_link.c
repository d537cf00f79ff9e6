/*
 * Task: the way from a console to its guest: open, read, lose, open again.
 * Knows back ends by their ops only.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console/guest/console_private.h"
#include "core/log.h"

/* --- the back end's events --- */

void console_notify_kind(struct console *c, enum console_event_kind kind, const char *text)
{
	struct console_event event = {.kind = kind, .text = text};

	console_notify(c, &event);
}

void console_set_error(struct console *c, enum backend_error error, const char *text)
{
	c->obstacle = error;
	snprintf(c->error_text, sizeof(c->error_text), "%s", text);
}

static void note_down(struct console *c, const char *cause)
{
	if (c->down_since)
		return;
	c->down_since = loop_now(c->loop);
	c->down_cause = cause;
}

static void close_link(struct console_link *link)
{
	link->open = false;
	backend_close(&link->backend);
}

static void close_backend(struct console *c, const char *cause)
{
	if (c->opened_at)
		note_down(c, cause);
	c->opened_at = 0;
	input_lost(c);
	if (!stuck_is_renewing(c->stuck))
		stuck_closed(c->stuck);
	close_link(c->link);
}

void console_link_end(struct console *c)
{
	if (c->state != CONSOLE_OPEN)
		return;
	close_backend(c, "the guest ends");
	console_resolve_begin(c, BACKEND_EOF);
}

void console_wait_then_retry(struct console *c, uint64_t delay_us)
{
	c->state = CONSOLE_WAITING;
	loop_timer_set(c->retry, delay_us, 0);
}

/* What is known about the time in which nobody read. */
static void mark_beginning(struct console *c)
{
	if (guest_boot_generation(c->guest) == c->generation && c->boot_marked != c->generation)
		console_mark_boot(c, "started");
	else if (!c->has_opened && journal_next(c->journal) > 0)
		journal_gap(c->journal, "vmconsoled was not reading", 0);
	if (c->boot_marked != c->generation)
		console_panic_booted(c);
	c->boot_marked = c->generation;
	c->has_opened = true;
}

static void on_opened_ok(struct console *c)
{
	struct console_event event = {.kind = CONSOLE_EV_OPENED, .text = ""};

	c->state = CONSOLE_OPEN;
	c->opened_at = loop_now(c->loop);
	c->generation = guest_generation(c->guest);
	console_set_error(c, BACKEND_OK, "");
	c->unsupported = false;
	c->early_since = 0;
	c->claim = CLAIM_WAITS;
	c->was_on = true;
	if (c->down_since) {
		event.outage_us = c->opened_at - c->down_since;
		journal_gap(c->journal, c->down_cause, event.outage_us);
		c->down_since = 0;
		c->has_opened = true;
	}
	mark_beginning(c);
	console_notify(c, &event);
	input_pump(c);
}

/* The holder is evicted, unless it has evicted us. */
static int take_by_force(struct console *c)
{
	const struct device *device = console_device(c);

	if (!c->options->take_force || c->claim != CLAIM_WAITS || !device ||
		strcmp(device->type, "pty") != 0)
		return 0;
	c->claim = CLAIM_FORCES;
	loop_timer_set(c->retry, 0, 0);
	return 1;
}

static void force_no_more(struct console *c)
{
	if (c->claim == CLAIM_FORCES)
		c->claim = CLAIM_WAITS;
}

/* QEMU is being started, or the guest is on its way to here. Asked more and more slowly: a large
 * guest takes minutes. A change of the guest asks at once. Those who do not wait for a guest are
 * told after a while that it does not open. */
static void open_later(struct console *c)
{
	uint64_t now = loop_now(c->loop), waited, delay;
	char text[sizeof(c->error_text) + 64];

	if (!c->early_since) {
		c->early_since = now;
		c->early_told = false;
	}
	waited = now - c->early_since;
	delay = waited / 4;
	if (delay < CONSOLE_RETRY_EARLY_US)
		delay = CONSOLE_RETRY_EARLY_US;
	console_wait_then_retry(
		c, delay < CONSOLE_RETRY_FAILED_US ? delay : CONSOLE_RETRY_FAILED_US);
	if (waited >= CONSOLE_EARLY_MAX_US) {
		console_notify_kind(c, CONSOLE_EV_FAILED, c->error_text);
	} else if (waited >= CONSOLE_EARLY_TELL_US && !c->early_told) {
		c->early_told = true;
		snprintf(text, sizeof(text), "the console is not ready yet: %s; trying again",
			c->error_text);
		console_notify_kind(c, CONSOLE_EV_NOTICE, text);
	}
}

/* It went while the console was being opened, which is no other loss than that of an open one; or
 * the news of that are still on their way. */
static void wait_for_hypervisor(struct console *c)
{
	if (guest_state(c->guest) != GUEST_UNREACHABLE) {
		open_later(c);
		return;
	}
	c->early_since = 0;
	console_wait_then_retry(c, CONSOLE_RETRY_EARLY_US);
	console_notify_kind(c, CONSOLE_EV_LOST, c->error_text);
}

static void on_open_failed(struct console *c, enum backend_error error, const char *text)
{
	close_link(c->link);
	console_set_error(c, error, text);
	c->state = CONSOLE_WAITING;
	if (error != BACKEND_BUSY)
		force_no_more(c);
	if (error != BACKEND_EARLY && error != BACKEND_UNREACHED)
		c->early_since = 0;
	switch (error) {
	case BACKEND_OK:
		break;
	case BACKEND_BUSY:
		if (take_by_force(c))
			break;
		force_no_more(c);
		console_wait_then_retry(c, CONSOLE_RETRY_BUSY_US);
		console_notify_kind(c, CONSOLE_EV_BUSY, c->error_text);
		break;
	case BACKEND_EARLY:
		open_later(c);
		break;
	case BACKEND_UNSUPPORTED:
	case BACKEND_DENIED:
		c->unsupported = true;
		c->generation = guest_generation(c->guest);
		console_notify_kind(c, CONSOLE_EV_UNSUPPORTED, c->error_text);
		break;
	case BACKEND_UNREACHED:
		wait_for_hypervisor(c);
		break;
	case BACKEND_OFF: /* its event is on the way, unless it went while it was being started */
		console_ask(c);
		__attribute__((fallthrough));
	case BACKEND_FAILED:
		console_wait_then_retry(c, CONSOLE_RETRY_FAILED_US);
		console_notify_kind(c, CONSOLE_EV_FAILED, c->error_text);
		break;
	}
}

static void on_opened(void *arg, enum backend_error error, const char *text)
{
	struct console_link *link = arg;
	struct console *c = link->console;

	link->open = error == BACKEND_OK;
	if (link == c->incoming)
		console_move_opened(c, error);
	else if (error == BACKEND_OK)
		on_opened_ok(c);
	else
		on_open_failed(c, error, text);
}

static void on_output(void *arg, const uint8_t *data, size_t len)
{
	struct console_link *link = arg;
	struct console *c = link->console;

	if (link == c->incoming)
		console_move_output(c, data, len);
	else
		console_append(c, data, len);
	stuck_printed(c->stuck);
}

static void on_sent(void *arg, size_t len)
{
	struct console_link *link = arg;

	input_sent(link->console, len);
}

static void on_ended(void *arg, enum backend_end end, const char *text)
{
	struct console_link *link = arg;
	struct console *c = link->console;

	log_debug("%s %s: output ended: %s", guest_name(c->guest), c->slot, text);
	if (link == c->incoming) {
		console_move_ended(c);
		return;
	}
	close_backend(c, end == BACKEND_LOST ? "hypervisor away" : "console closed");
	if (console_move_takes_over(c, end))
		return;
	if (end != BACKEND_LOST) {
		console_resolve_begin(c, end);
		return;
	}
	console_set_error(c, BACKEND_UNREACHED, text);
	console_wait_then_retry(c, CONSOLE_RETRY_EARLY_US);
	console_notify_kind(c, CONSOLE_EV_LOST, text);
}

static void on_notice(void *arg, const char *text)
{
	struct console_link *link = arg;

	console_notify_kind(link->console, CONSOLE_EV_NOTICE, text);
}

static const struct backend_events backend_events = {
	on_opened, on_output, on_sent, on_ended, on_notice};

int console_link_open(
	struct console_link *link, struct hypervisor *h, const struct device *device, int force)
{
	const struct console_options *options = link->console->options;

	link->h = h;
	link->open = false;
	if (strcmp(device->type, "unix") == 0)
		return backend_socket_open(link->console->loop, device,
			guest_uuid(link->console->guest), &options->unix_dirs, &backend_events,
			link, &link->backend);
	return backend_libvirt_open(h, guest_uuid(link->console->guest),
		*device->alias ? device->alias : NULL, force, &backend_events, link,
		&link->backend);
}

/* --- opening --- */

static bool is_wanted(const struct console *c)
{
	return c->viewer_count > 0 || loop_timer_armed(c->keep_open) ||
	       (c->record == CONSOLE_RECORD_ALL && guest_is_on(c->guest));
}

const struct device *console_device(const struct console *c)
{
	return devices_in_slot(guest_devices(c->guest), c->slot);
}

static void open_backend(struct console *c)
{
	const struct device *device = console_device(c);
	struct hypervisor *h = guest_hypervisor(c->guest);
	char text[DEVICES_NAMES_MAX + 64], names[DEVICES_NAMES_MAX];
	int r;

	c->state = CONSOLE_OPENING;
	if (!device) {
		devices_names(guest_devices(c->guest), names);
		snprintf(text, sizeof(text), "it has no device %s any more%s%s", c->slot,
			*names ? "; it has " : "", names);
		on_open_failed(c, BACKEND_UNSUPPORTED, text);
		return;
	}
	if (strcmp(device->type, "pty") != 0 && strcmp(device->type, "unix") != 0) {
		snprintf(text, sizeof(text), "%s is of type %s",
			*device->alias ? device->alias : c->slot, device->type);
		on_open_failed(c, BACKEND_UNSUPPORTED, text);
		return;
	}
	r = console_link_open(c->link, h, device, c->claim == CLAIM_FORCES);
	if (r == -ENOTCONN)
		on_open_failed(c, BACKEND_UNREACHED, hypervisor_error(h));
	else if (r < 0)
		on_open_failed(c, BACKEND_FAILED, strerror(-r));
}

void console_evaluate(struct console *c)
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
		if (c->unsupported && guest_generation(c->guest) == c->generation)
			break;
		c->unsupported = false;
		if (guest_is_on(c->guest) && !loop_timer_armed(c->retry) &&
			!console_move_pending(c))
			open_backend(c);
		break;
	case CONSOLE_OPENING:
	case CONSOLE_OPEN:
		if (!is_wanted(c)) {
			console_move_drop(c);
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
		console_resolve_step(c);
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

int console_link_init(struct console *c)
{
	int r = loop_timer_add(c->loop, &c->retry, on_retry, c);

	c->links[0].console = c->links[1].console = c;
	c->link = &c->links[0];
	c->incoming = &c->links[1];
	return r ? r : loop_timer_add(c->loop, &c->keep_open, on_keep_open, c);
}

void console_link_finish(struct console *c)
{
	close_link(&c->links[0]);
	close_link(&c->links[1]);
	loop_timer_del(&c->retry);
	loop_timer_del(&c->keep_open);
}
