/*
 * Task: one job of the matcher: its line, its messages. Owner: the matcher; used by who waits.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/matcher/matcher_private.h"
#include "core/escape.h"
#include "core/log.h"

/* --- a job's line --- */

static void let_go(struct matcher_job *job)
{
	loop_io_del(&job->io);
	line_finish(&job->line);
	job->blocked = 0;
	job->pending = 0;
}

void matcher_job_fail(struct matcher_job *job, enum matcher_failure failure, const char *text)
{
	let_go(job);
	job->state = JOB_OVER;
	job->events->failed(job->arg, failure, text);
}

/* Its worker has gone, or does not want it. */
void matcher_job_lose(struct matcher_job *job)
{
	int at_work = job->pending > 0;

	let_go(job);
	job->state = JOB_WAITS;
	job->restarts += (unsigned)at_work;
	if (job->restarts > MATCHER_RESTARTS_MAX)
		matcher_job_fail(job, MATCHER_BROKEN,
			"the process that looks for it has died again and again");
	else if (job->matcher->serves)
		loop_timer_set(job->matcher->retry, MATCHER_RETRY_US, 0);
}

static void on_read(struct matcher_job *job, const struct line_message *m)
{
	struct wire_read read;

	memcpy(&read, m->fixed, sizeof(read));
	job->pending -= job->pending > 0;
	job->wanted.offset = read.again;
	job->wanted.begins = read.begins;
	job->events->read(job->arg, read.offset, read.rest);
}

static void on_found(struct matcher_job *job, const struct line_message *m)
{
	struct matcher_found found = {.text = (const char *)m->payload, .len = m->payload_len};
	struct wire_found head;

	memcpy(&head, m->fixed, sizeof(head));
	/* The worker reads what guests print, and its text goes to terminals. */
	if (head.pattern >= job->wanted.count ||
		(!job->wanted.raw && !escape_is_text(found.text, found.len))) {
		matcher_job_fail(
			job, MATCHER_BROKEN, "the process that looks for it gives no sense");
		return;
	}
	found.pattern = head.pattern;
	found.start = head.start;
	found.end = head.end;
	found.cut = head.cut;
	let_go(job);
	job->state = JOB_OVER;
	job->events->found(job->arg, &found);
}

static void on_failed(struct matcher_job *job, const struct line_message *m)
{
	char text[WIRE_REASON_MAX + 1];
	struct wire_failed head;

	memcpy(&head, m->fixed, sizeof(head));
	memcpy(text, m->payload, m->payload_len);
	text[m->payload_len] = '\0';
	switch ((enum wire_failure)head.failure) {
	case WIRE_FAIL_PATTERN:
		matcher_job_fail(job, MATCHER_BAD_PATTERN, text);
		break;
	case WIRE_FAIL_LIMIT:
		matcher_job_fail(job, MATCHER_LIMIT, text);
		break;
	case WIRE_FAIL_MEMORY:
		matcher_job_fail(
			job, MATCHER_BROKEN, "the process that looks for it has no memory left");
		break;
	}
}

static void on_message(struct matcher_job *job, const struct line_message *m)
{
	switch ((int)m->type) {
	case WIRE_READ:
		on_read(job, m);
		break;
	case WIRE_FOUND:
		on_found(job, m);
		break;
	case WIRE_FAILED:
		on_failed(job, m);
		break;
	default:
		break;
	}
}

static void on_readable(struct matcher_job *job)
{
	struct line_message m;
	int r = line_receive(&job->line, &m);

	if (r == -EAGAIN)
		return;
	if (r == 1) {
		on_message(job, &m);
		line_message_finish(&m);
		return;
	}
	if (r < 0)
		log_error("the match worker broke the protocol: %s", strerror(-r));
	matcher_job_lose(job);
}

static void on_io(void *arg, uint32_t revents)
{
	struct matcher_job *job = arg;

	if (job->blocked && revents & EPOLLOUT) {
		job->blocked = 0;
		loop_io_set(job->io, EPOLLIN);
		job->events->room(job->arg);
	} else {
		on_readable(job);
	}
}

/* What a line that takes nothing now, or nothing any more, means. */
static int sent(struct matcher_job *job, int r)
{
	if (r == 0) {
		job->pending++;
	} else if (r == -EAGAIN) {
		job->blocked = 1;
		loop_io_set(job->io, EPOLLIN | EPOLLOUT);
	}
	/* That it is dead, reading tells. */
	return r == 0;
}

size_t matcher_job_send(struct matcher_job *job, uint64_t offset, const uint8_t *data, size_t len)
{
	struct wire_bytes head = {.offset = offset};

	if (len > WIRE_PAYLOAD_MAX)
		len = WIRE_PAYLOAD_MAX;
	if (job->state != JOB_RUNS || job->blocked)
		return 0;
	return sent(job, line_send(&job->line, WIRE_BYTES, &head, data, len)) ? len : 0;
}

bool matcher_job_rest(struct matcher_job *job)
{
	if (job->state != JOB_RUNS || job->blocked)
		return false;
	return sent(job, line_send(&job->line, WIRE_REST, NULL, NULL, 0));
}

/* --- starting --- */

static int open_line(struct matcher_job *job)
{
	int fds[2], r = line_pair(fds);

	if (r < 0)
		return r;
	r = supervisor_task(job->matcher->supervisor, fds[1]);
	close(fds[1]);
	if (r < 0) {
		close(fds[0]);
		return r;
	}
	line_init(&job->line, fds[0], WIRE_JOB, WIRE_BROKER);
	r = line_send(&job->line, WIRE_MATCH, &job->wanted, job->patterns, job->patterns_len);
	if (!r)
		r = loop_io_add(job->matcher->options.loop, &job->io, fds[0], EPOLLIN, on_io, job);
	if (r < 0)
		line_finish(&job->line);
	return r;
}

void matcher_job_start(struct matcher_job *job)
{
	int r = open_line(job);

	if (r == -EAGAIN) {
		loop_timer_set(job->matcher->retry, MATCHER_RETRY_US, 0);
	} else if (r < 0) {
		log_error("cannot give a job to the match worker: %s", strerror(-r));
		matcher_job_fail(
			job, MATCHER_BROKEN, "the process that looks for it takes no more");
	} else {
		job->state = JOB_RUNS;
		job->pending = 1; /* it has the patterns to compile */
		job->events->begin(job->arg, job->wanted.offset);
	}
}

/* --- life --- */

static size_t size_of(const struct matcher_wanted *wanted)
{
	size_t size = 0, i;

	for (i = 0; i < wanted->count; i++)
		size += sizeof(uint16_t) + strlen(wanted->patterns[i]);
	return size;
}

static void pack(struct matcher_job *job, const struct matcher_wanted *wanted)
{
	unsigned char *at = job->patterns;
	size_t i;

	for (i = 0; i < wanted->count; i++) {
		uint16_t len = (uint16_t)strlen(wanted->patterns[i]);

		memcpy(at, &len, sizeof(len));
		memcpy(at + sizeof(len), wanted->patterns[i], len);
		at += sizeof(len) + len;
	}
	job->wanted = (struct wire_match){.offset = wanted->offset,
		.from = wanted->from,
		.count = (uint8_t)wanted->count,
		.raw = wanted->raw,
		.multi = wanted->multi,
		.begins = wanted->begins};
}

int matcher_job_create(struct matcher *m, const struct matcher_wanted *wanted,
	const struct matcher_events *events, void *arg, struct matcher_job **out)
{
	size_t size = size_of(wanted);
	struct matcher_job *job;
	int r;

	if (m->count >= m->jobs_max)
		return -EBUSY;
	if (size > WIRE_PATTERNS_MAX || wanted->count > UINT8_MAX)
		return -E2BIG;
	r = matcher_hire(m);
	if (r < 0)
		return r;
	job = calloc(1, sizeof(*job) + size);
	if (!job)
		return -ENOMEM;
	job->matcher = m;
	job->events = events;
	job->arg = arg;
	job->line.fd = -1;
	job->patterns_len = size;
	r = shares_take(&m->shares, wanted->owner, m->owner_max, &job->share);
	if (r < 0) {
		free(job);
		return r;
	}
	pack(job, wanted);
	LIST_INSERT_HEAD(&m->jobs, job, entry);
	m->count++;
	loop_timer_set(m->retry, 0, 0);
	if (!loop_timer_armed(m->watch))
		loop_timer_set(m->watch, m->options.watch_us, 0);
	*out = job;
	return 0;
}

static void free_job(void *arg)
{
	free(arg);
}

void matcher_job_destroy(struct matcher_job **out)
{
	struct matcher_job *job = *out;

	if (!job)
		return;
	*out = NULL;
	let_go(job);
	job->state = JOB_OVER;
	LIST_REMOVE(job, entry);
	shares_give(&job->share);
	job->matcher->count--;
	loop_defer(job->matcher->options.loop, free_job, job);
}
