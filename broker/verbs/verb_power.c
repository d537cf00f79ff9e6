/*
 * Task: the verb power: switches a guest on or off. Owner: the channel.
 * It watches the console meanwhile, so that what the guest prints then is in the history.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/login/login.h"
#include "broker/script/wait_options.h"
#include "broker/session/guest_text.h"
#include "broker/verb/json.h"
#include "broker/verbs/verbs.h"
#include "config/rights.h"
#include "config/values.h"
#include "console/guest/console.h"
#include "console/guest/guest_power.h"
#include "core/file/error_text.h"

struct power_call {
	struct channel *channel;
	struct loop *loop;
	struct guest *guest;
	struct console *console; /* NULL: none, or not to be seen */
	struct viewer *viewer;
	struct guest_power *power;
	struct loop_timer *limit;
	enum power_kind kind;
	uint64_t limit_us, offset;
	bool json;
};

struct power_arguments {
	struct option_number wait; /* WATCH_NEVER: as long as it takes */
};

static void ignore(void *arg)
{
}

static void ignore_event(void *arg, const struct console_event *event)
{
}

static const struct viewer_events viewer_events = {ignore, ignore, ignore_event};

/* --- the end --- */

/* The channel lets go. */
static void call_end(void *arg)
{
	struct power_call *c = arg;

	guest_power_cancel(&c->power);
	viewer_destroy(&c->viewer);
	loop_timer_del(&c->limit);
	loop_defer(c->loop, free, c);
}

static void on_signal(void *arg, enum channel_signal signal)
{
	struct power_call *c = arg;

	channel_exit(c->channel, STATUS_INTERRUPTED, "interrupted by the client");
}

static const struct channel_ops channel_ops = {.signal = on_signal, .end = call_end};

static void answer(const struct power_call *c)
{
	json_t *o;

	if (!c->json) {
		if (c->console)
			channel_print(c->channel, "%" PRIu64 "\n", c->offset);
		return;
	}
	o = json_object();
	json_object_set_new(o, "power", json_string(power_name(c->kind)));
	json_object_set_new(o, "state", json_string(guest_state_name(guest_state(c->guest))));
	json_object_set_new(
		o, "offset", c->console ? json_integer((json_int_t)c->offset) : json_null());
	json_answer(c->channel, o);
}

static void on_done(void *arg, int error, const char *text)
{
	struct power_call *c = arg;
	struct channel *channel = c->channel;
	const char *vm = guest_name(c->guest), *name = power_name(c->kind);

	c->power = NULL;
	if (error == -ECONNABORTED) {
		channel_exit(channel, STATUS_CRASHED, "VM %s %s", vm, text);
	} else if (error) {
		channel_exit(channel, guest_power_status(error), "power %s not done on VM %s: %s",
			name, vm, text);
	} else {
		answer(c);
		channel_exit(channel, STATUS_OK, "VM %s %s", vm, text);
	}
}

static void on_limit(void *arg)
{
	struct power_call *c = arg;
	char text[VALUE_NUMBER_TEXT_MAX];

	channel_exit(c->channel, STATUS_TIMEOUT, "power %s timed out after %s: VM %s is %s",
		power_name(c->kind), value_duration_text(c->limit_us, text), guest_name(c->guest),
		guest_state_name(guest_state(c->guest)));
}

/* --- the call --- */

static int read_order(struct verb_call *call, enum power_kind *kind)
{
	if (call->argc == 1 && power_parse(call->argv[0], kind) == 0)
		return 0;
	channel_exit(call->channel, STATUS_USAGE, "power: %s%s; usage: %s",
		call->argc ? "unknown order " : "which order?", call->argc ? call->argv[0] : "",
		call->verb->usage);
	return -EINVAL;
}

static void name_in_audit(struct verb_call *call, enum power_kind kind)
{
	char verb[AUDIT_VERB_MAX];

	snprintf(verb, sizeof(verb), "power %s", power_name(kind));
	audit_trail_verb(channel_trail(call->channel), verb);
}

/* A guest without a console can be switched as well. */
static int find_console(struct verb_call *call, struct power_call *c)
{
	int r;

	if (!(login_rights(call->login, call->guest) & RIGHT_VIEW))
		return 0;
	if (call->device)
		r = verb_kept_console(call, call->device, &c->console);
	else
		r = guest_console(call->guest, NULL, &c->console);
	if (r == 0)
		c->offset = journal_next(console_journal(c->console));
	return r == -ENODEV && !call->device ? 0 : r;
}

static int begin(struct power_call *c, const struct power_arguments *arguments)
{
	const char *who = login_who(channel_login(c->channel));
	const struct viewer_owner owner = {.who = who, .channel = c->channel};
	struct power_wish wish = {.kind = c->kind, .who = who, .till_off = arguments->wait.given};
	int r = loop_timer_add(c->loop, &c->limit, on_limit, c);

	if (r == 0 && c->console && c->kind != POWER_OFF) {
		r = viewer_create(c->console, &owner, &viewer_events, c, &c->viewer);
		wish.console = c->console;
	}
	if (r == 0)
		r = guest_power(c->guest, &wish, on_done, c, &c->power);
	if (r == 0 && c->limit_us != WATCH_NEVER)
		loop_timer_set(c->limit, c->limit_us, 0);
	return r;
}

static void run(struct verb_call *call, const void *options)
{
	const struct power_arguments *arguments = options;
	enum power_kind kind;
	struct power_call *c;
	char room[ERROR_TEXT_ROOM];
	int r;

	if (read_order(call, &kind) < 0)
		return;
	name_in_audit(call, kind);
	c = calloc(1, sizeof(*c));
	if (!c) {
		channel_exit(call->channel, STATUS_INTERNAL, "out of memory");
		return;
	}
	c->channel = call->channel;
	c->loop = login_loop(call->login);
	c->guest = call->guest;
	c->kind = kind;
	c->json = call->json;
	c->limit_us = arguments->wait.value;
	channel_set_handler(call->channel, &channel_ops, c);
	r = find_console(call, c);
	if (r == 0)
		r = begin(c, arguments);
	if (r < 0 && !channel_is_exiting(call->channel))
		channel_exit(call->channel, guest_power_status(r == -EMFILE ? -EBUSY : r),
			"power: %s",
			r == -EMFILE ? "too many viewers of this console"
				     : error_text_shortage(-r, room));
}

static const struct verb_option power_options[] = {
	{"wait", OPTION_DURATION, offsetof(struct power_arguments, wait), "S",
		.help = "until it is done, so long at most", .may_lack = true,
		.most = WAIT_TIMEOUT_MAX_US, .unless = WATCH_NEVER},
	VERB_OPTION_JSON,
	VERB_OPTION_DEVICE,
};

const struct verb verb_power = {.name = "power",
	.example = "reset",
	.scope = VERB_GUEST,
	.right = RIGHT_POWER,
	.usage = "power on|off|reset|shutdown|start-paused|resume [--wait[=S]] [--json] "
		 "[--device D]",
	.summary = "switch a VM on or off; prints the offset of its output before that",
	VERB_OPTIONS(power_options, struct power_arguments),
	.arguments = 1,
	.run = run};
