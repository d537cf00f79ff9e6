/*
 * Task: the verb dump: begins a dump of a guest's memory and looks on, or cancels one. Owner: the
 * channel. The dump is not: it goes on when the channel ends.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/dump/making.h"
#include "broker/login/context.h"
#include "broker/login/login.h"
#include "broker/verb/json.h"
#include "broker/crash/crash.h"
#include "config/config.h"
#include "config/rights.h"
#include "config/values.h"
#include "console/guest/guest.h"
#include "core/file/error_text.h"

/* A terminal without a pty of its own cannot have a line written over. */
#define LINE_EVERY_US (5 * LOOP_SECOND)
#define LINE_WIDTH "60" /* what is written over is not longer */

struct dump_call {
	struct channel *channel;
	struct loop *loop;
	struct making_watch watch;
	bool cancels, json;
	uint64_t said; /* loop time */
};

/* --- progress --- */

static void say_progress(struct dump_call *d)
{
	struct making_info info;
	char text[MAKING_TEXT_MAX];

	making_describe(d->watch.making, &info);
	making_text(&info, text);
	if (channel_has_pty(d->channel)) {
		channel_print(d->channel, "\r%-" LINE_WIDTH "." LINE_WIDTH "s", text);
	} else if (loop_now(d->loop) - d->said >= LINE_EVERY_US) {
		channel_complain(d->channel, "%s", text);
		d->said = loop_now(d->loop);
	}
}

static void on_progress(void *arg)
{
	struct dump_call *d = arg;

	if (!d->cancels && channel_is_shown(d->channel) && channel_ready(d->channel))
		say_progress(d);
}

static void clear_progress(const struct dump_call *d)
{
	if (!d->cancels && channel_has_pty(d->channel))
		channel_print(d->channel, "\r%" LINE_WIDTH "s\r", "");
}

/* --- the end --- */

static void on_cancelled(void *arg, int error, const char *text)
{
	struct dump_call *d = arg;

	if (d->cancels && error)
		channel_exit(d->channel, STATUS_UNAVAILABLE,
			"the hypervisor cannot stop it (%s): it goes on, and what it writes will "
			"be removed",
			text);
}

static void on_done(void *arg, enum status status, const char *text)
{
	struct dump_call *d = arg;

	clear_progress(d);
	if (d->cancels && status == STATUS_OK) {
		channel_exit(d->channel, STATUS_NOT_FOUND, "too late: %s is complete", text);
	} else if (d->cancels) {
		if (d->json)
			json_answer(d->channel, json_pack("{s:b}", "cancelled", 1));
		channel_exit(d->channel, STATUS_OK, "%s", text);
	} else if (status == STATUS_OK) {
		if (d->json)
			json_answer(d->channel, json_pack("{s:o}", "dump", json_foreign(text)));
		else
			channel_print(d->channel, "%s\n", text);
		channel_exit(d->channel, STATUS_OK, NULL);
	} else {
		channel_exit(d->channel, status, "no dump: %s", text);
	}
}

static void on_end(void *arg)
{
	struct dump_call *d = arg;

	making_unwatch(&d->watch);
	loop_defer(d->loop, free, d);
}

static const struct channel_ops ops = {.end = on_end};

/* --- the beginning --- */

static int watch(struct verb_call *call, struct making *making, bool cancels)
{
	struct dump_call *d = calloc(1, sizeof(*d));

	if (!d) {
		channel_exit(call->channel, STATUS_INTERNAL, "out of memory");
		return -ENOMEM;
	}
	d->channel = call->channel;
	d->loop = login_loop(call->login);
	d->cancels = cancels;
	d->json = call->json;
	d->watch = (struct making_watch){
		.progress = on_progress, .cancelled = on_cancelled, .done = on_done, .arg = d};
	making_watch(making, &d->watch);
	channel_set_handler(call->channel, &ops, d);
	return 0;
}

static void cancel(struct verb_call *call)
{
	const struct broker_context *b = login_context(call->login);
	struct making *making = making_find(b->makings, guest_uuid(call->guest));

	if (!making)
		channel_exit(call->channel, STATUS_NOT_FOUND, "no dump of VM %s is being made",
			guest_name(call->guest));
	else if (watch(call, making, true) == 0)
		making_cancel(making, login_who(call->login));
}

static void say_refused(struct verb_call *call, int error)
{
	char room[ERROR_TEXT_ROOM];
	const char *vm = guest_name(call->guest);

	switch (error) {
	case -ENOTCONN:
		channel_exit(call->channel, STATUS_UNAVAILABLE, "VM %s is %s", vm,
			guest_state_name(guest_state(call->guest)));
		break;
	case -EXDEV:
		channel_exit(call->channel, STATUS_UNAVAILABLE,
			"VM %s runs on another host, which would keep the dump", vm);
		break;
	case -EBUSY:
		channel_exit(call->channel, STATUS_BUSY,
			"a dump of VM %s is being made; see: dumps", vm);
		break;
	case -EAGAIN:
		channel_exit(call->channel, STATUS_BUSY,
			"too many dumps are being made: max_parallel of [dump] is reached");
		break;
	default:
		channel_exit(call->channel, STATUS_INTERNAL, "the dump cannot be begun: %s",
			error_text_shortage(-error, room));
	}
}

static void begin(
	struct verb_call *call, enum hypervisor_dump_format format, enum hypervisor_dump_mode mode)
{
	const struct broker_context *b = login_context(call->login);
	struct audit_record by;
	const struct making_options order = {.guest = call->guest,
		.format = format,
		.mode = mode,
		.max_parallel = (unsigned)b->config->dump.max_parallel,
		.who = login_who(call->login),
		.by = &by};
	struct making *making;
	int r;

	audit_trail_fill(channel_trail(call->channel), &by);
	r = making_begin(b->makings, &order, &making);
	if (r < 0)
		say_refused(call, r);
	else
		(void)watch(call, making, false);
}

struct dump_arguments {
	const char *format;
	bool live, crash, reset, cancel;
};

/* What ends or resets the guest needs the right to do such things. */
static int find_mode(struct verb_call *call, const struct dump_arguments *arguments,
	enum hypervisor_dump_mode *mode)
{
	*mode = arguments->live    ? HYPERVISOR_DUMP_LIVE
		: arguments->crash ? HYPERVISOR_DUMP_CRASH
		: arguments->reset ? HYPERVISOR_DUMP_RESET
				   : HYPERVISOR_DUMP_PAUSE;
	return arguments->crash || arguments->reset ? verb_allowed(call, RIGHT_CONTROL) : 0;
}

static void run(struct verb_call *call, const void *options)
{
	const struct dump_arguments *arguments = options;
	const char *word = arguments->format ? arguments->format : hypervisor_dump_formats[0];
	enum hypervisor_dump_mode mode;
	int format = 0;

	if (arguments->cancel &&
		(arguments->format || arguments->live || arguments->crash || arguments->reset))
		channel_exit(call->channel, STATUS_USAGE, "dump: --cancel stands alone");
	else if (arguments->cancel)
		cancel(call);
	else if (value_word(word, hypervisor_dump_formats, &format) < 0)
		channel_exit(call->channel, STATUS_USAGE, "dump: unknown format %s; usage: %s",
			word, call->verb->usage);
	else if (find_mode(call, arguments, &mode) == 0)
		begin(call, (enum hypervisor_dump_format)format, mode);
}

#define FIELD(name) offsetof(struct dump_arguments, name)

static const struct verb_option dump_options[] = {
	{"format", OPTION_TEXT, FIELD(format), "elf|kdump-zlib|kdump-lzo|kdump-snappy|win-dmp",
		.help = "how the file is written"},
	{"live", OPTION_FLAG, FIELD(live), .help = "the guest runs meanwhile", .group = 1},
	{"crash", OPTION_FLAG, FIELD(crash), .help = "the guest is ended afterwards", .group = 1},
	{"reset", OPTION_FLAG, FIELD(reset), .help = "the guest is reset afterwards", .group = 1},
	{"cancel", OPTION_FLAG, FIELD(cancel), .help = "end the one that is being made"},
	VERB_OPTION_JSON,
};

const struct verb verb_dump = {.name = "dump",
	.example = "--live",
	.scope = VERB_GUEST,
	.right = RIGHT_DUMP_MAKE,
	.usage = "dump [--format elf|kdump-zlib|kdump-lzo|kdump-snappy|win-dmp] "
		 "[--live | --crash | --reset] [--json] | dump --cancel",
	.summary = "make a dump of the VM's memory; dumps lists it, sftp and scp fetch it",
	VERB_OPTIONS(dump_options, struct dump_arguments),
	.run = run};
