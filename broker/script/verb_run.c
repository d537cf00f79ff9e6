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
#include "broker/script/run_enter.h"
#include "broker/script/run_login.h"
#include "broker/script/run_marks.h"
#include "broker/script/run_options.h"
#include "broker/script/typist.h"
#include "broker/script/wait_answer.h"
#include "broker/script/wait_options.h"
#include "broker/script/script.h"
#include "broker/watch/watch.h"
#include "config/rights.h"
#include "console/guest/console.h"
#include "console/replay/replay.h"
#include "core/buf.h"

#define RUN_BEGIN_US (30 * LOOP_SECOND) /* for a shell to begin with what was typed */
#define PIECE ((size_t)4096)

enum run_phase {
	RUN_READS,  /* the password comes on standard input */
	RUN_ENTERS, /* it logs in */
	RUN_TYPES,  /* the command, and what comes of it */
	RUN_TOLD,   /* the last word was said */
};

struct run_call {
	enum run_phase phase;
	struct channel *channel;
	struct loop *loop;
	struct watch *watch;
	struct typist *typist;
	struct run_marks marks;
	struct replay_filter filter;
	bool shown; /* on a terminal: filtered, for its answers would go to the caller's shell */
	struct run_enter *enter; /* ENTERS */
	char name[RUN_NAME_MAX + 1];
	struct buf password;         /* READS: as far as it has come */
	char line[RUN_LINE_MAX + 2]; /* what is typed for the command */
	struct loop_timer *begin;
	uint8_t out[PIECE + RUN_MARK_MAX + REPLAY_ROOM]; /* that the channel has not taken yet */
	size_t out_len;
};

/* --- the end --- */

static void on_channel_end(void *arg)
{
	struct run_call *r = arg;

	r->phase = RUN_TOLD;
	run_enter_destroy(&r->enter);
	buf_finish(&r->password);
	typist_destroy(&r->typist);
	watch_destroy(&r->watch);
	loop_timer_del(&r->begin);
	loop_defer(r->loop, free, r);
}

static const char *how_far(const struct run_call *r)
{
	if (r->marks.state >= RUN_INSIDE)
		return "; the command had begun and has not ended";
	if (r->enter)
		return "; nobody is logged in, and the command was not typed";
	if (r->typist && typist_has_begun(r->typist))
		return "; the command was typed, and no shell has begun with it";
	return "; nothing was typed";
}

static void give_up(struct run_call *r, enum status status, const char *why)
{
	if (r->phase == RUN_TOLD)
		return;
	r->phase = RUN_TOLD;
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
	if (r->phase != RUN_TOLD)
		snprintf(where, CHANNEL_WHERE_MAX, "%s", how_far(r));
}

static void finish(struct run_call *r)
{
	r->phase = RUN_TOLD;
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
	if (r->marks.state == RUN_ENDED && r->phase != RUN_TOLD)
		finish(r);
	return true;
}

static void on_writable(void *arg)
{
	struct run_call *r = arg;

	if (flush(r) && r->phase != RUN_TOLD)
		watch_more(r->watch);
}

static size_t on_output(void *arg, const uint8_t *data, size_t len)
{
	struct run_call *r = arg;
	uint8_t text[PIECE + RUN_MARK_MAX];
	size_t n, consumed;

	if (r->phase != RUN_TYPES) {
		if (r->enter)
			run_enter_output(r->enter, data, len);
		return len;
	}
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

	if (r->phase == RUN_TYPES && r->marks.state < RUN_INSIDE && !loop_timer_armed(r->begin))
		loop_timer_set(r->begin, RUN_BEGIN_US, 0);
}

static void on_begun(void *arg)
{
}

static void on_failed(void *arg, enum status status, const char *why)
{
	give_up(arg, status, why);
}

static const struct typist_events typist_events = {
	.begun = on_begun, .idle = on_typed, .failed = on_failed};

static void on_no_begin(void *arg)
{
	give_up(arg, STATUS_TIMEOUT, "nothing has answered for 30s: is this a shell's prompt?");
}

static void on_signal(void *arg, enum channel_signal signal)
{
	struct run_call *r = arg;

	channel_exit(r->channel, STATUS_INTERRUPTED, "interrupted by the client");
}

/* --- the login --- */

static void give_up_for(struct run_call *r, int error)
{
	r->phase = RUN_TOLD;
	wait_answer_refused(r->channel, error);
}

static void type_command(void *arg)
{
	struct run_call *r = arg;
	int result = typist_add(r->typist, r->line, strlen(r->line));

	run_enter_destroy(&r->enter);
	r->phase = RUN_TYPES;
	if (result < 0)
		give_up_for(r, result);
}

static const struct run_enter_events enter_events = {.entered = type_command, .failed = on_failed};

static void enter(struct run_call *r, const char *password)
{
	const struct run_enter_options options = {
		.loop = r->loop, .typist = r->typist, .name = r->name, .password = password};
	int result = run_enter_create(&options, &enter_events, r, &r->enter);

	r->phase = RUN_ENTERS;
	if (result < 0)
		give_up_for(r, result);
	else
		typist_start(r->typist);
}

/* The line is whole. */
static void have_password(struct run_call *r)
{
	char password[RUN_PASSWORD_MAX + 1] = "";
	size_t len = buf_len(&r->password);

	if (len > 0)
		memcpy(password, buf_data(&r->password), len);
	if (len > 0 && password[len - 1] == '\r')
		password[--len] = '\0';
	buf_finish(&r->password);
	if (len == 0)
		give_up(r, STATUS_USAGE, "the first line of the password file is empty");
	else if (!run_login_is_typable(password, len))
		give_up(r, STATUS_USAGE,
			"the password has a control character, which a terminal takes for a key");
	else
		enter(r, password);
	explicit_bzero(password, sizeof(password));
}

static size_t on_input(void *arg, const uint8_t *data, size_t len)
{
	struct run_call *r = arg;
	const uint8_t *end = memchr(data, '\n', len);

	if (r->phase != RUN_READS)
		return len;
	if (buf_add(&r->password, data, end ? (size_t)(end - data) : len) < 0)
		give_up(r, STATUS_USAGE, "the first line of the password file is too long");
	else if (end)
		have_password(r);
	return len;
}

static void on_input_end(void *arg)
{
	struct run_call *r = arg;

	if (r->phase == RUN_READS)
		have_password(r);
}

static const struct channel_ops channel_ops = {.input = on_input,
	.input_end = on_input_end,
	.writable = on_writable,
	.signal = on_signal,
	.leave = on_leave,
	.end = on_channel_end};

/* --- the call --- */

static int make_line(struct verb_call *call, struct run_call *r, const char *command)
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
	result = run_marks_line(&r->marks, command, r->line, &at);
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
	len = strlen(r->line);
	memcpy(r->line + len, "\r", 2);
	return 0;
}

static int make_parts(struct verb_call *call, struct run_call *r, const struct run_options *o)
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
	return typist_create(&typing, &typist_events, r, &r->typist);
}

static struct run_call *create(struct verb_call *call, const struct run_options *o)
{
	struct run_call *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->phase = o->reads_password ? RUN_READS : o->login ? RUN_ENTERS : RUN_TYPES;
	r->channel = call->channel;
	r->loop = login_loop(call->login);
	r->shown = channel_is_shown(call->channel) != 0;
	snprintf(r->name, sizeof(r->name), "%s", o->login ? o->login : "");
	buf_init_secret(&r->password, RUN_PASSWORD_MAX);
	replay_filter_init(&r->filter);
	r->filter.terminal.foreign_keyboard = true;
	return r;
}

static void begin(struct verb_call *call, const struct run_options *o)
{
	struct run_call *r = create(call, o);
	int result;

	if (!r) {
		channel_exit(call->channel, STATUS_INTERNAL, "out of memory");
		return;
	}
	channel_set_handler(call->channel, &channel_ops, r);
	if (make_line(call, r, o->command) < 0)
		return;
	result = make_parts(call, r, o);
	if (result < 0) {
		give_up_for(r, result);
		return;
	}
	if (watch_is_ending(r->watch))
		return;
	if (r->phase == RUN_ENTERS) {
		enter(r, NULL);
	} else if (r->phase == RUN_TYPES) {
		type_command(r);
		typist_start(r->typist);
	}
}

static void run(struct verb_call *call, const void *arguments)
{
	struct run_options options = {0};

	if (run_options_read(call, arguments, &options) == 0)
		begin(call, &options);
}

static const struct verb_option run_options[] = {
	WAIT_TIMEOUT(offsetof(struct run_arguments, timeout)),
	VERB_OPTION_FORCE(offsetof(struct run_arguments, force)),
	VERB_OPTION_LEASE(offsetof(struct run_arguments, lease)),
	{"login", OPTION_TEXT, offsetof(struct run_arguments, login), "USER",
		.help = "log in as this user where the guest asks for one"},
	{"password-file", OPTION_TEXT, offsetof(struct run_arguments, password_file), "F",
		.help = "its first line is the password; -: standard input"},
	VERB_OPTION_DEVICE,
};

const struct verb verb_run = {.name = "run",
	.example = "--timeout 1m uname -r",
	.scope = VERB_GUEST,
	.right = RIGHT_TYPE,
	.usage = "run [--timeout S] [--force] [--lease TOKEN] [--login USER [--password-file F]] "
		 "[--device D] COMMAND...",
	.summary = "a command at the guest's shell prompt: its output and its exit status",
	VERB_OPTIONS(run_options, struct run_arguments),
	.takes_command = true,
	.arguments = VERB_ANY,
	.run = run};
