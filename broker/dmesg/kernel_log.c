/* Task: see kernel_log.h. Owner: who wants the log. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "broker/dmesg/kernel_log.h"
#include "broker/worker/worker.h"
#include "console/hypervisor/hypervisor_peek.h"
#include "core/text/escape.h"
#include "core/io.h"
#include "wire/line.h"

_Static_assert(HYPERVISOR_PEEK_MAX == WIRE_PEEK_MAX, "what is asked for can be read");
_Static_assert(RAM_RANGES_MAX <= WIRE_MEMORY_MAX, "what is memory can be told");

struct kernel_log {
	struct worker_job job;
	bool has_job;
	struct worker *worker;
	const struct kernel_log_events *events;
	void *arg;
	char *owner;
	int fd; /* the dump, or the window */
	/* of a guest that runs */
	struct hypervisor_peek *peek;
	struct wire_range ranges[RAM_RANGES_MAX];
	size_t range_count;
	unsigned peeks;
	bool filled_due; /* PEEKED is still to be said */
	bool paused;
};

static struct kernel_log *log_of(struct worker_job *job)
{
	return (struct kernel_log *)((char *)job - offsetof(struct kernel_log, job));
}

static void fail(struct kernel_log *log, enum kernel_log_failure failure, const char *text)
{
	if (log->has_job)
		worker_job_end(&log->job);
	hypervisor_peek_forget(&log->peek);
	log->events->failed(log->arg, failure, text);
}

/* --- the guest's memory --- */

static void say_filled(struct kernel_log *log)
{
	log->filled_due = !worker_job_say(&log->job, WIRE_PEEKED, NULL, NULL, 0);
}

static void on_filled(void *arg, int error, const char *text)
{
	struct kernel_log *log = arg;

	if (error) {
		log->peek = NULL; /* it is gone */
		fail(log, KERNEL_LOG_AWAY, text);
	} else {
		say_filled(log);
	}
}

static void on_peek(struct kernel_log *log, const struct line_message *m)
{
	struct wire_peek peek;

	memcpy(&peek, m->fixed, sizeof(peek));
	if (!log->peek || ++log->peeks > KERNEL_LOG_PEEKS_MAX ||
		hypervisor_peek_fill(log->peek, peek.address, peek.len, log->fd) < 0)
		worker_job_distrust(&log->job);
}

/* --- what the worker says --- */

static void on_lines(struct kernel_log *log, const struct line_message *m)
{
	const char *text = (const char *)m->payload;

	/* The worker reads what guests have in memory, and its text goes to terminals. */
	if (escape_is_text(text, m->payload_len))
		log->events->lines(log->arg, text, m->payload_len);
	else
		worker_job_distrust(&log->job);
}

static void on_failed(struct kernel_log *log, const struct line_message *m)
{
	char text[WIRE_REASON_MAX + 1];

	if (worker_job_failure(&log->job, m, 1u << WIRE_FAIL_KERNEL, text))
		fail(log, KERNEL_LOG_UNREADABLE, text);
}

static void on_message(struct worker_job *job, const struct line_message *m)
{
	struct kernel_log *log = log_of(job);

	switch ((int)m->type) {
	case WIRE_PEEK:
		on_peek(log, m);
		break;
	case WIRE_PRINT:
		on_lines(log, m);
		break;
	case WIRE_FAILED:
		on_failed(log, m);
		break;
	case WIRE_WHOLE:
		worker_job_end(job);
		hypervisor_peek_forget(&log->peek);
		log->events->whole(log->arg);
		break;
	default:
		worker_job_distrust(job);
		break;
	}
}

static int give(struct worker_job *job)
{
	struct kernel_log *log = log_of(job);
	struct wire_kernel head = {.live = log->range_count > 0};

	return line_send_fds(worker_job_line(job), WIRE_KERNEL, &head, log->ranges,
		log->range_count * sizeof(log->ranges[0]), &log->fd, 1);
}

static void on_begun(struct worker_job *job)
{
	worker_job_pause(job, log_of(job)->paused);
}

static void on_room(struct worker_job *job)
{
	struct kernel_log *log = log_of(job);

	if (log->filled_due)
		say_filled(log);
}

static void on_broken(struct worker_job *job, const char *text)
{
	fail(log_of(job), KERNEL_LOG_BROKEN, text);
}

static const struct worker_job_ops ops = {.give = give,
	.begun = on_begun,
	.message = on_message,
	.room = on_room,
	.broken = on_broken};

/* --- life --- */

static struct kernel_log *create(struct worker *w, const char *owner,
	const struct kernel_log_events *events, void *arg, int fd)
{
	struct kernel_log *log = calloc(1, sizeof(*log));

	if (log)
		log->owner = strdup(owner);
	if (!log || !log->owner) {
		free(log);
		fd_close(&fd);
		return NULL;
	}
	log->worker = w;
	log->events = events;
	log->arg = arg;
	log->fd = fd;
	return log;
}

static void free_log(void *arg)
{
	struct kernel_log *log = arg;

	free(log->owner);
	free(log);
}

void kernel_log_destroy(struct kernel_log **out)
{
	struct kernel_log *log = *out;

	if (!log)
		return;
	*out = NULL;
	if (log->has_job)
		worker_job_finish(&log->job);
	log->has_job = false;
	hypervisor_peek_forget(&log->peek);
	fd_close(&log->fd);
	loop_defer(worker_loop(log->worker), free_log, log);
}

static int begin(struct kernel_log *log)
{
	int r = worker_job_create(log->worker, &log->job, &ops, log->owner);

	log->has_job = r == 0;
	return r;
}

int kernel_log_of_dump(struct worker *w, int dump, const char *owner,
	const struct kernel_log_events *events, void *arg, struct kernel_log **out)
{
	struct kernel_log *log = create(w, owner, events, arg, dump);
	int r = log ? begin(log) : -ENOMEM;

	if (r < 0)
		kernel_log_destroy(&log);
	*out = log;
	return r;
}

static void on_opened(void *arg, int error, const char *text, const struct ram *ram)
{
	struct kernel_log *log = arg;
	size_t i;
	int r;

	if (error) {
		log->peek = NULL; /* it is gone */
		fail(log, error == -EOPNOTSUPP ? KERNEL_LOG_UNREADABLE : KERNEL_LOG_AWAY, text);
		return;
	}
	for (i = 0; i < ram->count; i++)
		log->ranges[i] = (struct wire_range){ram->ranges[i].from, ram->ranges[i].to};
	log->range_count = ram->count;
	r = begin(log);
	if (r == -EBUSY || r == -EDQUOT)
		fail(log, KERNEL_LOG_BUSY, "too many are being read: try again when one is done");
	else if (r < 0)
		fail(log, KERNEL_LOG_BROKEN, "the process that reads it cannot be had");
}

/* A file of fixed size: the worker, which has it as well, cannot make it greater. */
static int make_window(int *fd)
{
	*fd = memfd_create("window", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd < 0)
		return -errno;
	if (ftruncate(*fd, WIRE_PEEK_MAX) < 0 ||
		fcntl(*fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		return -errno;
	return 0;
}

int kernel_log_of_guest(struct worker *w, struct hypervisor *h, const struct uuid *uuid,
	const char *owner, const struct kernel_log_events *events, void *arg,
	struct kernel_log **out)
{
	static const struct hypervisor_peek_events peek_events = {on_opened, on_filled};
	struct kernel_log *log = create(w, owner, events, arg, -1);
	int r = log ? make_window(&log->fd) : -ENOMEM;

	if (r == 0)
		r = hypervisor_peek_open(h, uuid, owner, &peek_events, log, &log->peek);
	if (r < 0)
		kernel_log_destroy(&log);
	*out = log;
	return r;
}

void kernel_log_pause(struct kernel_log *log, bool on)
{
	log->paused = on;
	if (log->has_job)
		worker_job_pause(&log->job, on);
}
