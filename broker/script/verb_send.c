/*
 * Task: the verb send: types into a guest, ends when the hypervisor has accepted all of it, and may
 * wait for what comes of it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/identity.h"
#include "broker/login/login.h"
#include "broker/script/send_options.h"
#include "broker/script/send_text.h"
#include "broker/script/typist.h"
#include "broker/script/script.h"
#include "broker/verb/json.h"
#include "broker/script/wait_answer.h"
#include "broker/script/wait_options.h"
#include "broker/watch/watch.h"
#include "config/rights.h"
#include "console/guest/console.h"
#include "wire/msg.h"

#define PROGRESS_US LOOP_SECOND

enum send_state {
	SEND_TRIES, /* whether --wait is a pattern at all: until then nothing is typed */
	SEND_TYPES,
	SEND_WAITS, /* all was accepted; --wait goes on */
	SEND_TOLD,  /* the last word was said */
	SEND_OVER,  /* the channel has let go */
};

struct send_call {
	enum send_state state;
	struct channel *channel;
	struct loop *loop;
	struct worker *matcher;
	struct watch *watch;
	struct matcher_job *trial; /* SEND_TRIES, and until a job looks at output */
	struct typist *typist;
	struct send_options options;
	char *pattern;
	struct send_lines lines;
	bool reads_input, input_ended, told_long, told_progress;
	struct loop_timer *progress;
};

/* --- the end --- */

static void free_call(void *arg)
{
	struct send_call *s = arg;

	free(s->pattern);
	free(s);
}

static void on_channel_end(void *arg)
{
	struct send_call *s = arg;

	s->state = SEND_OVER;
	typist_destroy(&s->typist);
	matcher_job_destroy(&s->trial);
	watch_destroy(&s->watch);
	loop_timer_del(&s->progress);
	loop_defer(s->loop, free_call, s);
}

/* "; 12 of 5000 bytes were typed, at offset 22087" */
static void how_far(const struct send_call *s, char out[CHANNEL_WHERE_MAX])
{
	if (!s->typist || !typist_has_begun(s->typist))
		snprintf(out, CHANNEL_WHERE_MAX, "; nothing was typed");
	else
		snprintf(out, CHANNEL_WHERE_MAX, "; %" PRIu64 " bytes typed at offset %" PRIu64,
			typist_accepted(s->typist), typist_offset(s->typist));
}

/* An end from outside says how far it came. */
static void on_leave(void *arg, char where[CHANNEL_WHERE_MAX])
{
	struct send_call *s = arg;

	if (s->told_progress)
		channel_print(s->channel, "\n");
	if (s->state < SEND_TOLD)
		how_far(s, where);
}

static void give_up(struct send_call *s, enum status status, const char *why)
{
	char text[CHANNEL_WHERE_MAX];

	how_far(s, text);
	s->state = SEND_TOLD;
	channel_exit(s->channel, status, "%s%s", why, text);
}

static json_t *answer_json(const struct send_call *s)
{
	json_t *object = json_object();

	json_object_set_new(
		object, "accepted", json_integer((json_int_t)typist_accepted(s->typist)));
	json_object_set_new(object, "offset", json_integer((json_int_t)typist_offset(s->typist)));
	return object;
}

static void answer(struct send_call *s)
{
	s->state = SEND_TOLD;
	if (s->options.json)
		json_answer(s->channel, answer_json(s));
	else
		channel_print(s->channel, "%" PRIu64 "\n", typist_offset(s->typist));
	channel_exit(s->channel, STATUS_OK, "%" PRIu64 " bytes typed at offset %" PRIu64,
		typist_accepted(s->typist), typist_offset(s->typist));
}

static void answer_found(struct send_call *s, const struct watch_end *end)
{
	json_t *object;

	s->state = SEND_TOLD;
	if (s->options.json) {
		object = answer_json(s);
		wait_answer_json(&object, end, false);
		json_answer(s->channel, object);
	} else {
		wait_answer_text(s->channel, end->found, false);
	}
	wait_answer_exit(s->channel, end);
}

static void on_watch_done(void *arg, const struct watch_end *end)
{
	struct send_call *s = arg;

	if (end->result == WATCH_FOUND) {
		answer_found(s, end);
	} else if (s->state == SEND_WAITS) {
		s->state = SEND_TOLD;
		wait_answer_exit(s->channel, end);
	} else {
		give_up(s, end->status, end->text);
	}
}

/* --- typing --- */

/* What the guest prints from here on may be the answer. */
static void on_begun(void *arg)
{
	struct send_call *s = arg;
	const struct watch_options wanted = {
		.patterns = &s->pattern, .count = 1, .from = typist_offset(s->typist)};
	int r;

	matcher_job_destroy(&s->trial); /* its place among the waits is the next one's */
	r = s->pattern ? watch_look_for(s->watch, s->matcher, &wanted) : 0;
	if (r < 0) {
		s->state = SEND_TOLD;
		wait_answer_refused(s->channel, r);
	}
}

static void on_idle(void *arg)
{
	struct send_call *s = arg;

	if (s->state != SEND_TYPES)
		return;
	if (s->reads_input && !s->input_ended) {
		channel_resume(s->channel);
		return;
	}
	if (!s->pattern) {
		answer(s);
		return;
	}
	loop_timer_stop(s->progress);
	if (!typist_has_begun(s->typist))
		on_begun(s);
	if (s->state != SEND_TYPES)
		return;
	s->state = SEND_WAITS;
	viewer_yield(watch_viewer(s->watch));
}

static void on_typist_failed(void *arg, enum status status, const char *why)
{
	struct send_call *s = arg;

	if (s->state == SEND_TYPES)
		give_up(s, status, why);
}

static const struct typist_events typist_events = {
	.begun = on_begun, .idle = on_idle, .failed = on_typist_failed};

static void warn_of_long_line(struct send_call *s)
{
	if (!s->lines.too_long || s->told_long)
		return;
	s->told_long = true;
	channel_complain(s->channel,
		"a line has more than %d bytes: a terminal line of a Linux guest takes no more",
		SEND_LINE_MAX);
}

/* At most WIRE_PAYLOAD_MAX bytes. 0 or -errno. */
static int add(struct send_call *s, const void *data, size_t len)
{
	uint8_t out[WIRE_PAYLOAD_MAX];
	int r = typist_add(s->typist, out, send_lines_pass(&s->lines, data, len, out));

	warn_of_long_line(s);
	return r;
}

/* With --enter, what does not end with the end of a line gets one. */
static int add_last(struct send_call *s)
{
	if (!s->options.enter || (s->lines.line == 0 && typist_added(s->typist) > 0))
		return 0;
	return add(s, "\r", 1);
}

/* --- the channel's events --- */

static size_t on_input(void *arg, const uint8_t *data, size_t len)
{
	struct send_call *s = arg;

	if (!s->reads_input || s->state > SEND_TYPES)
		return len;
	if (!typist_is_empty(s->typist))
		return 0;
	if (add(s, data, len) < 0)
		give_up(s, STATUS_INTERNAL, "out of memory");
	return len;
}

static void on_input_end(void *arg)
{
	struct send_call *s = arg;

	if (!s->reads_input || s->input_ended || s->state > SEND_TYPES)
		return;
	s->input_ended = true;
	if (add_last(s) < 0)
		give_up(s, STATUS_INTERNAL, "out of memory");
	else if (s->state == SEND_TYPES)
		typist_start(s->typist);
}

static void on_signal(void *arg, enum channel_signal signal)
{
	struct send_call *s = arg;

	channel_exit(s->channel, STATUS_INTERRUPTED, "interrupted by the client");
}

static const struct channel_ops channel_ops = {.input = on_input,
	.input_end = on_input_end,
	.signal = on_signal,
	.leave = on_leave,
	.end = on_channel_end};

/* --- the console's events --- */

static void on_room(void *arg)
{
	struct send_call *s = arg;

	typist_room(s->typist);
}

static void on_console_event(void *arg, const struct console_event *event)
{
	struct send_call *s = arg;

	if (s->state <= SEND_TYPES && s->typist)
		typist_event(s->typist, event);
}

static void on_notice(void *arg, const char *text)
{
	struct send_call *s = arg;

	channel_complain(s->channel, "%s", text);
}

static const struct watch_events watch_events = {
	.done = on_watch_done, .notice = on_notice, .room = on_room, .event = on_console_event};

static void on_progress(void *arg)
{
	struct send_call *s = arg;

	s->told_progress = true;
	channel_print(s->channel, "\r%" PRIu64 " bytes typed", typist_accepted(s->typist));
	loop_timer_set(s->progress, PROGRESS_US, 0);
}

/* --- the pattern, before anything is typed --- */

static void begin_typing(struct send_call *s)
{
	s->state = SEND_TYPES;
	if (!watch_is_ending(s->watch))
		typist_start(s->typist);
}

static void on_trial_begin(void *arg, uint64_t offset)
{
}

static void on_trial_room(void *arg)
{
}

/* The first answer: it has been understood. */
static void on_trial_read(void *arg, uint64_t offset, bool rest)
{
	struct send_call *s = arg;

	if (s->state == SEND_TRIES)
		begin_typing(s);
}

/* It was given nothing to find it in. */
static void on_trial_found(void *arg, const struct matcher_found *found)
{
	give_up(arg, STATUS_INTERNAL, "the process that looks for it gives no sense");
}

static void on_trial_failed(void *arg, enum matcher_failure failure, const char *text)
{
	give_up(arg, watch_failure_status(failure), text);
}

static const struct matcher_events trial_events = {
	on_trial_begin, on_trial_room, on_trial_read, on_trial_found, on_trial_failed};

static int try_pattern(struct send_call *s)
{
	uint64_t next = journal_next(console_journal(s->options.console));
	const struct matcher_wanted wanted = {.patterns = &s->pattern,
		.count = 1,
		.offset = next,
		.from = next,
		.owner = login_identity(channel_login(s->channel))->text};

	return matcher_job_create(s->matcher, &wanted, &trial_events, s, &s->trial);
}

/* --- the call --- */

static struct send_call *create(struct verb_call *call, const struct send_options *options)
{
	struct send_call *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->channel = call->channel;
	s->loop = login_loop(call->login);
	s->matcher = login_context(call->login)->matcher;
	s->options = *options;
	s->lines.enter = options->enter;
	s->reads_input = call->argc == 0;
	s->pattern = options->pattern ? strdup(options->pattern) : NULL;
	if ((options->pattern && !s->pattern) ||
		loop_timer_add(s->loop, &s->progress, on_progress, s) < 0) {
		free_call(s);
		return NULL;
	}
	return s;
}

static int make_parts(struct verb_call *call, struct send_call *s)
{
	const struct watch_options wanted = {
		.from = journal_next(console_journal(s->options.console)),
		.quiet_us = WATCH_NEVER,
		.timeout_us = s->options.timeout_us,
		.idle_us = wait_options_idle(call)};
	struct typist_options typing = {.loop = s->loop,
		.pace = s->options.pace,
		.force = s->options.force,
		.lease = s->options.lease};
	int r = watch_create(s->matcher, s->loop, s->options.console, s->channel,
		login_who(call->login), &wanted, &watch_events, s, &s->watch);

	if (r < 0)
		return r;
	typing.viewer = watch_viewer(s->watch);
	return typist_create(&typing, &typist_events, s, &s->typist);
}

static int add_text(struct send_call *s, const char *text, size_t len)
{
	int r = 0;

	while (r == 0 && len > 0) {
		size_t piece = len < WIRE_PAYLOAD_MAX ? len : WIRE_PAYLOAD_MAX;

		r = add(s, text, piece);
		text += piece;
		len -= piece;
	}
	return r < 0 ? r : add_last(s);
}

static void run(struct verb_call *call, const void *arguments)
{
	struct send_options options = {0};
	char text[WIRE_COMMAND_MAX + 1];
	struct send_call *s;
	size_t len;
	int r;

	if (send_options_read(call, arguments, &options) < 0 ||
		send_options_text(call, &options, text, &len) < 0)
		return;
	s = create(call, &options);
	if (!s) {
		channel_exit(call->channel, STATUS_INTERNAL, "out of memory");
		return;
	}
	channel_set_handler(call->channel, &channel_ops, s);
	r = make_parts(call, s);
	if (r == 0 && s->pattern)
		r = try_pattern(s);
	if (r == 0 && !s->reads_input)
		r = add_text(s, text, len);
	if (r < 0) {
		s->state = SEND_TOLD;
		wait_answer_refused(call->channel, r);
		return;
	}
	if (channel_is_shown(call->channel))
		loop_timer_set(s->progress, PROGRESS_US, 0);
	if (!s->pattern)
		begin_typing(s);
}

#define FIELD(name) offsetof(struct send_arguments, name)

static const struct verb_option send_options[] = {
	{"enter", OPTION_FLAG, FIELD(enter), .help = "each line ends with Enter, the last one too"},
	{"escape", OPTION_FLAG, FIELD(escape), .help = "TEXT has escapes: \\r, \\x03, \\\\"},
	{"pace", OPTION_NUMBER, FIELD(pace), "N", .help = "so many bytes a second", .least = 1,
		.most = TYPIST_PACE_MAX},
	VERB_OPTION_FORCE(FIELD(force)),
	VERB_OPTION_LEASE(FIELD(lease)),
	{"wait", OPTION_TEXT, FIELD(pattern), "PATTERN", .help = "wait until this is printed"},
	WAIT_TIMEOUT(FIELD(timeout)),
	VERB_OPTION_JSON,
	VERB_OPTION_DEVICE,
};

const struct verb verb_send = {.name = "send",
	.example = "--enter --wait '# $' root",
	.scope = VERB_GUEST,
	.right = RIGHT_TYPE,
	.usage = "send [--enter] [--escape] [--pace N] [--force] [--lease TOKEN] [--wait PATTERN] "
		 "[--timeout S] [--json] [--device D] [TEXT...]",
	.summary = "type TEXT, or standard input, and perhaps wait for the answer",
	VERB_OPTIONS(send_options, struct send_arguments),
	.arguments = VERB_ANY,
	.run = run};
