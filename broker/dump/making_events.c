/*
 * Task: the way of one dump: its file is made, the hypervisor writes it, it is saved or removed.
 * Owner: the makings. What blocks is in jobs.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "broker/dump/making_private.h"
#include "console/guest/console.h"
#include "console/guest/guest.h"
#include "console/journal/journal.h"

static void set_error(struct making *m, int error, const char *why)
{
	if (m->error)
		return;
	m->error = error;
	snprintf(m->why, sizeof(m->why), "%s", why && *why ? why : strerror(-error));
}

/* --- removing --- */

static void drop_work(void *arg)
{
	struct making *m = arg;

	partial_remove(&m->partial);
}

static void drop_done(void *arg)
{
	struct making *m = arg;

	making_over(m);
}

/* It will not be: what there is of it goes. */
static void drop(struct making *m, int error, const char *why)
{
	set_error(m, error, why);
	m->state = MAKING_DROPPING;
	if (job_submit(m->makings->pool, drop_work, drop_done, m) < 0) {
		drop_work(m);
		drop_done(m);
	}
}

/* Whether somebody has called it off: then it goes. */
static bool is_cancelled(struct making *m)
{
	char why[MAKING_WHY_MAX];

	if (!m->cancelled_by)
		return false;
	snprintf(why, sizeof(why), "cancelled by %s", m->cancelled_by);
	drop(m, -ECANCELED, why);
	return true;
}

void making_call_off(struct making *m)
{
	keeping_forget(&m->room);
	hypervisor_dump_forget(&m->dump);
	(void)is_cancelled(m);
}

/* --- saving --- */

static void save_work(void *arg)
{
	struct making *m = arg;

	m->error = partial_publish(&m->partial, m->vm_name, &m->uuid, m->since,
		making_kind(m->format), m->saved, &m->size);
}

static void save_done(void *arg)
{
	struct making *m = arg;
	int error = job_cancelled(m->makings->pool) ? -ECANCELED : m->error;

	m->error = 0;
	if (error) {
		drop(m, error, m->partial.why);
		return;
	}
	snprintf(m->file, sizeof(m->file), "%s", m->saved);
	keeping_check(m->makings->keeping);
	making_over(m);
}

static void save(struct making *m)
{
	m->state = MAKING_SAVING;
	m->promised = 0;
	if (job_submit(m->makings->pool, save_work, save_done, m) < 0)
		drop(m, -EAGAIN, "too many dumps are being saved");
	else
		making_notify_progress(m);
}

/* --- the hypervisor --- */

static uint64_t promised_to_others(const struct making *m)
{
	const struct making *other;
	uint64_t others = 0;

	LIST_FOREACH (other, &m->makings->list, entry) {
		if (other != m)
			others += other->promised;
	}
	return others;
}

/* What the others may still write is not free. */
static int find_room(const struct making *m, char why[MAKING_WHY_MAX])
{
	uint64_t others = MAKING_SPARE + promised_to_others(m), memory = m->promised;
	uint64_t free_space = m->partial.free_space;

	if (free_space >= others && free_space - others >= memory)
		return 0;
	snprintf(why, MAKING_WHY_MAX,
		"%.300s has %" PRIu64 " MiB free, %" PRIu64 " of them kept for other dumps and "
		"as a reserve, and VM %.200s has %" PRIu64 " MiB of memory",
		m->makings->store, free_space >> 20, others >> 20, m->vm_name, memory >> 20);
	return -ENOSPC;
}

/* So that the history says what the guest had printed before. */
static void mark(const struct making *m)
{
	struct console *console;

	if (guest_console(m->guest, NULL, &console) == 0)
		journal_mark(console_journal(console), JOURNAL_DUMP, m->file);
}

/* The hypervisor writes, or it will not be. */
static void start(struct making *m)
{
	char why[MAKING_WHY_MAX] = "";
	int r = find_room(m, why);

	if (r == 0) {
		r = hypervisor_dump_start(m->dump);
		snprintf(why, sizeof(why), "too many dumps are being made");
	}
	if (r < 0) {
		hypervisor_dump_forget(&m->dump);
		drop(m, r, why);
		return;
	}
	mark(m);
	m->total = m->promised;
	m->state = MAKING_WRITING;
	m->write_begun = loop_now(m->makings->loop);
	making_notify_progress(m);
}

static void refuse(struct making *m, int error, const char *text)
{
	char why[MAKING_WHY_MAX];
	const char *key = error == -EDQUOT ? "size" : error == -ENOSPC ? "total" : NULL;

	hypervisor_dump_forget(&m->dump);
	if (key)
		snprintf(why, sizeof(why),
			"%s of [dump] has no room for the %" PRIu64 " MiB of VM %.200s, whatever "
			"older dumps are removed: raise it",
			key, m->promised >> 20, m->vm_name);
	else
		snprintf(why, sizeof(why), "older dumps cannot be removed: %.900s", text);
	drop(m, error, why);
}

static void on_room(void *arg, int error, const char *text, uint64_t freed)
{
	struct making *m = arg;

	m->room = NULL;
	m->partial.free_space += freed;
	if (error)
		refuse(m, error, text);
	else
		start(m);
}

static void on_opened(void *arg, int error, const char *text, uint64_t memory)
{
	struct making *m = arg;
	struct dump_want want = {
		.guest = m->uuid, .bytes = memory, .others = promised_to_others(m)};
	int r;

	if (error) {
		m->dump = NULL;
		drop(m, error, text);
		return;
	}
	if (m->cancelled_by) {
		making_call_off(m);
		return;
	}
	m->promised = memory;
	m->state = MAKING_ROOM;
	r = keeping_room(m->makings->keeping, &want, on_room, m, &m->room);
	if (r < 0)
		refuse(m, r, strerror(-r));
}

static void on_progress(void *arg, uint64_t written, uint64_t total)
{
	struct making *m = arg;

	m->written = written;
	m->total = total;
	m->promised = total - written;
	making_notify_progress(m);
}

static void on_cancelled(void *arg, int error, const char *text)
{
	making_notify_cancelled(arg, error, text);
}

static void on_done(void *arg, int error, const char *text)
{
	struct making *m = arg;

	m->dump = NULL;
	if (is_cancelled(m))
		return;
	if (error) {
		drop(m, error, text);
		return;
	}
	m->written = m->total;
	save(m);
}

static const struct hypervisor_dump_events events = {on_opened, on_progress, on_cancelled, on_done};

/* --- the file --- */

static void prepare_work(void *arg)
{
	struct making *m = arg;
	char name[PARTIAL_NAME_MAX];

	snprintf(name, sizeof(name), "%s%s-%s", DUMP_PARTIAL, m->makings->word, m->uuid_text);
	m->error = partial_create(&m->partial, m->makings->store, name);
}

static void prepare_done(void *arg)
{
	struct making *m = arg;
	struct hypervisor_dump_request request = {
		.uuid = m->uuid, .path = m->partial.path, .format = m->format, .mode = m->mode};
	int r = job_cancelled(m->makings->pool) ? -ECANCELED : m->error;

	m->error = 0;
	if (r < 0) {
		drop(m, r, m->partial.why);
		return;
	}
	if (is_cancelled(m))
		return;
	r = hypervisor_dump_open(m->hypervisor, &request, &events, m, &m->dump);
	if (r < 0)
		drop(m, r, r == -ENOTCONN ? "the hypervisor cannot be reached" : NULL);
	else
		m->state = MAKING_OPENING;
}

int making_prepare(struct making *m)
{
	return job_submit(m->makings->pool, prepare_work, prepare_done, m);
}
