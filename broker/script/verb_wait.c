/*
 * Task: the verb wait: until the console prints something, or nothing more.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "broker/login/login.h"
#include "broker/script/script.h"
#include "broker/script/wait_answer.h"
#include "broker/script/wait_options.h"
#include "broker/watch/watch.h"
#include "config/rights.h"

struct wait_call {
	struct channel *channel;
	struct loop *loop;
	struct watch *watch;
	bool json, raw;
	bool done; /* the last word is its own */
};

static void on_channel_end(void *arg)
{
	struct wait_call *c = arg;

	watch_destroy(&c->watch);
	loop_defer(c->loop, free, c);
}

/* For an end from outside: where to go on. */
static void on_leave(void *arg, char where[CHANNEL_WHERE_MAX])
{
	struct wait_call *c = arg;

	if (c->watch && !c->done)
		snprintf(where, CHANNEL_WHERE_MAX, "; left at offset %" PRIu64,
			watch_reached(c->watch));
}

static void on_signal(void *arg, enum channel_signal signal)
{
	struct wait_call *c = arg;

	channel_exit(c->channel, STATUS_INTERRUPTED, "interrupted by the client");
}

static const struct channel_ops channel_ops = {
	.signal = on_signal, .leave = on_leave, .end = on_channel_end};

static void on_done(void *arg, const struct watch_end *end)
{
	struct wait_call *c = arg;
	json_t *object = NULL;

	c->done = true;
	if (c->json && end->result != WATCH_ENDED) {
		wait_answer_json(&object, end, c->raw);
		json_answer(c->channel, object);
	} else if (end->result == WATCH_FOUND) {
		wait_answer_text(c->channel, end->found, c->raw);
	}
	wait_answer_exit(c->channel, end);
}

static void on_notice(void *arg, const char *text)
{
	struct wait_call *c = arg;

	channel_complain(c->channel, "%s", text);
}

static const struct watch_events watch_events = {.done = on_done, .notice = on_notice};

static void begin(struct verb_call *call, const struct wait_options *options)
{
	struct wait_call *c = calloc(1, sizeof(*c));
	int r;

	if (!c) {
		channel_exit(call->channel, STATUS_INTERNAL, "out of memory");
		return;
	}
	c->channel = call->channel;
	c->loop = login_loop(call->login);
	c->json = call->json;
	c->raw = options->watch.raw;
	channel_set_handler(call->channel, &channel_ops, c);
	r = watch_create(login_context(call->login)->matcher, c->loop, options->console,
		call->channel, login_who(call->login), &options->watch, &watch_events, c,
		&c->watch);
	if (r < 0)
		wait_answer_refused(call->channel, r);
}

static void run(struct verb_call *call, const void *options)
{
	struct wait_options o = {0};

	if (wait_options_read(call, options, &o) == 0)
		begin(call, &o);
}

#define FIELD(name) offsetof(struct wait_arguments, name)

static const struct verb_option wait_options[] = {
	WAIT_TIMEOUT(FIELD(timeout)),
	{"from", OPTION_POSITION, FIELD(from), "OFFSET|start|-BYTES",
		.help = "look at what was printed since"},
	{"quiet", OPTION_DURATION, FIELD(quiet), "S",
		.help = "end when nothing was printed for so long", .least = WAIT_QUIET_MIN_US,
		.most = WAIT_TIMEOUT_MAX_US, .unless = WATCH_NEVER},
	{"raw", OPTION_FLAG, FIELD(raw), .help = "look at the bytes as they are printed"},
	{"multi", OPTION_FLAG, FIELD(multi), .help = "a pattern may go on in the next line"},
	{"ignore-panic", OPTION_FLAG, FIELD(ignore_panic), .help = "go on after the guest's panic"},
	VERB_OPTION_JSON,
	VERB_OPTION_DEVICE,
};

const struct verb verb_wait = {.name = "wait",
	.example = "'login: $' --timeout 5m",
	.scope = VERB_GUEST,
	.right = RIGHT_VIEW,
	.usage = "wait PATTERN... [--timeout S] [--from OFFSET|start|-BYTES] [--quiet S] [--raw] "
		 "[--multi] [--ignore-panic] [--json] [--device D]",
	.summary = "wait until the console prints something, or nothing more",
	VERB_OPTIONS(wait_options, struct wait_arguments),
	.arguments = VERB_ANY,
	.run = run};
