/* Task: see hypervisor_dump.h. Owner: the hypervisor, until its last job has ended. */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console/hypervisor/hypervisor_private.h"
#include "console/hypervisor/own_connection.h"

enum dump_state { DUMP_OPENING, DUMP_OPEN, DUMP_WRITING };

struct hypervisor_dump {
	struct own_connection own;
	const struct hypervisor_dump_events *events;
	void *arg;
	enum dump_state state;
	struct uuid uuid;
	char path[PATH_MAX];
	unsigned format; /* enum virDomainCoreDumpFormat */
	unsigned flags;
	bool resets;
	struct loop_timer *ask;
	bool cancelling;
	/* Each written by one job only. */
	uint64_t memory, written, total;
	int error, cancel_error;
	struct virt_error text, cancel_text;
};

const char *const hypervisor_dump_formats[] = {
	"elf", "kdump-zlib", "kdump-lzo", "kdump-snappy", "win-dmp", NULL};

static unsigned format_of(enum hypervisor_dump_format format)
{
	switch (format) {
	case HYPERVISOR_DUMP_ELF:
		return VIR_DOMAIN_CORE_DUMP_FORMAT_RAW;
	case HYPERVISOR_DUMP_KDUMP_ZLIB:
		return VIR_DOMAIN_CORE_DUMP_FORMAT_KDUMP_ZLIB;
	case HYPERVISOR_DUMP_KDUMP_LZO:
		return VIR_DOMAIN_CORE_DUMP_FORMAT_KDUMP_LZO;
	case HYPERVISOR_DUMP_KDUMP_SNAPPY:
		return VIR_DOMAIN_CORE_DUMP_FORMAT_KDUMP_SNAPPY;
	case HYPERVISOR_DUMP_WIN_DMP:
		return VIR_DOMAIN_CORE_DUMP_FORMAT_WIN_DMP;
	}
	return VIR_DOMAIN_CORE_DUMP_FORMAT_RAW;
}

/* The reset is one of ours: libvirt (9.0, 11.3) dies of VIR_DUMP_RESET when somebody asks how far
 * the dump is while it resets, as we do. */
static unsigned flags_of(enum hypervisor_dump_mode mode)
{
	switch (mode) {
	case HYPERVISOR_DUMP_PAUSE:
	case HYPERVISOR_DUMP_RESET:
		return 0;
	case HYPERVISOR_DUMP_LIVE:
		return VIR_DUMP_LIVE;
	case HYPERVISOR_DUMP_CRASH:
		return VIR_DUMP_CRASH;
	}
	return 0;
}

/* --- the end --- */

static void leave(struct hypervisor_dump *d)
{
	loop_timer_del(&d->ask);
	own_connection_leave(&d->own);
}

static void fail(struct virt_error *text, int *error)
{
	virt_error_take(text);
	*error = virt_error_number(text);
}

/* The last word: its owner is told when all is put away, so that he may begin another one. */
static void finish(
	struct hypervisor_dump *d, void (*told)(const struct hypervisor_dump_events *events,
					   void *arg, int error, const char *text))
{
	const struct hypervisor_dump_events *events = d->events;
	char text[VIRT_TEXT_MAX];
	int error = d->error;
	void *arg = d->arg;

	snprintf(text, sizeof(text), "%s", d->text.text);
	leave(d);
	told(events, arg, error, text);
}

/* --- how far it is --- */

static void ask_work(void *arg)
{
	struct hypervisor_dump *d = arg;
	virTypedParameterPtr params = NULL;
	unsigned long long done = 0, all = 0;
	int type, count = 0;

	if (virDomainGetJobStats(d->own.domain, &type, &params, &count, 0) < 0)
		return;
	if (virTypedParamsGetULLong(params, count, VIR_DOMAIN_JOB_MEMORY_TOTAL, &all) == 1 &&
		virTypedParamsGetULLong(params, count, VIR_DOMAIN_JOB_MEMORY_PROCESSED, &done) ==
			1 &&
		all > 0) {
		d->total = all;
		d->written = done < all ? done : all;
	}
	virTypedParamsFree(params, count);
}

static void ask_done(void *arg)
{
	struct hypervisor_dump *d = arg;

	if (!own_connection_job_ended(&d->own))
		return;
	loop_timer_set(d->ask, HYPERVISOR_DUMP_ASK_US, 0);
	if (d->total)
		d->events->progress(d->arg, d->written, d->total);
}

static void on_ask(void *arg)
{
	struct hypervisor_dump *d = arg;

	if (own_connection_begin_job(&d->own, ask_work, ask_done) < 0)
		loop_timer_set(d->ask, HYPERVISOR_DUMP_ASK_US, 0);
}

/* --- the dump --- */

static void write_work(void *arg)
{
	struct hypervisor_dump *d = arg;

	if (virDomainCoreDumpWithFormat(
		    d->own.domain, d->path, d->format, VIR_DUMP_MEMORY_ONLY | d->flags) < 0 ||
		(d->resets && virDomainReset(d->own.domain, 0) < 0))
		fail(&d->text, &d->error);
}

static void notify_done(
	const struct hypervisor_dump_events *events, void *arg, int error, const char *text)
{
	events->done(arg, error, text);
}

static void not_run(struct hypervisor_dump *d)
{
	if (!job_cancelled(d->own.pool))
		return;
	d->error = -ENOTCONN;
	snprintf(d->text.text, sizeof(d->text.text), "the service ends");
}

static void write_done(void *arg)
{
	struct hypervisor_dump *d = arg;

	not_run(d);
	if (own_connection_job_ended(&d->own))
		finish(d, notify_done);
}

int hypervisor_dump_start(struct hypervisor_dump *d)
{
	int r = own_connection_begin_job(&d->own, write_work, write_done);

	if (r < 0)
		return r;
	d->state = DUMP_WRITING;
	loop_timer_set(d->ask, HYPERVISOR_DUMP_ASK_US, 0);
	return 0;
}

/* --- cancelling --- */

static void cancel_work(void *arg)
{
	struct hypervisor_dump *d = arg;

	d->cancel_error = 0;
	if (virDomainAbortJob(d->own.domain) < 0)
		fail(&d->cancel_text, &d->cancel_error);
}

static void cancel_done(void *arg)
{
	struct hypervisor_dump *d = arg;

	d->cancelling = false;
	if (own_connection_job_ended(&d->own) && !job_cancelled(d->own.pool))
		d->events->cancelled(d->arg, d->cancel_error, d->cancel_text.text);
}

void hypervisor_dump_cancel(struct hypervisor_dump *d)
{
	if (d->state == DUMP_WRITING && !d->cancelling)
		d->cancelling = own_connection_begin_job(&d->own, cancel_work, cancel_done) == 0;
}

/* --- the beginning --- */

static void open_work(void *arg)
{
	struct hypervisor_dump *d = arg;
	virDomainInfo info;

	d->error = own_connection_open(&d->own, &d->uuid, &d->text);
	if (d->error)
		return;
	if (virDomainGetInfo(d->own.domain, &info) < 0)
		fail(&d->text, &d->error);
	else
		d->memory = (uint64_t)info.maxMem << 10;
}

static void notify_opened(
	const struct hypervisor_dump_events *events, void *arg, int error, const char *text)
{
	events->opened(arg, error, text, 0);
}

static void open_done(void *arg)
{
	struct hypervisor_dump *d = arg;

	not_run(d);
	if (!own_connection_job_ended(&d->own))
		return;
	if (d->error) {
		finish(d, notify_opened);
		return;
	}
	d->state = DUMP_OPEN;
	d->events->opened(d->arg, 0, "", d->memory);
}

int hypervisor_dump_open(struct hypervisor *h, const struct hypervisor_dump_request *request,
	const struct hypervisor_dump_events *events, void *arg, struct hypervisor_dump **out)
{
	struct hypervisor_dump *d;
	int r;

	if (!hypervisor_is_up(h))
		return -ENOTCONN;
	if (strlen(request->path) >= sizeof(d->path))
		return -ENAMETOOLONG;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->events = events;
	d->arg = arg;
	d->uuid = request->uuid;
	snprintf(d->path, sizeof(d->path), "%s", request->path);
	d->format = format_of(request->format);
	d->flags = flags_of(request->mode);
	d->resets = request->mode == HYPERVISOR_DUMP_RESET;
	own_connection_init(&d->own, h, h->dumps_pool, free, d);
	r = loop_timer_add(h->loop, &d->ask, on_ask, d);
	if (r == 0)
		r = own_connection_begin_job(&d->own, open_work, open_done);
	if (r < 0) {
		loop_timer_del(&d->ask);
		own_connection_finish(&d->own);
		free(d);
		return r;
	}
	*out = d;
	return 0;
}

void hypervisor_dump_forget(struct hypervisor_dump **dump)
{
	struct hypervisor_dump *d = *dump;

	*dump = NULL;
	if (!d)
		return;
	own_connection_break(&d->own);
	leave(d);
}
