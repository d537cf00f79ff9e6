/*
 * Task: the verb run: a command at the guest's shell prompt, its output and its exit status.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "broker/login/login.h"
#include "broker/script/run_marks.h"
#include "broker/script/typist.h"
#include "broker/script/wait_answer.h"
#include "broker/script/wait_options.h"
#include "broker/script/script.h"
#include "broker/watch/watch.h"
#include "config/rights.h"
#include "console/guest/console.h"
#include "console/replay/replay.h"
#include "wire/msg.h"

#define RUN_BEGIN_US (30 * LOOP_SECOND) /* for a shell to begin with what was typed */
#define PIECE ((size_t)4096)

struct run_call {
	struct channel *channel;
	struct loop *loop;
	struct watch *watch;
	struct typist *typist;
	struct run_marks marks;
	struct replay_filter filter;
	bool shown; /* on a terminal: filtered, for its answers would go to the caller's shell */
	bool told;  /* the last word was said */
	struct loop_timer *begin;
	uint8_t out[PIECE + RUN_MARK_MAX + REPLAY_ROOM]; /* that the channel has not taken yet */
	size_t out_len;
};

/* --- the end --- */

static void free_call(void *arg)
{
	free(arg);
}

static void on_channel_end(void *arg)
{
	struct run_call *r = arg;

	r->told = true;
	typist_destroy(&r->typist);
	watch_destroy(&r->watch);
	loop_timer_del(&r->begin);
	loop_defer(r->loop, free_call, r);
}

static const char *how_far(const struct run_call *r)
{
	if (r->marks.state >= RUN_INSIDE)
		return "; the command had begun and has not ended";
	if (r->typist && typist_has_begun(r->typist))
		return "; the command was typed, and no shell has begun with it";
	return "; nothing was typed";
}

static void give_up(struct run_call *r, enum status status, const char *why)
{
	if (r->told)
		return;
	r->told = true;
	channel_exit(r->channel, status, "%s%s", why, how_far(r));
}

/* An end from outside says how far it came. */
static void on_leave(void *arg, char where[CHANNEL_WHERE_MAX])
{
	struct run_call *r = arg;
	const char *text;
	size_t len;

	if (r->shown) {
		text = replay_prologue(&len);
		if (channel_put(r->channel, text, len) < 0)
			return;
	}
	if (!r->told)
		snprintf(where, CHANNEL_WHERE_MAX, "%s", how_far(r));
}

static void finish(struct run_call *r)
{
	r->told = true;
	channel_exit(r->channel, (enum status)r->marks.status, "the command ended with status %d",
		r->marks.status);
}

/* --- output --- */

/* Whether all is gone that there was. */
static bool flush(struct run_call *r)
{
	if (r->out_len && channel_send(r->channel, r->out, r->out_len) == 0)
		return false;
	r->out_len = 0;
	if (r->marks.state == RUN_ENDED && !r->told)
		finish(r);
	return true;
}

static void on_writable(void *arg)
{
	struct run_call *r = arg;

	if (flush(r) && !r->told)
		watch_more(r->watch);
}

static size_t on_output(void *arg, const uint8_t *data, size_t len)
{
	struct run_call *r = arg;
	uint8_t text[PIECE + RUN_MARK_MAX];
	size_t n, consumed;

	if (r->out_len)
		return 0;
	if (len > PIECE)
		len = PIECE;
	n = run_marks_take(&r->marks, data, len, text);
	if (r->marks.state >= RUN_INSIDE)
		loop_timer_stop(r->begin);
	if (r->shown) {
		r->out_len = replay_filter(&r->filter, text, n, r->out, sizeof(r->out), &consumed);
	} else {
		memcpy(r->out, text, n);
		r->out_len = n;
	}
	(void)flush(r);
	return len;
}

/* --- events --- */

static void on_watch_done(void *arg, const struct watch_end *end)
{
	give_up(arg, end->status, end->text);
}

static void on_notice(void *arg, const char *text)
{
	struct run_call *r = arg;

	channel_complain(r->channel, "%s", text);
}

static void on_room(void *arg)
{
	struct run_call *r = arg;

	typist_room(r->typist);
}

static void on_console_event(void *arg, const struct console_event *event)
{
	struct run_call *r = arg;

	if (r->typist)
		typist_event(r->typist, event);
}

static const struct watch_events watch_events = {.done = on_watch_done,
	.notice = on_notice,
	.output = on_output,
	.room = on_room,
	.event = on_console_event};

static void on_typed(void *arg)
{
	struct run_call *r = arg;

	if (r->marks.state < RUN_INSIDE && !loop_timer_armed(r->begin))
		loop_timer_set(r->begin, RUN_BEGIN_US, 0);
}

static void on_begun(void *arg)
{
}

static void on_typist_failed(void *arg, enum status status, const char *why)
{
	give_up(arg, status, why);
}

static const struct typist_events typist_events = {
	.begun = on_begun, .idle = on_typed, .failed = on_typist_failed};

static void on_no_begin(void *arg)
{
	give_up(arg, STATUS_TIMEOUT, "nothing has answered for 30s: is this a shell's prompt?");
}

static void on_signal(void *arg, enum channel_signal signal)
{
	struct run_call *r = arg;

	channel_exit(r->channel, STATUS_INTERRUPTED, "interrupted by the client");
}

static const struct channel_ops channel_ops = {
	.writable = on_writable, .signal = on_signal, .leave = on_leave, .end = on_channel_end};

/* --- the call --- */

struct run_arguments {
	bool force;
	const char *lease; /* NULL: none */
	struct option_number timeout;
};

struct run_options {
	bool force;
	const char *lease; /* a token, in the call; NULL: none */
	uint64_t timeout_us;
	struct console *console;
	char command[WIRE_COMMAND_MAX + 1];
};

/* Several words are one command with blanks between them, as with ssh. */
static void join_words(const struct verb_call *call, char out[WIRE_COMMAND_MAX + 1])
{
	size_t len = 0;
	int i;

	for (i = 0; i < call->argc; i++)
		len += (size_t)snprintf(
			out + len, WIRE_COMMAND_MAX + 1 - len, "%s%s", i ? " " : "", call->argv[i]);
}

static int read_options(
	struct verb_call *call, const struct run_arguments *arguments, struct run_options *o)
{
	o->force = arguments->force;
	o->lease = verb_lease_token(call, arguments->lease);
	o->timeout_us = arguments->timeout.value;
	if (call->argc == 0) {
		channel_exit(call->channel, STATUS_USAGE, "run: which command? usage: %s",
			call->verb->usage);
		return -EINVAL;
	}
	if (verb_allowed(call, RIGHT_VIEW) < 0 || (o->force && verb_allowed(call, RIGHT_FORCE) < 0))
		return -EACCES;
	channel_need(call->channel, call->guest, call->verb->right | RIGHT_VIEW);
	join_words(call, o->command);
	return verb_console(call, &o->console);
}

static int make_line(
	struct verb_call *call, struct run_call *r, const char *command, char out[RUN_LINE_MAX + 2])
{
	char id[RUN_ID_LEN + 1];
	uint64_t number;
	size_t at, len;
	int result;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number)) {
		channel_exit(call->channel, STATUS_INTERNAL, "no random numbers");
		return -EIO;
	}
	snprintf(id, sizeof(id), "%016" PRIx64, number);
	run_marks_init(&r->marks, id);
	result = run_marks_line(&r->marks, command, out, &at);
	if (result == -EILSEQ)
		channel_exit(call->channel, STATUS_USAGE,
			"run: the command has a control character at byte %zu, which a terminal "
			"takes for a key; put several commands into one line with ;",
			at);
	else if (result < 0)
		channel_exit(call->channel, STATUS_USAGE,
			"run: the command is too long: with its marks a line may have %d bytes",
			RUN_LINE_MAX);
	if (result < 0)
		return result;
	len = strlen(out);
	memcpy(out + len, "\r", 2);
	return 0;
}

static int make_parts(
	struct verb_call *call, struct run_call *r, const struct run_options *o, const char *line)
{
	const struct watch_options wanted = {.from = journal_next(console_journal(o->console)),
		.quiet_us = WATCH_NEVER,
		.timeout_us = o->timeout_us,
		.idle_us = wait_options_idle(call)};
	struct typist_options typing = {.loop = r->loop, .force = o->force, .lease = o->lease};
	int result = loop_timer_add(r->loop, &r->begin, on_no_begin, r);

	if (result == 0)
		result = watch_create(NULL, r->loop, o->console, r->channel, login_who(call->login),
			&wanted, &watch_events, r, &r->watch);
	if (result < 0)
		return result;
	typing.viewer = watch_viewer(r->watch);
	result = typist_create(&typing, &typist_events, r, &r->typist);
	return result < 0 ? result : typist_add(r->typist, line, strlen(line));
}

static void begin(struct verb_call *call, const struct run_options *o)
{
	struct run_call *r = calloc(1, sizeof(*r));
	char line[RUN_LINE_MAX + 2];
	int result;

	if (!r) {
		channel_exit(call->channel, STATUS_INTERNAL, "out of memory");
		return;
	}
	r->channel = call->channel;
	r->loop = login_loop(call->login);
	r->shown = channel_is_shown(call->channel) != 0;
	replay_filter_init(&r->filter);
	r->filter.foreign_keyboard = true;
	channel_set_handler(call->channel, &channel_ops, r);
	if (make_line(call, r, o->command, line) < 0)
		return;
	result = make_parts(call, r, o, line);
	if (result < 0) {
		r->told = true;
		wait_answer_refused(call->channel, result);
		return;
	}
	typist_start(r->typist);
}

static void run(struct verb_call *call, const void *arguments)
{
	struct run_options options = {0};

	if (read_options(call, arguments, &options) == 0)
		begin(call, &options);
}

static const struct verb_option run_options[] = {
	WAIT_TIMEOUT(offsetof(struct run_arguments, timeout)),
	{"force", OPTION_FLAG, offsetof(struct run_arguments, force),
		.help = "take the keyboard from whoever has it"},
	VERB_OPTION_LEASE(offsetof(struct run_arguments, lease)),
	VERB_OPTION_DEVICE,
};

const struct verb verb_run = {.name = "run",
	.example = "--timeout 1m uname -r",
	.scope = VERB_GUEST,
	.right = RIGHT_TYPE,
	.usage = "run [--timeout S] [--force] [--lease TOKEN] [--device D] COMMAND...",
	.summary = "a command at the guest's shell prompt: its output and its exit status",
	VERB_OPTIONS(run_options, struct run_arguments),
	.takes_command = true,
	.arguments = VERB_ANY,
	.run = run};
