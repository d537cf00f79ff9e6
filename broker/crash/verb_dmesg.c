/*
 * Task: the verb dmesg: the kernel's log out of a dump of the VM, or out of its memory while it
 * runs. Owner: the channel.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/identity.h"
#include "broker/dmesg/kernel_log.h"
#include "broker/files/file_store.h"
#include "broker/login/context.h"
#include "broker/login/login.h"
#include "broker/crash/crash.h"
#include "config/rights.h"
#include "console/guest/guest.h"
#include "core/file/error_text.h"

#define LATEST "latest"

struct dmesg_call {
	struct channel *channel;
	struct login *login;
	const struct guest *guest;
	char name[DUMP_FILE_MAX]; /* of the dump, in the tree */
	struct dump_file dump;
	struct file_look *look;
	struct loan *loan; /* it is among the files that this identity has open */
	struct kernel_log *log;
};

static const struct broker_context *context(const struct dmesg_call *d)
{
	return login_context(d->login);
}

/* --- the log --- */

static void on_lines(void *arg, const char *text, size_t len)
{
	struct dmesg_call *d = arg;

	channel_text(d->channel, text, len);
	kernel_log_pause(d->log, !channel_ready(d->channel));
}

static void on_writable(void *arg)
{
	struct dmesg_call *d = arg;

	if (d->log)
		kernel_log_pause(d->log, !channel_ready(d->channel));
}

static void on_whole(void *arg)
{
	struct dmesg_call *d = arg;

	channel_exit(d->channel, STATUS_OK, NULL);
}

static void on_failed(void *arg, enum kernel_log_failure failure, const char *text)
{
	static const enum status statuses[] = {[KERNEL_LOG_UNREADABLE] = STATUS_UNAVAILABLE,
		[KERNEL_LOG_AWAY] = STATUS_UNAVAILABLE,
		[KERNEL_LOG_BUSY] = STATUS_BUSY,
		[KERNEL_LOG_BROKEN] = STATUS_INTERNAL};
	struct dmesg_call *d = arg;

	channel_exit(d->channel, statuses[failure], "no kernel log: %s", text);
}

static const struct kernel_log_events log_events = {on_lines, on_whole, on_failed};

static void say_refused(struct dmesg_call *d, int error)
{
	char room[ERROR_TEXT_ROOM];

	if (error == -EBUSY || error == -EDQUOT)
		channel_exit(d->channel, STATUS_BUSY,
			"too many kernel logs are being read%s: try again when one is done",
			error == -EDQUOT ? " for you" : "");
	else if (error == -ENOTCONN)
		channel_exit(d->channel, STATUS_UNAVAILABLE,
			"the hypervisor of VM %s cannot be reached", guest_name(d->guest));
	else
		channel_exit(d->channel, STATUS_INTERNAL, "the kernel's log cannot be read: %s",
			error_text_shortage(-error, room));
}

static const char *owner(const struct dmesg_call *d)
{
	return login_identity(d->login)->text;
}

/* --- a dump --- */

static void record(const struct dmesg_call *d)
{
	char path[sizeof("/dumps/") + DUMP_FILE_MAX];
	struct audit_record r = {.event = "file",
		.vm_uuid = guest_uuid_text(d->guest),
		.vm_name = guest_name(d->guest),
		.file = path};

	snprintf(path, sizeof(path), "/dumps/%s", d->dump.safe);
	audit_trail_file(channel_trail(d->channel), &r);
}

static void on_opened(void *arg, int fd)
{
	struct dmesg_call *d = arg;
	char room[ERROR_TEXT_ROOM];
	int r;

	d->look = NULL;
	if (fd < 0) {
		channel_exit(d->channel, STATUS_UNAVAILABLE, "dump %s cannot be read: %s",
			d->dump.safe, error_text_shortage(-fd, room));
		return;
	}
	record(d);
	r = kernel_log_of_dump(context(d)->dmesg, fd, owner(d), &log_events, d, &d->log);
	if (r < 0)
		say_refused(d, r);
}

static bool is_mine(void *arg, const struct dump_file *f)
{
	const struct dmesg_call *d = arg;

	return f->known && uuid_equal(&f->guest, guest_uuid(d->guest));
}

static bool is_good(void *arg, const struct dump_file *f)
{
	return !f->error && !f->growing;
}

/* NULL: the channel has been ended. */
static const struct dump_file *choose(struct dmesg_call *d, struct dump_list *list)
{
	const bool is_latest = strcmp(d->name, LATEST) == 0;
	const struct dump_file *f;

	dump_list_filter(list, is_mine, d);
	if (is_latest)
		dump_list_filter(list, is_good, d);
	dump_list_sort(list);
	f = dump_list_find(list, d->name);
	if (!f)
		channel_exit(d->channel, STATUS_NOT_FOUND, "VM %s has no dump%s%s; see: dumps",
			guest_name(d->guest), is_latest ? "" : " ", is_latest ? "" : d->name);
	else if (f->growing)
		channel_exit(
			d->channel, STATUS_UNAVAILABLE, "dump %s is still being written", d->name);
	else
		return f;
	return NULL;
}

static void open_dump(struct dmesg_call *d)
{
	int r = file_store_lend(context(d)->files, owner(d), &d->dump, &d->loan);

	if (r == 0)
		r = file_open(
			context(d)->files, context(d)->config, &d->dump, on_opened, d, &d->look);
	if (r == -ENOENT)
		channel_exit(
			d->channel, STATUS_NOT_FOUND, "dump %s is being removed", d->dump.safe);
	else if (r == -EDQUOT || r == -ENFILE)
		channel_exit(d->channel, STATUS_BUSY, "too many files%s are open: try again later",
			r == -EDQUOT ? " of yours" : "");
	else if (r < 0)
		channel_exit(d->channel, STATUS_BUSY, "the service is busy: try again");
}

static void on_looked(void *arg, int error, struct dump_list *list)
{
	struct dmesg_call *d = arg;
	char room[ERROR_TEXT_ROOM];
	const struct dump_file *f;

	d->look = NULL;
	if (error) {
		channel_exit(d->channel, STATUS_INTERNAL, "the dumps cannot be looked at: %s",
			error_text_shortage(-error, room));
		return;
	}
	f = choose(d, list);
	if (!f)
		return;
	d->dump = *f;
	open_dump(d);
}

static void read_dump(struct dmesg_call *d)
{
	if (file_look(context(d)->files, context(d)->config, on_looked, d, &d->look) < 0)
		channel_exit(d->channel, STATUS_BUSY, "too many look for dumps: try again");
}

/* --- a guest that runs --- */

static void read_guest(struct dmesg_call *d)
{
	struct hypervisor *h = guest_hypervisor(d->guest);
	int r;

	if (!h || !guest_is_on(d->guest)) {
		channel_exit(d->channel, STATUS_UNAVAILABLE, "VM %s is %s", guest_name(d->guest),
			guest_state_name(guest_state(d->guest)));
		return;
	}
	audit_trail_verb(channel_trail(d->channel), "dmesg --live");
	r = kernel_log_of_guest(
		context(d)->dmesg, h, guest_uuid(d->guest), owner(d), &log_events, d, &d->log);
	if (r < 0)
		say_refused(d, r);
}

/* --- life --- */

static void on_end(void *arg)
{
	struct dmesg_call *d = arg;

	file_look_cancel(&d->look);
	kernel_log_destroy(&d->log);
	if (d->loan)
		file_store_returned(context(d)->files, &d->loan);
	loop_defer(login_loop(d->login), free, d);
}

static const struct channel_ops ops = {.writable = on_writable, .end = on_end};

struct dmesg_arguments {
	bool live;
};

static void begin(struct verb_call *call, bool live)
{
	struct dmesg_call *d = calloc(1, sizeof(*d));

	if (!d) {
		channel_exit(call->channel, STATUS_INTERNAL, "out of memory");
		return;
	}
	d->channel = call->channel;
	d->login = call->login;
	d->guest = call->guest;
	snprintf(d->name, sizeof(d->name), "%s", call->argc ? call->argv[0] : LATEST);
	channel_set_handler(call->channel, &ops, d);
	if (live)
		read_guest(d);
	else
		read_dump(d);
}

static void run(struct verb_call *call, const void *options)
{
	const struct dmesg_arguments *arguments = options;

	if (arguments->live && call->argc)
		channel_exit(call->channel, STATUS_USAGE, "dmesg: --live needs no dump; usage: %s",
			call->verb->usage);
	else if (call->argc && strlen(call->argv[0]) >= DUMP_FILE_MAX)
		channel_exit(call->channel, STATUS_NOT_FOUND, "no dump has so long a name");
	else
		begin(call, arguments->live);
}

static const struct verb_option dmesg_options[] = {
	{"live", OPTION_FLAG, offsetof(struct dmesg_arguments, live),
		.help = "read the memory of the guest while it runs, or hangs"},
};

const struct verb verb_dmesg = {.name = "dmesg",
	.example = LATEST,
	.scope = VERB_GUEST,
	.right = RIGHT_DUMP_GET,
	.usage = "dmesg [DUMP | --live]",
	.summary = "the Linux kernel's log, out of a dump of the VM or of its memory",
	VERB_OPTIONS(dmesg_options, struct dmesg_arguments),
	.arguments = 1,
	.run = run};
