/*
 * Task: a console as a whole: made, told of its guest, recorded, ended. Owner: the guest.
 * The way to the guest is in console_link.c, its end in console_end.c, its move to another host in
 * console_move.c, the keyboard in keyboard.c, the viewers in viewer.c.
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "console/guest/console_private.h"
#include "core/log.h"
#include "core/file/error_text.h"

/* --- told by the guest --- */

static void ask_record(struct console *c)
{
	const struct device *device = console_device(c);

	if (c->options->record && device)
		c->record = c->options->record(c->options->record_arg, c->guest, device);
}

static enum stuck_guest stuck_guest(const struct guest *g)
{
	enum guest_state state = guest_state(g);

	if (guest_is_ending(g))
		return STUCK_ENDING;
	return state == GUEST_PAUSED || state == GUEST_CRASHED ? STUCK_PAUSED : STUCK_RUNS;
}

void console_guest_changed(struct console *c)
{
	ask_record(c);
	journal_set_record(c->journal, c->record != CONSOLE_RECORD_NONE);
	console_move_check(c);
	stuck_guest_is(c->stuck, stuck_guest(c->guest));
	if (c->state == CONSOLE_RESOLVING) {
		/* An end that was told as an I/O error waits its second all the same. */
		if (!c->asked)
			console_resolve_by_state(c);
		return;
	}
	if (c->state == CONSOLE_WAITING && c->was_on && !guest_is_on(c->guest) &&
		guest_state(c->guest) != GUEST_UNREACHABLE) {
		loop_timer_stop(c->retry);
		c->down_since = 0;
		console_notify_stopped(c, console_stop_of(guest_stop_reason(c->guest)));
	}
	if (!guest_is_on(c->guest))
		c->early_since = 0;
	if (c->state == CONSOLE_WAITING && c->early_since)
		loop_timer_set(c->retry, 0, 0); /* it may have been started now */
	else
		console_evaluate(c);
}

/* What was refused by the old ones may be allowed now; texts are looked for anew. */
void console_options_changed(struct console *c)
{
	c->unsupported = false;
	c->panic_state = 0;
	console_guest_changed(c);
}

void console_guest_event(struct console *c, enum console_event_kind kind)
{
	if (kind == CONSOLE_EV_REBOOTED) {
		console_mark_boot(c, "rebooted");
		console_panic_booted(c);
		stuck_rebooted(c->stuck);
		c->input.after_break = 0;
	} else if (kind == CONSOLE_EV_PANICKED)
		journal_mark(c->journal, JOURNAL_CRASH, "the guest reported a panic");
	console_notify_kind(c, kind, "");
}

/* --- life --- */

static void notify_recording(void *arg)
{
	struct console *c = arg;

	console_notify_kind(
		c, CONSOLE_EV_RECORDING, c->recording_error ? strerror(-c->recording_error) : "");
}

/* Its folder, when it has one. */
static void journal_folder(const struct console *c, char dir[PATH_MAX])
{
	snprintf(dir, PATH_MAX, "%s/journal/%s/%s",
		c->options->state_dir ? c->options->state_dir : "", guest_uuid_text(c->guest),
		c->slot);
}

/* Called from inside the journal, which must not be used now. */
static void on_recording_error(void *arg, int error)
{
	struct console *c = arg;
	char dir[PATH_MAX], room[ERROR_TEXT_ROOM];

	journal_folder(c, dir);
	if (error)
		log_error("%s %s: history goes on in memory: %s: %s", guest_name(c->guest), c->slot,
			dir, error_text(dir, -error, R_OK | W_OK | X_OK, room));
	else
		log_info("%s %s: history is written again", guest_name(c->guest), c->slot);
	c->recording_error = error;
	if (c->viewer_count > 0)
		loop_timer_set(c->recording, 0, 0);
}

static int create_journal(struct console *c)
{
	struct journal_options options = {.memory = c->options->history_memory,
		.store = c->options->store,
		.record = c->record != CONSOLE_RECORD_NONE,
		.on_error = on_recording_error,
		.arg = c};
	char dir[PATH_MAX];

	if (c->options->state_dir) {
		journal_folder(c, dir);
		options.dir = dir;
	}
	int r = journal_create(&options, &c->journal);

	if (!r)
		console_modes_begin(c);
	return r;
}

static void stuck_pump(void *arg)
{
	input_pump(arg);
}

static int stuck_ask(void *arg)
{
	return console_ask(arg);
}

static int stuck_renew(void *arg, unsigned times)
{
	return console_move_renew(arg, times);
}

static void stuck_end(void *arg)
{
	console_link_end(arg);
}

static const struct stuck_orders stuck_orders = {stuck_pump, stuck_ask, stuck_renew, stuck_end};

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
	ask_record(c);
	if (input_init(c) < 0 || loop_timer_add(loop, &c->recording, notify_recording, c) < 0 ||
		lease_init(c) < 0 || create_journal(c) < 0 || console_link_init(c) < 0 ||
		console_move_init(c) < 0 || stuck_create(loop, &stuck_orders, c, &c->stuck) < 0) {
		console_destroy(c);
		return NULL;
	}
	return c;
}

void console_destroy(struct console *c)
{
	if (!c)
		return;
	if (c->asked)
		hypervisor_forget(c->asked, c);
	console_link_finish(c);
	console_move_finish(c);
	stuck_destroy(&c->stuck);
	loop_timer_del(&c->recording);
	lease_finish(c);
	input_finish(c);
	console_modes_end(c);
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

const char *console_error(const struct console *c)
{
	return c->error_text;
}

bool console_is_held(const struct console *c)
{
	return c->obstacle == BACKEND_BUSY || c->claim == CLAIM_EVICTED;
}

bool console_is_early(const struct console *c)
{
	return c->early_since && loop_now(c->loop) - c->early_since < CONSOLE_EARLY_MAX_US;
}

bool console_is_unsupported(const struct console *c)
{
	return c->unsupported;
}
