/* Task: the list of dumps that are being made, who watches them, what is said of them. Owner: the
 * broker. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "broker/dump/making_private.h"
#include "console/guest/guest.h"
#include "core/log.h"

static const char *const modes[] = {"pause", "live", "crash", "reset"};

const char *making_kind(enum hypervisor_dump_format format)
{
	switch (format) {
	case HYPERVISOR_DUMP_ELF:
		return "elf";
	case HYPERVISOR_DUMP_WIN_DMP:
		return "dmp";
	case HYPERVISOR_DUMP_KDUMP_ZLIB:
	case HYPERVISOR_DUMP_KDUMP_LZO:
	case HYPERVISOR_DUMP_KDUMP_SNAPPY:
		return "kdump";
	}
	return "elf";
}

/* --- watchers --- */

void making_watch(struct making *making, struct making_watch *watch)
{
	watch->making = making;
	LIST_INSERT_HEAD(&making->watches, watch, entry);
}

void making_unwatch(struct making_watch *watch)
{
	if (watch->making)
		LIST_REMOVE(watch, entry);
	watch->making = NULL;
}

/* A watcher may take itself away in its function, and no other. */
void making_notify_progress(struct making *m)
{
	struct making_watch *w, *next;

	for (w = LIST_FIRST(&m->watches); w; w = next) {
		next = LIST_NEXT(w, entry);
		w->progress(w->arg);
	}
}

void making_notify_cancelled(struct making *m, int error, const char *text)
{
	struct making_watch *w, *next;

	for (w = LIST_FIRST(&m->watches); w; w = next) {
		next = LIST_NEXT(w, entry);
		w->cancelled(w->arg, error, text);
	}
}

const struct making_counts *makings_counts(const struct makings *m)
{
	return &m->counts;
}

/* --- the end --- */

static enum status status_of(int error)
{
	switch (error) {
	case 0:
		return STATUS_OK;
	case -EACCES:
		return STATUS_DENIED;
	case -ENOSPC:
	case -EAGAIN:
	case -EDQUOT:
		return STATUS_BUSY;
	case -ECANCELED:
		return STATUS_KICKED;
	case -EOPNOTSUPP:
	case -ENOTCONN:
	case -EIO:
		return STATUS_UNAVAILABLE;
	default:
		return STATUS_INTERNAL;
	}
}

static void count(const struct making *m)
{
	struct making_counts *counts = &m->makings->counts;

	if (m->error == 0)
		counts->complete++;
	else if (m->error == -ECANCELED)
		counts->cancelled++;
	else
		counts->failed++;
}

static void record(const struct making *m, enum status status)
{
	char file[DUMP_FILE_MAX + 8], reason[MAKING_WHY_MAX];
	struct audit_record r = {.event = "dump",
		.vm_uuid = m->uuid_text,
		.vm_name = m->vm_name,
		.file = status == STATUS_OK ? file : NULL,
		.has_end = 1,
		.status = status,
		.duration_us = loop_now(m->makings->loop) - m->begun,
		.reason = reason};

	audit_by_fill(&m->by, &r);
	snprintf(file, sizeof(file), "/dumps/%s", m->file);
	if (status == STATUS_OK)
		snprintf(reason, sizeof(reason), "complete: %" PRIu64 " bytes, %s, %s", m->size,
			hypervisor_dump_formats[m->format], modes[m->mode]);
	else
		snprintf(reason, sizeof(reason), "%s", m->why);
	deeds_write(m->makings->deeds, &r, true);
	log_info("dump of %s by %s: %s", m->vm_name, m->who, reason);
}

static void making_free(void *arg)
{
	struct making *m = arg;

	partial_finish(&m->partial);
	free(m->vm_name);
	free(m->who);
	audit_by_finish(&m->by);
	free(m->cancelled_by);
	free(m);
}

void making_over(struct making *m)
{
	enum status status = status_of(m->error);
	struct making_watch *w;

	count(m);
	record(m, status);
	LIST_REMOVE(m, entry);
	while ((w = LIST_FIRST(&m->watches))) {
		making_unwatch(w);
		w->done(w->arg, status, status == STATUS_OK ? m->file : m->why);
	}
	loop_defer(m->makings->loop, making_free, m);
}

void making_cancel(struct making *m, const char *who)
{
	if (!m->cancelled_by)
		m->cancelled_by = strdup(who);
	if (!m->cancelled_by)
		return;
	if (m->state == MAKING_WRITING)
		hypervisor_dump_cancel(m->dump);
	else if (m->state == MAKING_ROOM)
		making_call_off(m);
}

/* --- the beginning --- */

static struct making *making_create(struct makings *makings, const struct making_options *order)
{
	struct making *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->makings = makings;
	m->partial.fd = m->partial.folder = -1;
	m->uuid = *guest_uuid(order->guest);
	uuid_text(&m->uuid, m->uuid_text);
	m->guest = order->guest;
	m->hypervisor = guest_hypervisor(order->guest);
	m->format = order->format;
	m->mode = order->mode;
	m->begun = loop_now(makings->loop);
	m->since = time(NULL);
	m->vm_name = strdup(guest_name(order->guest));
	m->who = strdup(order->who);
	if (!m->vm_name || !m->who || audit_by_copy(&m->by, order->by) < 0) {
		making_free(m);
		return NULL;
	}
	dump_name_make(m->vm_name, &m->uuid, m->since, making_kind(m->format), m->file);
	return m;
}

static unsigned under_way(const struct makings *makings)
{
	const struct making *m;
	unsigned n = 0;

	LIST_FOREACH (m, &makings->list, entry)
		n++;
	return n;
}

int making_begin(struct makings *makings, const struct making_options *order, struct making **out)
{
	struct making *m;
	int r;

	if (!guest_is_on(order->guest) || !guest_hypervisor(order->guest))
		return -ENOTCONN;
	if (!hypervisor_is_local(guest_hypervisor(order->guest)))
		return -EXDEV;
	if (making_find(makings, guest_uuid(order->guest)))
		return -EBUSY;
	if (under_way(makings) >= order->max_parallel)
		return -EAGAIN;
	m = making_create(makings, order);
	if (!m)
		return -ENOMEM;
	r = making_prepare(m);
	if (r < 0) {
		making_free(m);
		return r;
	}
	LIST_INSERT_HEAD(&makings->list, m, entry);
	log_info("dump of %s (%s, %s) begun by %s", m->vm_name, hypervisor_dump_formats[m->format],
		modes[m->mode], m->who);
	*out = m;
	return 0;
}

/* --- what is under way --- */

struct making *making_first(const struct makings *makings)
{
	return LIST_FIRST(&makings->list);
}

struct making *making_next(const struct making *m)
{
	return LIST_NEXT(m, entry);
}

struct making *making_find(const struct makings *makings, const struct uuid *uuid)
{
	struct making *m;

	LIST_FOREACH (m, &makings->list, entry) {
		if (uuid_equal(&m->uuid, uuid))
			return m;
	}
	return NULL;
}

static const char *state_name(enum making_state state)
{
	switch (state) {
	case MAKING_PREPARING:
	case MAKING_OPENING:
	case MAKING_ROOM:
		return "starting";
	case MAKING_WRITING:
		return "writing";
	case MAKING_SAVING:
		return "saving";
	case MAKING_DROPPING:
		return "removing";
	}
	return "unknown";
}

void making_describe(const struct making *m, struct making_info *out)
{
	uint64_t took = m->write_begun ? loop_now(m->makings->loop) - m->write_begun : 0;

	*out = (struct making_info){.uuid = &m->uuid,
		.file = m->file,
		.format = hypervisor_dump_formats[m->format],
		.mode = modes[m->mode],
		.who = m->who,
		.since = m->since,
		.state = state_name(m->state),
		.cancelled_by = m->cancelled_by,
		.written = m->written,
		.total = m->total};
	if (took > 0)
		out->per_second = (uint64_t)((double)m->written * LOOP_SECOND / (double)took);
	if (out->per_second > 0)
		out->seconds_left = (m->total - m->written + out->per_second - 1) / out->per_second;
}

void making_text(const struct making_info *info, char out[MAKING_TEXT_MAX])
{
	int n = snprintf(out, MAKING_TEXT_MAX, "%s", info->state);

	if (info->total > 0)
		n += snprintf(out + n, (size_t)(MAKING_TEXT_MAX - n), " %u %%",
			(unsigned)((double)info->written * 100 / (double)info->total));
	if (info->per_second > 0)
		snprintf(out + n, (size_t)(MAKING_TEXT_MAX - n), ", %.1f MiB/s, %" PRIu64 " s left",
			(double)info->per_second / (1 << 20), info->seconds_left);
}

/* --- life --- */

static void sweep_work(void *arg)
{
	const struct makings *makings = arg;

	partial_sweep(makings->store, makings->word);
}

int makings_create(struct loop *loop, struct deeds *deeds, struct keeping *keeping,
	const char *store, struct makings **out)
{
	struct makings *makings = calloc(1, sizeof(*makings));
	uint64_t word;
	int r = 0;

	if (!makings)
		return -ENOMEM;
	makings->loop = loop;
	makings->deeds = deeds;
	makings->keeping = keeping;
	makings->store = strdup(store);
	if (!makings->store || getrandom(&word, sizeof(word), 0) != sizeof(word))
		r = -ENOMEM;
	else
		snprintf(makings->word, sizeof(makings->word), "%016" PRIx64, word);
	if (!r)
		r = job_pool_create(loop, "dump-file", HYPERVISOR_DUMPS_MAX,
			HYPERVISOR_DUMPS_MAX * 2, &makings->pool);
	if (!r)
		r = job_submit(makings->pool, sweep_work, NULL, makings);
	*out = makings;
	if (r)
		makings_destroy(out);
	return r;
}

/* Its thread hangs in the disk, and keeps what it works with: the process is about to end. */
static bool is_held(const struct making *m)
{
	return m->state == MAKING_PREPARING || m->state == MAKING_SAVING ||
	       m->state == MAKING_DROPPING;
}

void makings_destroy(struct makings **out)
{
	struct makings *makings = *out;
	struct making *m;
	bool held = false;

	if (!makings)
		return;
	*out = NULL;
	if (makings->pool)
		job_pool_destroy(&makings->pool, LOOP_SECOND);
	while ((m = LIST_FIRST(&makings->list))) {
		if (is_held(m)) {
			held = true;
			LIST_REMOVE(m, entry);
			continue;
		}
		keeping_forget(&m->room);
		hypervisor_dump_forget(&m->dump);
		partial_remove(&m->partial);
		m->error = -ECANCELED;
		snprintf(m->why, sizeof(m->why), "the service ended");
		making_over(m);
	}
	if (held)
		return;
	free(makings->store);
	loop_defer(makings->loop, free, makings);
}
