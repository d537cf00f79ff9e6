/*
 * Task: one job of the match worker: its messages. Owner: who waits.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker/matcher/matcher.h"
#include "broker/worker/worker.h"
#include "core/text/escape.h"
#include "wire/line.h"

struct matcher_job {
	struct worker_job base;
	struct loop *loop;
	const struct matcher_events *events;
	void *arg;
	struct wire_match wanted;
	size_t patterns_len;
	unsigned char patterns[];
};

static struct matcher_job *job_of(struct worker_job *base)
{
	return (struct matcher_job *)((char *)base - offsetof(struct matcher_job, base));
}

/* --- what it says --- */

static void fail(struct matcher_job *job, enum matcher_failure failure, const char *text)
{
	worker_job_end(&job->base);
	job->events->failed(job->arg, failure, text);
}

static void on_broken(struct worker_job *base, const char *text)
{
	fail(job_of(base), MATCHER_BROKEN, text);
}

static void on_read(struct matcher_job *job, const struct line_message *m)
{
	struct wire_read read;

	memcpy(&read, m->fixed, sizeof(read));
	worker_job_answered(&job->base);
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
		worker_job_distrust(&job->base);
		return;
	}
	found.pattern = head.pattern;
	found.start = head.start;
	found.end = head.end;
	found.cut = head.cut;
	worker_job_end(&job->base);
	job->events->found(job->arg, &found);
}

static void on_failed(struct matcher_job *job, const struct line_message *m)
{
	char text[WIRE_REASON_MAX + 1];
	unsigned failure = worker_job_failure(
		&job->base, m, 1u << WIRE_FAIL_PATTERN | 1u << WIRE_FAIL_LIMIT, text);

	if (failure)
		fail(job, failure == WIRE_FAIL_PATTERN ? MATCHER_BAD_PATTERN : MATCHER_LIMIT, text);
}

static void on_message(struct worker_job *base, const struct line_message *m)
{
	struct matcher_job *job = job_of(base);

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
		worker_job_distrust(base);
		break;
	}
}

static void on_room(struct worker_job *base)
{
	struct matcher_job *job = job_of(base);

	job->events->room(job->arg);
}

static int give(struct worker_job *base)
{
	struct matcher_job *job = job_of(base);

	return line_send(
		worker_job_line(base), WIRE_MATCH, &job->wanted, job->patterns, job->patterns_len);
}

static void on_begun(struct worker_job *base)
{
	struct matcher_job *job = job_of(base);

	job->events->begin(job->arg, job->wanted.offset);
}

static const struct worker_job_ops ops = {.give = give,
	.begun = on_begun,
	.message = on_message,
	.room = on_room,
	.broken = on_broken};

/* --- what it is told --- */

size_t matcher_job_send(struct matcher_job *job, uint64_t offset, const uint8_t *data, size_t len)
{
	struct wire_bytes head = {.offset = offset};

	if (len > WIRE_PAYLOAD_MAX)
		len = WIRE_PAYLOAD_MAX;
	return worker_job_say(&job->base, WIRE_BYTES, &head, data, len) ? len : 0;
}

bool matcher_job_rest(struct matcher_job *job)
{
	return worker_job_say(&job->base, WIRE_REST, NULL, NULL, 0);
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

int matcher_job_create(struct worker *w, const struct matcher_wanted *wanted,
	const struct matcher_events *events, void *arg, struct matcher_job **out)
{
	size_t size = size_of(wanted);
	struct matcher_job *job;
	int r;

	if (size > WIRE_PATTERNS_MAX || wanted->count > UINT8_MAX)
		return -E2BIG;
	job = calloc(1, sizeof(*job) + size);
	if (!job)
		return -ENOMEM;
	job->loop = worker_loop(w);
	job->events = events;
	job->arg = arg;
	job->patterns_len = size;
	pack(job, wanted);
	r = worker_job_create(w, &job->base, &ops, wanted->owner);
	if (r < 0)
		free(job);
	else
		*out = job;
	return r;
}

void matcher_job_destroy(struct matcher_job **out)
{
	struct matcher_job *job = *out;

	if (!job)
		return;
	*out = NULL;
	worker_job_finish(&job->base);
	loop_defer(job->loop, free, job);
}
