/* Task: see guest_control.h. Owner: who asked. Knows the console's queue and the hypervisor's
 * orders. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console/guest/console_private.h"
#include "console/guest/guest_control.h"
#include "console/hypervisor/hypervisor_command.h"

#define STEP_US (20 * LOOP_MSEC)

enum control_state {
	CONTROL_WAITING, /* for the console to open and what was typed to be gone */
	CONTROL_ORDERED, /* the hypervisor has been told */
	CONTROL_UNDOING, /* sysrq: told to send a break that takes an earlier one back */
	CONTROL_TYPING,  /* sysrq: its key is on its way */
};

struct console_control {
	struct console *console;
	enum control_kind kind;
	enum control_state state;
	uint8_t key;
	char who[JOURNAL_TEXT_MAX];
	control_done_fn done;
	void *arg;
	struct loop_timer *timer;
	uint64_t begun; /* loop time of the state's beginning */
	struct hypervisor_command *order;
};

const char *control_name(enum control_kind kind)
{
	switch (kind) {
	case CONTROL_BREAK:
		return "break";
	case CONTROL_SYSRQ:
		return "sysrq";
	case CONTROL_NMI:
		return "nmi";
	}
	return "";
}

static void release(struct console_control *k)
{
	hypervisor_command_forget(&k->order);
	loop_timer_del(&k->timer);
	k->console->input.held = false;
	k->console->control = NULL;
	free(k);
}

/* Nothing of k is used from here on. */
static void finish(struct console_control *k, int error, const char *text)
{
	struct console *c = k->console;
	control_done_fn done = k->done;
	void *arg = k->arg;

	release(k);
	done(arg, error, text);
	input_reopen(c);
}

static void enter(struct console_control *k, enum control_state state)
{
	k->state = state;
	k->begun = loop_now(k->console->loop);
	k->console->input.held = state == CONTROL_ORDERED || state == CONTROL_UNDOING;
}

static void mark(struct console_control *k, const char *outcome)
{
	char text[JOURNAL_TEXT_MAX * 2];

	if (k->kind == CONTROL_SYSRQ)
		snprintf(text, sizeof(text), "sysrq %c%s by %s", k->key, outcome, k->who);
	else
		snprintf(text, sizeof(text), "%s%s by %s", control_name(k->kind), outcome, k->who);
	journal_mark(k->console->journal, JOURNAL_BREAK, text);
}

/* --- the order --- */

static bool is_after_break(const struct console *c)
{
	return c->input.after_break && c->input.after_break == guest_generation(c->guest);
}

static void type_key(struct console_control *k)
{
	struct console *c = k->console;

	if (c->state != CONSOLE_OPEN || buf_add(&c->input.queue, &k->key, 1) < 0) {
		finish(k, -ENOTCONN, "the console closed before the key was typed");
		return;
	}
	enter(k, CONTROL_TYPING);
	c->input.progress = k->begun;
	input_pump(c);
}

static void on_ordered(void *arg, int error, const char *text)
{
	struct console_control *k = arg;

	k->order = NULL;
	if (!error && k->kind != CONTROL_NMI)
		k->console->input.after_break =
			is_after_break(k->console) ? 0 : guest_generation(k->console->guest);
	if (error) {
		mark(k, " (failed)");
		finish(k, error, text);
	} else if (k->state == CONTROL_UNDOING) {
		k->console->input.progress = loop_now(k->console->loop);
		enter(k, CONTROL_WAITING);
	} else if (k->kind == CONTROL_SYSRQ) {
		type_key(k);
	} else {
		finish(k, 0, "");
	}
}

static void give_command(struct console_control *k)
{
	struct console *c = k->console;
	const struct device *device = console_device(c);
	struct hypervisor *h = guest_hypervisor(c->guest);
	int r = -ENOTCONN;

	if (!guest_is_on(c->guest) || !h) {
		finish(k, -ENOTCONN, "it is not running");
		return;
	}
	if (device)
		r = hypervisor_command(h,
			k->kind == CONTROL_NMI ? HYPERVISOR_NMI : HYPERVISOR_BREAK,
			guest_uuid(c->guest), device->alias, on_ordered, k, &k->order);
	if (r < 0) {
		finish(k, r, hypervisor_command_refusal(r));
		return;
	}
	if (k->kind == CONTROL_SYSRQ && is_after_break(c)) {
		enter(k, CONTROL_UNDOING);
		return;
	}
	mark(k, "");
	enter(k, CONTROL_ORDERED);
}

/* --- step by step --- */

static bool is_drained(const struct console *c)
{
	return buf_len(&c->input.queue) == 0 &&
	       loop_now(c->loop) - c->input.progress >= CONTROL_QUIET_US;
}

static bool is_settled(const struct console *c)
{
	return loop_now(c->loop) - c->opened_at >= CONTROL_SETTLE_US;
}

/* A break needs no open console, but if there is one it must be ready. */
static void step_waiting(struct console_control *k, uint64_t waited)
{
	struct console *c = k->console;
	int needed = k->kind == CONTROL_SYSRQ;

	if (!guest_is_on(c->guest)) {
		finish(k, -ENOTCONN, "it is not running");
	} else if (c->state != CONSOLE_OPEN) {
		if (!needed && c->state != CONSOLE_OPENING)
			give_command(k);
		else if (waited >= CONTROL_OPEN_US)
			finish(k, -ENOTCONN,
				*c->error_text ? c->error_text : "the console does not open");
	} else if (is_settled(c) && is_drained(c)) {
		give_command(k);
	} else if (waited >= CONTROL_DRAIN_US && is_settled(c)) {
		if (needed)
			finish(k, -ETIMEDOUT, "the guest does not take what was typed before");
		else
			give_command(k); /* what is stuck would stay so; a break may help */
	}
}

static void step_typing(struct console_control *k, uint64_t waited)
{
	struct console *c = k->console;

	if (c->state != CONSOLE_OPEN)
		finish(k, -ENOTCONN, "the console closed before the key was typed");
	else if (buf_len(&c->input.queue) == 0)
		finish(k, 0, "");
	else if (waited >= CONTROL_DRAIN_US)
		finish(k, -ETIMEDOUT, "the guest does not take the key");
}

static void on_timer(void *arg)
{
	struct console_control *k = arg;
	uint64_t waited = loop_now(k->console->loop) - k->begun;

	/* First: a step may be the last one. */
	loop_timer_set(k->timer, STEP_US, 0);
	switch (k->state) {
	case CONTROL_WAITING:
		if (k->kind == CONTROL_NMI)
			give_command(k);
		else
			step_waiting(k, waited);
		break;
	case CONTROL_ORDERED:
	case CONTROL_UNDOING:
		if (waited >= CONTROL_ORDER_US)
			finish(k, -ETIMEDOUT, "the hypervisor does not answer");
		break;
	case CONTROL_TYPING:
		step_typing(k, waited);
		break;
	}
}

/* --- life --- */

int console_control(struct console *c, enum control_kind kind, uint8_t key, const char *who,
	control_done_fn done, void *arg, struct console_control **control)
{
	struct console_control *k;

	if (c->control)
		return -EBUSY;
	k = calloc(1, sizeof(*k));
	if (!k)
		return -ENOMEM;
	k->console = c;
	k->kind = kind;
	k->key = key;
	k->done = done;
	k->arg = arg;
	snprintf(k->who, sizeof(k->who), "%s", who);
	if (loop_timer_add(c->loop, &k->timer, on_timer, k) < 0) {
		free(k);
		return -ENOMEM;
	}
	c->control = k;
	enter(k, CONTROL_WAITING);
	loop_timer_set(k->timer, 0, 0);
	*control = k;
	return 0;
}

void console_control_cancel(struct console_control **control)
{
	struct console_control *k = *control;
	struct console *c;

	*control = NULL;
	if (!k)
		return;
	c = k->console;
	release(k);
	input_reopen(c);
}
