/*
 * Task: the verb journal: what is kept, whether it is whole, the bytes, the marks. The files are
 * read in a thread, a step at a time; the next one follows when the client has taken what came.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/admin/admin.h"
#include "broker/admin/journal_look.h"
#include "broker/login/login.h"
#include "broker/verb/text_value.h"
#include "broker/verb/verb.h"
#include "config/config.h"
#include "console/guest/console.h"
#include "core/job.h"

struct journal_reading {
	struct channel *channel; /* NULL: gone */
	struct job_pool *pool;
	struct loop *loop;
	struct journal_look *look;
	struct journal_look_found found;
	int result, busy;
};

/* --- step by step --- */

static void free_found(struct journal_look_found *found)
{
	free(found->out);
	free(found->err);
	memset(found, 0, sizeof(*found));
}

static void free_reading(void *arg)
{
	struct journal_reading *r = arg;

	journal_look_destroy(r->look);
	free_found(&r->found);
	free(r);
}

static void step_work(void *arg)
{
	struct journal_reading *r = arg;

	r->result = journal_look_step(r->look, &r->found);
}

static void finish(struct journal_reading *r)
{
	unsigned problems = journal_look_problems(r->look);

	if (r->result == -ENOENT)
		channel_exit(r->channel, STATUS_NOT_FOUND, "journal: nothing is kept");
	else if (r->result < 0)
		channel_exit(r->channel, STATUS_INTERNAL, "journal: %s", strerror(-r->result));
	else if (problems)
		channel_exit(r->channel, STATUS_INTERNAL, "journal: %u problems found", problems);
	else
		channel_exit(r->channel, STATUS_OK, NULL);
}

static void complain_lines(struct channel *channel, char *text)
{
	char *line, *rest = text;

	while (text && (line = strsep(&rest, "\n")) && *line)
		channel_complain(channel, "%s", line);
}

static void step(struct journal_reading *r);

static void step_done(void *arg)
{
	struct journal_reading *r = arg;

	r->busy = 0;
	if (!r->channel) {
		free_reading(r);
		return;
	}
	if (job_cancelled(r->pool))
		r->result = -ECANCELED;
	complain_lines(r->channel, r->found.err);
	if (r->found.out_len && channel_put(r->channel, r->found.out, r->found.out_len) < 0)
		r->result = -ENOBUFS;
	free_found(&r->found);
	if (r->result <= 0)
		finish(r);
	else if (channel_ready(r->channel))
		step(r);
}

static void step(struct journal_reading *r)
{
	r->busy = 1;
	if (job_submit(r->pool, step_work, step_done, r) == 0)
		return;
	r->busy = 0;
	channel_exit(r->channel, STATUS_BUSY, "journal: too many requests at once; try again");
}

static void on_writable(void *arg)
{
	struct journal_reading *r = arg;

	if (!r->busy && channel_ready(r->channel))
		step(r);
}

static void on_end(void *arg)
{
	struct journal_reading *r = arg;

	r->channel = NULL;
	if (!r->busy)
		loop_defer(r->loop, free_reading, r);
}

static const struct channel_ops ops = {.writable = on_writable, .end = on_end};

/* --- the call --- */

static void begin(struct verb_call *call, struct journal_look_options *options)
{
	const struct broker_context *context = login_context(call->login);
	struct journal_reading *r = calloc(1, sizeof(*r));
	char folder[4096];
	int error;

	snprintf(folder, sizeof(folder), "%s/journal", context->config->daemon.state_dir);
	options->folder = folder;
	error = r ? journal_look_create(options, &r->look) : -ENOMEM;
	options->folder = NULL; /* it is ours */
	if (error < 0) {
		free(r);
		channel_exit(call->channel, STATUS_INTERNAL, "out of memory");
		return;
	}
	r->channel = call->channel;
	r->pool = context->readers;
	r->loop = context->loop;
	channel_set_policy(call->channel, &ops, r);
	step(r);
}

static int find_task(struct verb_call *call, enum journal_look_task *task)
{
	static const char *const words[] = {[JOURNAL_LOOK_INFO] = "info",
		[JOURNAL_LOOK_VERIFY] = "verify",
		[JOURNAL_LOOK_EXPORT] = "export",
		[JOURNAL_LOOK_MARKS] = "marks"};
	size_t i;

	for (i = 0; call->argc > 0 && i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(call->argv[0], words[i]) == 0) {
			*task = (enum journal_look_task)i;
			return 0;
		}
	}
	channel_exit(call->channel, STATUS_USAGE, "journal: usage: %s", call->verb->usage);
	return -EINVAL;
}

/* Which guest and console: argv[1], and an option or what stands behind the guest's name. */
static int find_console(
	struct verb_call *call, const char *device, struct journal_look_options *options)
{
	struct console *console;

	if (call->argc < 2) {
		if (options->task != JOURNAL_LOOK_EXPORT && !device)
			return 0;
		channel_exit(call->channel, STATUS_USAGE, "journal: which VM? usage: %s",
			call->verb->usage);
		return -EINVAL;
	}
	if (verb_resolve(call, call->argv[1]) < 0)
		return -ENOENT;
	options->uuid = guest_uuid_text(call->guest);
	if (!device)
		device = call->device;
	if (!device && options->task != JOURNAL_LOOK_EXPORT)
		return 0;
	if (guest_console(call->guest, device, &console) < 0) {
		verb_no_device(call, device);
		return -ENODEV;
	}
	options->slot = console_slot(console);
	return 0;
}

static int read_offset(struct verb_call *call, const char *option, const char *text, uint64_t *out)
{
	if (!text || text_number(text, out) == 0)
		return 0;
	channel_exit(call->channel, STATUS_USAGE,
		"journal: invalid value %s of --%s; see: help journal", text, option);
	return -EINVAL;
}

void verb_journal(struct verb_call *call)
{
	struct journal_look_options o = {.from = 0, .to = UINT64_MAX};
	const char *device = NULL, *from = NULL, *to = NULL;
	int given[3] = {0};
	const struct verb_option options[] = {
		{"device", OPTION_VALUE, &given[0], &device},
		{"from", OPTION_VALUE, &given[1], &from},
		{"to", OPTION_VALUE, &given[2], &to},
	};

	if (verb_options(call, options, 3) < 0 || verb_no_more(call, 2) < 0 ||
		find_task(call, &o.task) < 0)
		return;
	if ((from || to) && o.task != JOURNAL_LOOK_EXPORT) {
		channel_exit(call->channel, STATUS_USAGE,
			"journal: --from and --to belong to export; see: help journal");
		return;
	}
	if (o.task == JOURNAL_LOOK_EXPORT && channel_is_shown(call->channel)) {
		channel_exit(call->channel, STATUS_USAGE,
			"journal: export writes bytes as they are, and standard output is a "
			"terminal; see: help log");
		return;
	}
	if (read_offset(call, "from", from, &o.from) < 0 ||
		read_offset(call, "to", to, &o.to) < 0 || find_console(call, device, &o) < 0)
		return;
	begin(call, &o);
}
