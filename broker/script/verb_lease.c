/*
 * Task: the verb lease: the keyboard for a script over several connections. Owner: the channel.
 * It asks for the keyboard as a viewer, and waits among the others who do.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/login/lease_holder.h"
#include "broker/login/login.h"
#include "broker/script/script.h"
#include "broker/verb/json.h"
#include "config/rights.h"
#include "console/guest/console.h"
#include "console/guest/guest.h"
#include "console/guest/lease.h"
#include "core/file/error_text.h"
#include "core/text/utc.h"

#define TTL_DEFAULT_US (300 * LOOP_SECOND)
#define TTL_DEFAULT_TEXT "5m"

struct lease_call {
	struct channel *channel;
	struct console *console;
	struct loop *loop;
	struct viewer *viewer;
	struct loop_timer *limit;
	uint64_t ttl_us, wait_us;
	bool json;
};

/* --- the end --- */

static void on_channel_end(void *arg)
{
	struct lease_call *l = arg;

	viewer_destroy(&l->viewer);
	loop_timer_del(&l->limit);
	loop_defer(l->loop, free, l);
}

static const struct channel_ops channel_ops = {.end = on_channel_end};

static void on_limit(void *arg)
{
	struct lease_call *l = arg;
	char who[KEYBOARD_TEXT_MAX];

	channel_exit(l->channel, STATUS_TIMEOUT,
		"timed out after %" PRIu64 "s: the keyboard is with %s", l->wait_us / LOOP_SECOND,
		console_keyboard_text(l->console, who));
}

/* --- it is had --- */

static void say_why_not(struct lease_call *l, int error)
{
	char room[ERROR_TEXT_ROOM];

	if (error == -ELOOP)
		channel_exit(l->channel, STATUS_DENIED,
			"no lease: you came by a ticket that was made with a ticket, and so on; "
			"log in with a key");
	else if (error == -ETIME)
		channel_exit(l->channel, STATUS_DENIED,
			"no lease: what you logged in with is about to run out");
	else
		channel_exit(l->channel, STATUS_INTERNAL, "no lease: %s; try again later",
			error == -EIO ? "the system gives no random numbers"
				      : error_text_shortage(-error, room));
}

/* A token that nobody takes would keep the keyboard from everybody. */
static int give_token(struct lease_call *l, const char token[TOKEN_ROOM])
{
	char until[UTC_TEXT], text[TOKEN_ROOM + 64];
	int r;

	utc_text(console_lease(l->console)->until, until);
	if (l->json)
		snprintf(text, sizeof(text), "{\"token\":\"%s\",\"until\":\"%s\"}\n", token, until);
	else
		snprintf(text, sizeof(text), "%s\n", token);
	r = channel_put(l->channel, text, strlen(text));
	explicit_bzero(text, sizeof(text));
	if (r < 0)
		console_lease_end(l->console, "nobody has taken the token");
	else
		channel_exit(l->channel, STATUS_OK, "the keyboard is leased until %s", until);
	return r;
}

/* What was proved may be good for less. */
static int lease(struct lease_call *l, char token[TOKEN_ROOM])
{
	struct lease_holder *holder = NULL;
	struct lease_terms terms = {.who = login_who(channel_login(l->channel)),
		.ttl_us = lease_holder_time(l->channel),
		.ended = lease_holder_ended};
	int r;

	if (terms.ttl_us > l->ttl_us)
		terms.ttl_us = l->ttl_us;
	if (terms.ttl_us < LOOP_SECOND)
		return -ETIME;
	r = lease_holder_create(l->channel, &holder);
	if (r < 0)
		return r;
	terms.holder = holder;
	r = viewer_lease(l->viewer, &terms, token);
	if (r < 0)
		lease_holder_destroy(holder);
	return r;
}

static void have_it(struct lease_call *l)
{
	char token[TOKEN_ROOM];
	int r = lease(l, token);

	if (r < 0)
		say_why_not(l, r);
	else if (give_token(l, token) < 0)
		channel_exit(l->channel, STATUS_INTERNAL, "no lease: the client takes no answer");
	explicit_bzero(token, sizeof(token));
}

static void ignore(void *arg)
{
}

static void on_event(void *arg, const struct console_event *event)
{
	if (event->kind == CONSOLE_EV_KEYBOARD && event->mode == VIEWER_WRITES)
		have_it(arg);
}

static const struct viewer_events viewer_events = {ignore, ignore, on_event};

/* --- the call --- */

struct lease_arguments {
	struct option_number ttl, wait;
	const char *release;
	bool end;
};

static int make_parts(struct verb_call *call, struct lease_call *l)
{
	const struct viewer_owner owner = {
		login_who(call->login), call->channel, .is_reader = false};
	int r = loop_timer_add(l->loop, &l->limit, on_limit, l);

	return r < 0 ? r : viewer_create(l->console, &owner, &viewer_events, l, &l->viewer);
}

static void ask(struct lease_call *l, const struct option_number *wait)
{
	char who[KEYBOARD_TEXT_MAX];

	if (viewer_take_to_lease(l->viewer) == 0) {
		have_it(l);
		return;
	}
	console_keyboard_text(l->console, who);
	if (!wait->given) {
		channel_exit(l->channel, STATUS_BUSY, "the keyboard is with %s: no lease", who);
		return;
	}
	channel_complain(l->channel, "the keyboard is with %s: waiting for it", who);
	if (wait->value)
		loop_timer_set(l->limit, wait->value, 0);
}

static void begin(
	struct verb_call *call, struct console *console, const struct lease_arguments *arguments)
{
	struct lease_call *l = calloc(1, sizeof(*l));
	char room[ERROR_TEXT_ROOM];
	int r;

	if (!l) {
		channel_exit(call->channel, STATUS_INTERNAL, "out of memory");
		return;
	}
	l->channel = call->channel;
	l->console = console;
	l->loop = login_loop(call->login);
	l->ttl_us = arguments->ttl.value;
	l->wait_us = arguments->wait.value;
	l->json = call->json;
	channel_need(call->channel, call->guest, RIGHT_TYPE);
	channel_set_handler(call->channel, &channel_ops, l);
	r = make_parts(call, l);
	if (r == -EMFILE)
		channel_exit(call->channel, STATUS_BUSY, "too many sessions on this console");
	else if (r < 0)
		channel_exit(call->channel, STATUS_INTERNAL, "no lease: %s",
			error_text_shortage(-r, room));
	else
		ask(l, &arguments->wait);
}

static void release(struct verb_call *call, struct console *console, const char *token)
{
	char why[LEASE_WHY_MAX];

	if (console_lease_release(console, token, why) < 0)
		channel_exit(call->channel, STATUS_BUSY, "%s", why);
	else
		channel_exit(call->channel, STATUS_OK, NULL);
}

/* An administrator may, and who could take the keyboard. */
static void end(struct verb_call *call, struct console *console)
{
	const struct lease_info *lease = console_lease(console);

	if (!(login_rights(call->login, call->guest) & RIGHT_ADMIN) &&
		verb_allowed(call, RIGHT_FORCE) < 0)
		return;
	if (!lease) {
		channel_exit(call->channel, STATUS_NOT_FOUND, "the keyboard of VM %s is not leased",
			guest_name(call->guest));
		return;
	}
	channel_complain(call->channel, "the lease of %s is broken", lease->who);
	console_lease_break(console, login_who(call->login));
	channel_exit(call->channel, STATUS_OK, NULL);
}

static void run(struct verb_call *call, const void *options)
{
	const struct lease_arguments *arguments = options;
	struct console *console;

	if (!arguments->release && !arguments->end && verb_allowed(call, RIGHT_TYPE) < 0)
		return;
	if (verb_kept_console(call, call->device, &console) < 0)
		return;
	if (arguments->release)
		release(call, console, arguments->release);
	else if (arguments->end)
		end(call, console);
	else
		begin(call, console, arguments);
}

#define FIELD(name) offsetof(struct lease_arguments, name)

static const struct verb_option lease_options[] = {
	{"ttl", OPTION_DURATION, FIELD(ttl), "S", .help = "how long at most: " TTL_DEFAULT_TEXT,
		.least = LOOP_SECOND, .most = LEASE_TTL_MAX_US, .unless = TTL_DEFAULT_US,
		.cure = "write a time from 1s to 24h"},
	{"wait", OPTION_DURATION, FIELD(wait), "S",
		.help = "wait until it is to be had, so long at most", .may_lack = true,
		.most = VERB_OPTION_TIME_MAX, .group = 1},
	{"release", OPTION_TEXT, FIELD(release), "TOKEN", .help = "give it up", .group = 1},
	{"break", OPTION_FLAG, FIELD(end), .help = "end somebody else's", .group = 1},
	VERB_OPTION_JSON,
	VERB_OPTION_DEVICE,
};

const struct verb verb_lease = {.name = "lease",
	.example = "--ttl 10m",
	.scope = VERB_GUEST,
	.usage = "lease [--ttl S] [--wait[=S]] [--release TOKEN] [--break] [--json] [--device D]",
	.summary = "the keyboard for a script, over several connections",
	VERB_OPTIONS(lease_options, struct lease_arguments),
	.run = run};
