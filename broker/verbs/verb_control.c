/*
 * Task: the verbs break, sysrq and nmi. Owner: the channel.
 * A sysrq needs an open console, so its call watches one until it is done.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/login/login.h"
#include "broker/verb/json.h"
#include "broker/verbs/verbs.h"
#include "config/rights.h"
#include "console/guest/console.h"
#include "console/guest/guest_control.h"
#include "core/file/error_text.h"

struct control_call {
	struct channel *channel;
	struct console *console;
	enum control_kind kind;
	bool json;
	struct viewer *viewer;
	struct console_control *control;
};

static void ignore(void *arg)
{
}

static void ignore_event(void *arg, const struct console_event *event)
{
}

static const struct viewer_events viewer_events = {ignore, ignore, ignore_event};

/* The channel lets go. */
static void call_end(void *arg)
{
	struct control_call *c = arg;
	struct loop *loop = login_loop(channel_login(c->channel));

	console_control_cancel(&c->control);
	viewer_destroy(&c->viewer);
	loop_defer(loop, free, c);
}

static const struct channel_ops channel_ops = {.end = call_end};

static enum status status_of(int error)
{
	switch (error) {
	case -EBUSY:
	case -EAGAIN:
		return STATUS_BUSY;
	case -EACCES:
		return STATUS_DENIED;
	case -ENOMEM:
		return STATUS_INTERNAL;
	default:
		return STATUS_UNAVAILABLE;
	}
}

static void answer(struct control_call *c)
{
	const char *what = control_name(c->kind);

	if (c->json)
		json_answer(c->channel, json_pack("{s:s}", "sent", what));
	channel_exit(c->channel, STATUS_OK, "%s sent to VM %s", what,
		guest_name(console_guest(c->console)));
}

static void on_done(void *arg, int error, const char *text)
{
	struct control_call *c = arg;
	const char *vm = guest_name(console_guest(c->console));

	c->control = NULL;
	if (error)
		channel_exit(c->channel, status_of(error), "%s not sent to VM %s: %s",
			control_name(c->kind), vm, text);
	else
		answer(c);
}

static int begin(struct control_call *c, uint8_t key)
{
	const char *who = login_who(channel_login(c->channel));
	const struct viewer_owner owner = {.who = who};
	int r = 0;

	if (c->kind == CONTROL_SYSRQ)
		r = viewer_create(c->console, &owner, &viewer_events, c, &c->viewer);
	if (r == 0)
		r = console_control(c->console, c->kind, key, who, on_done, c, &c->control);
	return r;
}

static void send_control(struct verb_call *call, enum control_kind kind, uint8_t key)
{
	const char *vm = guest_name(call->guest);
	struct control_call *c;
	struct console *console;
	char room[ERROR_TEXT_ROOM];
	int r;

	if (!guest_is_on(call->guest)) {
		channel_exit(call->channel, STATUS_UNAVAILABLE, "VM %s is %s", vm,
			guest_state_name(guest_state(call->guest)));
		return;
	}
	if (verb_kept_console(call, call->device, &console) < 0)
		return;
	c = calloc(1, sizeof(*c));
	if (!c) {
		channel_exit(call->channel, STATUS_INTERNAL, "out of memory");
		return;
	}
	c->channel = call->channel;
	c->console = console;
	c->kind = kind;
	c->json = call->json;
	channel_set_handler(call->channel, &channel_ops, c);
	r = begin(c, key);
	if (r < 0)
		channel_exit(call->channel, status_of(r), "%s not sent to VM %s: %s",
			control_name(kind), vm,
			r == -EBUSY ? "another one is under way" : error_text_shortage(-r, room));
}

static void run_break(struct verb_call *call, const void *options)
{
	send_control(call, CONTROL_BREAK, 0);
}

static void run_sysrq(struct verb_call *call, const void *options)
{
	const char *key = call->argc ? call->argv[0] : "";

	if (strlen(key) != 1 || key[0] <= ' ' || key[0] == 0x7f)
		channel_exit(call->channel, STATUS_USAGE,
			"sysrq: the key is one printable character; usage: %s", call->verb->usage);
	else
		send_control(call, CONTROL_SYSRQ, (uint8_t)key[0]);
}

/* Of the machine, whatever consoles it has. */
static void run_nmi(struct verb_call *call, const void *options)
{
	call->device = NULL;
	send_control(call, CONTROL_NMI, 0);
}

static const struct verb_option device_options[] = {VERB_OPTION_DEVICE, VERB_OPTION_JSON};
static const struct verb_option nmi_options[] = {VERB_OPTION_JSON};

const struct verb verb_break = {.name = "break",
	.example = "",
	.scope = VERB_GUEST,
	.right = RIGHT_CONTROL,
	.usage = "break [--device D] [--json]",
	.summary = "send a line break",
	VERB_OPTIONS(device_options, char),
	.run = run_break};

const struct verb verb_sysrq = {.name = "sysrq",
	.example = "h",
	.scope = VERB_GUEST,
	.right = RIGHT_CONTROL,
	.usage = "sysrq [--device D] [--json] KEY",
	.summary = "send a line break, then a key: Linux's sysrq",
	VERB_OPTIONS(device_options, char),
	.arguments = 1,
	.run = run_sysrq};

const struct verb verb_nmi = {.name = "nmi",
	.example = "",
	.scope = VERB_GUEST,
	.right = RIGHT_CONTROL,
	.usage = "nmi [--json]",
	.summary = "send a non-maskable interrupt",
	VERB_OPTIONS(nmi_options, char),
	.run = run_nmi};
