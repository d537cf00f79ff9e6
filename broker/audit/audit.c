/*
 * Task: number the records, queue them, have them written in order. Owner: the broker.
 *
 * One batch is with the thread at a time: it takes all that is queued then. A record that finds the
 * queue full, or the disk, is lost, and counted; the next one that is written is preceded by one
 * that says how many.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/queue.h>

#include "broker/audit/audit.h"
#include "broker/audit/audit_file.h"
#include "broker/audit/audit_record.h"
#include "core/job.h"
#include "core/log.h"
#include "core/file/error_text.h"

struct waiter {
	audit_done_fn done; /* NULL: nobody waits */
	void *arg;
};

struct entry {
	STAILQ_ENTRY(entry) next;
	struct audit_line line;
	struct waiter waiter;
};
STAILQ_HEAD(entries, entry);

struct audit {
	struct loop *loop;
	struct audit_options options;
	char *path;
	struct job_pool *pool;
	uint64_t seq; /* of the last record */
	uint64_t lost, lost_untold;
	uint64_t complained_at;
	struct entries queue;
	unsigned queued;
	int failing, closing;
	struct loop_timer *turn; /* what one turn adds goes together */

	/* the thread's, while a batch is with it */
	struct entries batch;
	struct audit_options batch_options;
	struct audit_file file;
	int batch_error, rotate_error;
	int busy;
};

const char *audit_path(const struct audit *a)
{
	return a->path;
}

unsigned audit_keep(const struct audit *a)
{
	return a->options.rotate_keep;
}

static void free_entry(struct entry *e)
{
	audit_line_finish(&e->line);
	free(e);
}

/* --- in the thread --- */

static int write_batch(struct audit *a)
{
	struct entry *e;
	size_t len = 0, used = 0;
	char *text;
	int r;

	STAILQ_FOREACH (e, &a->batch, next)
		len += e->line.len;
	text = malloc(len ? len : 1);
	if (!text)
		return -ENOMEM;
	STAILQ_FOREACH (e, &a->batch, next) {
		memcpy(text + used, e->line.text, e->line.len);
		used += e->line.len;
	}
	if (a->file.size > 0 && a->file.size + len > a->batch_options.rotate_size)
		a->rotate_error = audit_file_rotate(&a->file, a->batch_options.rotate_keep);
	r = audit_file_append(&a->file, text, len, a->batch_options.strict);
	free(text);
	return r;
}

static void batch_work(void *arg)
{
	struct audit *a = arg;
	struct entry *e;

	a->rotate_error = 0;
	a->batch_error = write_batch(a);
	STAILQ_FOREACH (e, &a->batch, next)
		audit_line_journal(&e->line);
}

/* --- on the loop --- */

/* What keeps the file from being written, and what to do about it. */
static const char *why_not(const struct audit *a, int error, char room[ERROR_TEXT_ROOM])
{
	if (error == -ENOBUFS)
		return "its disk is slower than the records come";
	if (error == -EINVAL)
		return "it is not a regular file: move it away, or set file of [audit]";
	return error_text(a->path, -error, R_OK | W_OK, room);
}

static void complain(struct audit *a, int error)
{
	uint64_t now = loop_now(a->loop);
	char room[ERROR_TEXT_ROOM];

	if (a->complained_at && now - a->complained_at < AUDIT_COMPLAIN_US)
		return;
	a->complained_at = now ? now : 1;
	log_error("audit: %s: %s; %llu records lost so far%s", a->path, why_not(a, error, room),
		(unsigned long long)a->lost, a->options.strict ? "; logins are refused" : "");
}

static void count_lost(struct audit *a, unsigned count, int error)
{
	a->lost += count;
	a->lost_untold += count;
	a->failing = 1;
	complain(a, error);
}

static void submit(struct audit *a);

static void batch_done(void *arg)
{
	struct audit *a = arg;
	unsigned count = 0;
	struct entry *e;
	char room[ERROR_TEXT_ROOM];
	int error = a->batch_error;

	a->busy = 0;
	if (a->closing && job_cancelled(a->pool))
		return; /* audit_destroy writes it */
	STAILQ_FOREACH (e, &a->batch, next)
		count++;
	if (error < 0) {
		count_lost(a, count, error);
	} else if (a->failing) {
		a->failing = 0;
		a->complained_at = 0;
		log_info("audit: %s is written again", a->path);
	}
	if (a->rotate_error < 0)
		log_error(
			"audit: cannot rotate %s: %s", a->path, why_not(a, a->rotate_error, room));
	while ((e = STAILQ_FIRST(&a->batch))) {
		STAILQ_REMOVE_HEAD(&a->batch, next);
		if (e->waiter.done)
			e->waiter.done(e->waiter.arg, error);
		free_entry(e);
	}
	submit(a);
}

static void submit(struct audit *a)
{
	if (a->busy || a->closing || STAILQ_EMPTY(&a->queue))
		return;
	STAILQ_CONCAT(&a->batch, &a->queue);
	a->queued = 0;
	a->batch_options = a->options;
	a->busy = 1;
	if (job_submit(a->pool, batch_work, batch_done, a) < 0) {
		a->batch_error = -ENOMEM;
		a->rotate_error = 0;
		batch_done(a); /* cannot come back here: the queue is empty */
	}
}

static void on_turn(void *arg)
{
	submit(arg);
}

static int add(struct audit *a, const struct audit_record *record, struct waiter waiter)
{
	struct entry *e = calloc(1, sizeof(*e));
	int r = e ? audit_line_make(record, a->seq + 1, &e->line) : -ENOMEM;

	a->seq++; /* of a lost one too: the gap tells */
	if (r < 0) {
		free(e);
		return r;
	}
	e->waiter = waiter;
	STAILQ_INSERT_TAIL(&a->queue, e, next);
	a->queued++;
	return 0;
}

static void notify_lost(struct audit *a)
{
	char reason[64];

	if (!a->lost_untold || a->busy)
		return;
	snprintf(reason, sizeof(reason), "%llu records could not be written",
		(unsigned long long)a->lost_untold);
	if (add(a, &(struct audit_record){.event = "audit-gap", .reason = reason},
		    (struct waiter){NULL, NULL}) == 0)
		a->lost_untold = 0;
}

static int put(struct audit *a, const struct audit_record *record, struct waiter waiter)
{
	int r = -ENOBUFS;

	if (a->queued < AUDIT_QUEUE_MAX) {
		notify_lost(a);
		r = add(a, record, waiter);
	} else {
		a->seq++;
	}
	if (r < 0)
		count_lost(a, 1, r);
	else if (!a->busy)
		loop_timer_set(a->turn, 0, 0);
	return r;
}

void audit_write(struct audit *a, const struct audit_record *record)
{
	(void)put(a, record, (struct waiter){NULL, NULL});
}

void audit_write_then(
	struct audit *a, const struct audit_record *record, audit_done_fn done, void *arg)
{
	int r;

	if (!a->options.strict) {
		audit_write(a, record);
		done(arg, 0);
		return;
	}
	r = put(a, record, (struct waiter){done, arg});
	if (r < 0)
		done(arg, r);
}

static void forget_in(struct entries *list, const void *arg)
{
	struct entry *e;

	STAILQ_FOREACH (e, list, next) {
		if (e->waiter.arg == arg)
			e->waiter.done = NULL;
	}
}

void audit_forget(struct audit *a, const void *arg)
{
	/* The thread looks at lines only, never at waiters. */
	forget_in(&a->queue, arg);
	forget_in(&a->batch, arg);
}

/* --- life --- */

void audit_set_options(struct audit *a, const struct audit_options *options)
{
	a->options = *options;
	a->options.file = NULL;
}

int audit_create(struct loop *loop, const struct audit_options *options, struct audit **out)
{
	struct audit *a = calloc(1, sizeof(*a));
	char room[ERROR_TEXT_ROOM];
	int r = -ENOMEM;

	if (!a)
		return -ENOMEM;
	a->loop = loop;
	a->file.fd = -1;
	STAILQ_INIT(&a->queue);
	STAILQ_INIT(&a->batch);
	audit_set_options(a, options);
	a->path = strdup(options->file);
	if (a->path)
		r = loop_timer_add(loop, &a->turn, on_turn, a);
	if (!r)
		r = job_pool_create(loop, "audit", 1, 1, &a->pool);
	if (r < 0) {
		loop_timer_del(&a->turn);
		free(a->path);
		free(a);
		return r;
	}
	a->file.path = a->path;
	a->seq = audit_file_last(a->path);
	r = audit_file_open(&a->file);
	if (r < 0)
		log_error("audit: %s: %s%s", a->path, why_not(a, r, room),
			a->options.strict ? "; logins are refused" : "");
	*out = a;
	return 0;
}

void audit_destroy(struct audit **out)
{
	struct audit *a = *out;
	struct entry *e;

	if (!a)
		return;
	*out = NULL;
	a->closing = 1;
	loop_timer_del(&a->turn);
	/* A batch that hangs in a dead disk is left to the thread, with what it holds. */
	job_pool_destroy(&a->pool, AUDIT_STOP_US);
	if (!a->busy) {
		STAILQ_CONCAT(&a->batch, &a->queue);
		a->batch_options = a->options;
		batch_work(a);
	}
	if (a->busy)
		return;
	while ((e = STAILQ_FIRST(&a->batch))) {
		STAILQ_REMOVE_HEAD(&a->batch, next);
		free_entry(e);
	}
	audit_file_close(&a->file);
	free(a->path);
	free(a);
}
