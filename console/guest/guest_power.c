/* Task: see guest_power.h. Owner: who asked. Knows the guest's consoles and the hypervisor's
 * orders. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console/guest/console_private.h"
#include "console/guest/guest_control.h"
#include "console/guest/guest_private.h"
#include "console/guest/guest_power.h"
#include "console/hypervisor/hypervisor_command.h"
#include "core/log.h"

#define STEP_US (20 * LOOP_MSEC)
#define TEXT_MAX 512

enum power_state {
	POWER_READIES, /* the console of a guest that is on opens */
	POWER_ORDERED, /* the hypervisor has been told */
	POWER_ASKS,    /* it has done it; how the guest is now */
	POWER_OPENS,   /* the console of a guest that was started opens */
	POWER_AWAITS,  /* the guest was asked to shut down */
	POWER_OVER,    /* freed after the turn */
};

struct guest_power {
	struct guest *guest;
	struct power_wish wish;
	char who[JOURNAL_TEXT_MAX];
	enum power_state state;
	bool ends;          /* its consoles take no input any more */
	bool resumed;       /* one that was started paused has been ordered to run */
	uint64_t begun;     /* loop time of the state's beginning */
	power_done_fn done; /* NULL: cancelled */
	void *arg;
	struct loop_timer *timer;
	struct hypervisor_command *order;
	struct hypervisor *asked;
	int refusal; /* the hypervisor's, of an order that the guest may have been faster than */
	char refused[TEXT_MAX];
};

static const struct {
	const char *name, *done;
	enum hypervisor_command_kind order;
} kinds[] = {
	[POWER_ON] = {"on", "was started", HYPERVISOR_START},
	[POWER_OFF] = {"off", "was powered off", HYPERVISOR_DESTROY},
	[POWER_RESET] = {"reset", "was reset", HYPERVISOR_RESET},
	[POWER_SHUTDOWN] = {"shutdown", "was asked to shut down", HYPERVISOR_SHUTDOWN},
	[POWER_START_PAUSED] = {"start-paused", "was started paused", HYPERVISOR_START_PAUSED},
	[POWER_RESUME] = {"resume", "runs again", HYPERVISOR_RESUME},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

const char *power_name(enum power_kind kind)
{
	return kinds[kind].name;
}

int power_parse(const char *word, enum power_kind *kind)
{
	for (size_t i = 0; i < KINDS; i++) {
		if (strcmp(word, kinds[i].name) == 0) {
			*kind = (enum power_kind)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* --- what fits to a state --- */

enum power_fit { FIT_DO, FIT_ALREADY, FIT_NOT };

static enum power_fit fit_off(enum power_kind kind)
{
	switch (kind) {
	case POWER_ON:
	case POWER_START_PAUSED:
		return FIT_DO;
	case POWER_OFF:
	case POWER_SHUTDOWN:
		return FIT_ALREADY;
	case POWER_RESET:
	case POWER_RESUME:
		break;
	}
	return FIT_NOT;
}

static enum power_fit fit_running(enum power_kind kind)
{
	switch (kind) {
	case POWER_ON:
	case POWER_RESUME:
		return FIT_ALREADY;
	case POWER_OFF:
	case POWER_RESET:
	case POWER_SHUTDOWN:
		return FIT_DO;
	case POWER_START_PAUSED:
		break;
	}
	return FIT_NOT;
}

static enum power_fit fit(enum power_kind kind, enum guest_state state)
{
	switch (state) {
	case GUEST_OFF:
		return fit_off(kind);
	case GUEST_RUNNING:
		return fit_running(kind);
	case GUEST_PAUSED:
		return kind == POWER_OFF || kind == POWER_RESET || kind == POWER_RESUME ? FIT_DO
											: FIT_NOT;
	case GUEST_CRASHED:
		return kind == POWER_OFF || kind == POWER_RESET ? FIT_DO : FIT_NOT;
	case GUEST_UNREACHABLE:
	case GUEST_GONE:
		break;
	}
	return FIT_NOT;
}

/* It is started paused, and resumed when the console is open. */
static bool is_held(const struct power_wish *wish)
{
	return wish->kind == POWER_ON && wish->from_first && wish->console;
}

/* --- the end --- */

/* Nobody waits for the console any more: what was started paused for that runs all the same. */
static void let_run(struct guest_power *p)
{
	struct hypervisor *h = guest_hypervisor(p->guest);
	struct hypervisor_command *order;
	int r;

	if (!is_held(&p->wish) || p->resumed)
		return;
	hypervisor_command_forget_and_resume(&p->order);
	if (p->state != POWER_ASKS && p->state != POWER_OPENS)
		return;
	r = h ? hypervisor_command(
			h, HYPERVISOR_RESUME, guest_uuid(p->guest), NULL, NULL, NULL, &order)
	      : -ENOTCONN;
	if (r < 0)
		log_warning("VM %s was started and stays paused: %s", guest_name(p->guest),
			hypervisor_command_refusal(r));
}

static void release(struct guest_power *p)
{
	let_run(p);
	p->state = POWER_OVER;
	hypervisor_command_forget(&p->order);
	if (p->asked)
		hypervisor_forget(p->asked, p);
	loop_timer_del(&p->timer);
	loop_defer(p->guest->loop, free, p);
	if (p->ends)
		guest_expect_off(p->guest, false);
}

/* Whoever is told anything may cancel it from there. */
static void finish(struct guest_power *p, int error, const char *text)
{
	release(p);
	if (p->done)
		p->done(p->arg, error, text);
}

static void finish_done(struct guest_power *p)
{
	finish(p, 0, kinds[p->wish.kind].done);
}

/* Tells those who watch, and the histories. why NULL: it begins; else it has failed. False: it is
 * over now. */
static bool tell(struct guest_power *p, const char *why)
{
	const char *name = power_name(p->wish.kind);
	char mark[JOURNAL_TEXT_MAX * 2], notice[TEXT_MAX];
	size_t i;

	snprintf(mark, sizeof(mark), "%s%s by %s", name, why ? " (failed)" : "", p->who);
	snprintf(notice, sizeof(notice), "VM %.100s: power %s by %s%s%s", guest_name(p->guest),
		name, p->who, why ? " has failed: " : "", why ? why : "");
	for (i = 0; i < p->guest->console_count; i++) {
		struct console *c = p->guest->consoles[i];

		journal_mark(c->journal, JOURNAL_POWER, mark);
		console_notify_kind(c, CONSOLE_EV_NOTICE, notice);
	}
	return p->state != POWER_OVER;
}

static void enter(struct guest_power *p, enum power_state state)
{
	p->state = state;
	p->begun = loop_now(p->guest->loop);
}

/* --- the console --- */

/* QEMU looks at a pty that has just been opened a second later: till then output is lost. */
static bool is_open(const struct console *c, bool settled)
{
	return c->state == CONSOLE_OPEN &&
	       (!settled || loop_now(c->loop) - c->opened_at >= CONTROL_SETTLE_US);
}

/* Nothing is to be waited for, or it has been waited for long enough. */
static bool is_ready(const struct guest_power *p, bool settled)
{
	return !p->wish.console || is_open(p->wish.console, settled) ||
	       loop_now(p->guest->loop) - p->begun >= POWER_CONSOLE_US;
}

static bool is_start(enum power_kind kind)
{
	return kind == POWER_ON || kind == POWER_START_PAUSED;
}

/* --- the order --- */

static void fail(struct guest_power *p, int error, const char *text)
{
	char why[TEXT_MAX];

	snprintf(why, sizeof(why), "%s", text);
	if (p->resumed)
		snprintf(why, sizeof(why), "it was started and stays paused: %s", text);
	if (tell(p, why))
		finish(p, error, why);
}

static bool has_ended(const struct guest *g)
{
	enum guest_state state = guest_state(g);

	return state == GUEST_OFF || state == GUEST_GONE || state == GUEST_CRASHED;
}

static void on_state(void *arg, int error, const struct location_info *info)
{
	struct guest_power *p = arg;

	p->asked = NULL;
	if (error)
		finish(p, -ENOTCONN, "the hypervisor has gone away meanwhile");
	else if (p->refusal && !has_ended(p->guest))
		fail(p, p->refusal, p->refused);
	else if (p->wish.console && is_start(p->wish.kind) && !p->resumed)
		enter(p, POWER_OPENS);
	else if (p->wish.till_off)
		enter(p, POWER_AWAITS);
	else
		finish_done(p);
}

static void on_ordered(void *arg, int error, const char *text)
{
	struct guest_power *p = arg;
	struct hypervisor *h = guest_hypervisor(p->guest);
	int r;

	p->order = NULL;
	if (error && !(p->wish.kind == POWER_SHUTDOWN && p->wish.till_off)) {
		fail(p, error, text);
		return;
	}
	/* Who has just panicked, or gone, is not asked to shut down either. */
	p->refusal = error;
	if (error)
		snprintf(p->refused, sizeof(p->refused), "%s", text);
	enter(p, POWER_ASKS);
	r = h ? hypervisor_ask(h, guest_uuid(p->guest), on_state, p) : -ENOENT;
	if (r == 0)
		p->asked = h;
	else
		on_state(p, r == -ENOENT ? 0 : r, NULL); /* a transient guest that was ended */
}

static void give_command(struct guest_power *p, enum hypervisor_command_kind kind)
{
	struct hypervisor *h = guest_hypervisor(p->guest);
	int r = h ? hypervisor_command(
			    h, kind, guest_uuid(p->guest), NULL, on_ordered, p, &p->order)
		  : -ENOTCONN;

	if (r < 0)
		finish(p, r, hypervisor_command_refusal(r));
	else
		enter(p, POWER_ORDERED);
}

static const char *cure(enum guest_state state)
{
	switch (state) {
	case GUEST_OFF:
		return "; see: power on";
	case GUEST_PAUSED:
		return "; see: power resume";
	case GUEST_CRASHED:
		return "; see: power reset, power off";
	case GUEST_RUNNING:
	case GUEST_UNREACHABLE:
	case GUEST_GONE:
		break;
	}
	return "";
}

/* Before the guest is ended nothing more is typed. False: it is over now. */
static bool calm(struct guest_power *p)
{
	p->ends = p->wish.kind == POWER_OFF;
	if (p->ends)
		guest_expect_off(p->guest, true);
	return p->state != POWER_OVER;
}

static void begin(struct guest_power *p)
{
	enum guest_state state = guest_state(p->guest);
	char text[TEXT_MAX];

	switch (fit(p->wish.kind, state)) {
	case FIT_ALREADY:
		snprintf(text, sizeof(text), "is %s already", guest_state_name(state));
		finish(p, 0, text);
		return;
	case FIT_NOT:
		snprintf(text, sizeof(text), "it is %s%s", guest_state_name(state), cure(state));
		finish(p, -ENOTCONN, text);
		return;
	case FIT_DO:
		break;
	}
	if (tell(p, NULL) && calm(p))
		give_command(
			p, is_held(&p->wish) ? HYPERVISOR_START_PAUSED : kinds[p->wish.kind].order);
}

/* --- step by step --- */

static void step_opens(struct guest_power *p)
{
	if (!is_ready(p, is_held(&p->wish)))
		return;
	if (!is_held(&p->wish)) {
		finish_done(p);
		return;
	}
	p->resumed = true;
	give_command(p, HYPERVISOR_RESUME);
}

static void step_awaits(struct guest_power *p)
{
	enum location_reason reason = guest_stop_reason(p->guest);

	switch (guest_state(p->guest)) {
	case GUEST_OFF:
	case GUEST_GONE:
		if (reason == LOCATION_REASON_CRASHED || reason == LOCATION_REASON_FAILED)
			finish(p, -ECONNABORTED, "has crashed");
		else
			finish(p, 0, "is off");
		break;
	case GUEST_CRASHED:
		finish(p, -ECONNABORTED, "has panicked");
		break;
	case GUEST_RUNNING:
	case GUEST_PAUSED:
	case GUEST_UNREACHABLE:
		break;
	}
}

static void on_timer(void *arg)
{
	struct guest_power *p = arg;

	/* First: a step may be the last one. */
	loop_timer_set(p->timer, STEP_US, 0);
	switch (p->state) {
	case POWER_READIES:
		if (!guest_is_on(p->guest) || is_ready(p, true))
			begin(p);
		break;
	case POWER_ORDERED:
	case POWER_ASKS:
		if (loop_now(p->guest->loop) - p->begun >= POWER_ORDER_US)
			finish(p, -ETIMEDOUT, "the hypervisor does not answer");
		break;
	case POWER_OPENS:
		step_opens(p);
		break;
	case POWER_AWAITS:
		step_awaits(p);
		break;
	case POWER_OVER:
		break;
	}
}

/* --- life --- */

int guest_power(struct guest *g, const struct power_wish *wish, power_done_fn done, void *arg,
	struct guest_power **out)
{
	struct guest_power *p = calloc(1, sizeof(*p));

	*out = NULL;
	if (!p)
		return -ENOMEM;
	p->guest = g;
	p->wish = *wish;
	p->done = done;
	p->arg = arg;
	snprintf(p->who, sizeof(p->who), "%s", wish->who);
	if (loop_timer_add(g->loop, &p->timer, on_timer, p) < 0) {
		free(p);
		return -ENOMEM;
	}
	enter(p, POWER_READIES);
	loop_timer_set(p->timer, 0, 0);
	*out = p;
	return 0;
}

void guest_power_cancel(struct guest_power **power)
{
	struct guest_power *p = *power;

	*power = NULL;
	if (!p)
		return;
	p->done = NULL;
	if (p->state != POWER_OVER)
		release(p);
}
