/*
 * Task: see match_job.h. A message is read when the one before it is dealt with, so that what waits
 * waits in the socket, and its sender waits with it.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wire/line.h"
#include "worker/match_job.h"

_Static_assert(MATCH_TEXT_MAX <= WIRE_FOUND_MAX, "a result's text fits in its message");
_Static_assert(sizeof(((struct match_refusal *)0)->text) <= WIRE_REASON_MAX, "so does a refusal");

enum job_state {
	JOB_READS,   /* the next message */
	JOB_LOOKS,   /* at the output of the last one */
	JOB_ANSWERS, /* as soon as the line takes it; then it ends */
	JOB_ENDED,
};

struct match_job {
	LIST_ENTRY(match_job) entry;
	struct match_job_owner *owner;
	enum job_state state;
	struct line line;
	struct loop_io *io;
	struct loop_timer *turn; /* the next slice */
	struct loop_timer *hold;
	struct match *match;
	enum wire_failure failure; /* 0: none; why->text is "" for MEMORY */
	struct match_refusal why;
	int read_due; /* READ is still to be said */
	struct wire_read read;
	uint64_t spent_us, looked; /* processor time, and bytes */
	uint64_t offset;           /* of output[at] */
	size_t at, len;
	uint8_t output[WIRE_PAYLOAD_MAX];
};

/* --- its end --- */

static void end(struct match_job *job)
{
	struct match_job_owner *owner = job->owner;

	if (job->state == JOB_ENDED)
		return;
	job->state = JOB_ENDED;
	LIST_REMOVE(job, entry);
	loop_io_del(&job->io);
	loop_timer_del(&job->turn);
	loop_timer_del(&job->hold);
	line_finish(&job->line);
	match_destroy(&job->match);
	loop_defer(owner->loop, free, job);
	owner->ended(owner->arg);
}

/* --- what the line is watched for --- */

static uint32_t wanted_events(const struct match_job *job)
{
	uint32_t send = job->read_due ? EPOLLOUT : 0;

	switch (job->state) {
	case JOB_READS:
		return EPOLLIN | send;
	case JOB_LOOKS:
		return EPOLLRDHUP | send;
	case JOB_ANSWERS:
		return EPOLLOUT;
	case JOB_ENDED:
		break;
	}
	return 0;
}

static void watch(struct match_job *job)
{
	if (job->state != JOB_ENDED)
		loop_io_set(job->io, wanted_events(job));
}

/* --- answers --- */

static int send_found(struct match_job *job)
{
	struct match_result result;
	struct wire_found found;

	match_result(job->match, &result);
	found = (struct wire_found){.start = result.start,
		.end = result.end,
		.pattern = (uint8_t)result.pattern,
		.cut = result.cut};
	return line_send(&job->line, WIRE_FOUND, &found, result.text, result.len);
}

static int send_failed(struct match_job *job)
{
	struct wire_failed failed = {.failure = (uint8_t)job->failure};

	return line_send(&job->line, WIRE_FAILED, &failed, job->why.text, strlen(job->why.text));
}

static void answer(struct match_job *job)
{
	int r = job->failure ? send_failed(job) : send_found(job);

	job->state = JOB_ANSWERS;
	if (r == -EAGAIN)
		watch(job);
	else
		end(job);
}

static void fail(struct match_job *job, enum wire_failure failure, const char *text)
{
	job->failure = failure;
	snprintf(job->why.text, sizeof(job->why.text), "%s", text);
	answer(job);
}

/* Answers if there is an answer. */
static bool has_answered(struct match_job *job)
{
	switch (match_state(job->match)) {
	case MATCH_READING:
	case MATCH_HOLDING:
		return false;
	case MATCH_FOUND:
		answer(job);
		break;
	case MATCH_STOPPED:
		fail(job, WIRE_FAIL_LIMIT, match_why(job->match));
		break;
	}
	return true;
}

/* Says READ, or as soon as the line takes it. What is due already is made good by the newer. */
static void send_read(struct match_job *job)
{
	int r = line_send(&job->line, WIRE_READ, &job->read, NULL, 0);

	job->read_due = r == -EAGAIN;
	if (r == 0)
		job->read.rest = 0;
	else if (r != -EAGAIN)
		end(job);
}

static void notify_read(struct match_job *job, uint64_t offset, int rest)
{
	bool begins;
	uint64_t again = match_again(job->match, &begins);

	job->read.offset = offset;
	job->read.again = again < offset ? again : offset;
	job->read.begins = begins;
	job->read.rest |= (uint8_t)rest;
	send_read(job);
}

/* --- looking --- */

/* 0, or -errno: the job cannot go on. */
static int look_a_while(struct match_job *job)
{
	uint64_t until = loop_clock() + MATCH_JOB_SLICE_US;
	size_t used;
	int r = 0;

	while (r == 0 && job->at < job->len && match_state(job->match) <= MATCH_HOLDING) {
		r = match_step(
			job->match, job->offset, job->output + job->at, job->len - job->at, &used);
		job->at += used;
		job->offset += used;
		job->looked += used;
		if (loop_clock() >= until)
			break;
	}
	return r;
}

static bool is_too_much(const struct match_job *job)
{
	return job->spent_us >
	       MATCH_EFFORT_SECONDS * LOOP_SECOND + job->looked * LOOP_SECOND / MATCH_EFFORT_RATE;
}

static void look_done(struct match_job *job)
{
	job->state = JOB_READS;
	if (match_state(job->match) == MATCH_HOLDING && !loop_timer_armed(job->hold))
		loop_timer_set(job->hold, MATCH_JOB_HOLD_US, 0);
	notify_read(job, job->offset, 0);
	watch(job);
}

static void give_up(struct match_job *job)
{
	match_refuse(&job->why, MATCH_LIMIT_EFFORT);
	job->failure = WIRE_FAIL_LIMIT;
	answer(job);
}

static void on_turn(void *arg)
{
	struct match_job *job = arg;
	uint64_t began = loop_processor_clock();
	int r = look_a_while(job);

	job->spent_us += loop_processor_clock() - began;
	if (r < 0)
		fail(job, WIRE_FAIL_MEMORY, "");
	else if (has_answered(job))
		return;
	else if (is_too_much(job))
		give_up(job);
	else if (job->at < job->len)
		loop_timer_set(job->turn, 0, 0);
	else
		look_done(job);
}

static void on_hold(void *arg)
{
	struct match_job *job = arg;

	match_release(job->match);
	(void)has_answered(job);
}

/* --- messages --- */

/* The table has checked that the patterns fill the payload. */
static size_t read_patterns(const struct line_message *m, size_t count, struct match_words *words)
{
	const unsigned char *at = m->payload;
	size_t i;

	for (i = 0; i < count && i <= MATCH_PATTERNS_MAX; i++) {
		uint16_t len;

		memcpy(&len, at, sizeof(len));
		words[i] = (struct match_words){(const char *)at + sizeof(len), len};
		at += sizeof(len) + len;
	}
	return i;
}

static void begin(struct match_job *job, const struct line_message *m)
{
	struct match_words words[MATCH_PATTERNS_MAX + 1];
	struct match_options options = {.patterns = words};
	struct wire_match head;
	int r;

	memcpy(&head, m->fixed, sizeof(head));
	options.count = read_patterns(m, head.count, words);
	options.raw = head.raw;
	options.multi = head.multi;
	options.offset = head.offset;
	options.begins = head.begins;
	options.from = head.from;
	job->offset = head.offset;
	r = match_create(job->owner->room, &options, &job->match, &job->why);
	if (r == -EINVAL) {
		job->failure = WIRE_FAIL_PATTERN;
		answer(job);
	} else if (r < 0) {
		fail(job, WIRE_FAIL_MEMORY, "");
	} else {
		notify_read(job, head.offset, 0);
	}
}

static void take_bytes(struct match_job *job, const struct line_message *m)
{
	struct wire_bytes head;

	memcpy(&head, m->fixed, sizeof(head));
	memcpy(job->output, m->payload, m->payload_len);
	job->offset = head.offset;
	job->at = 0;
	job->len = m->payload_len;
	job->state = JOB_LOOKS;
	on_turn(job);
	watch(job);
}

static void take_rest(struct match_job *job)
{
	match_rest(job->match);
	if (!has_answered(job))
		notify_read(job, job->offset, 1);
	watch(job);
}

static void take_message(struct match_job *job, const struct line_message *m)
{
	switch ((int)m->type) {
	case WIRE_MATCH:
		begin(job, m);
		break;
	case WIRE_BYTES:
		take_bytes(job, m);
		break;
	case WIRE_REST:
		take_rest(job);
		break;
	default:
		break;
	}
}

static void on_readable(struct match_job *job)
{
	struct line_message m;
	int r = line_receive(&job->line, &m);

	if (r == -EAGAIN)
		return;
	if (r != 1) {
		end(job);
		return;
	}
	take_message(job, &m);
	line_message_finish(&m);
}

static void on_io(void *arg, uint32_t revents)
{
	struct match_job *job = arg;

	if (job->state == JOB_ANSWERS)
		answer(job);
	else if (revents & EPOLLOUT)
		send_read(job);
	else if (job->state == JOB_READS)
		on_readable(job);
	else
		end(job); /* nobody waits for it any more */
	watch(job);
}

int match_job_create(struct match_job_owner *owner, int fd)
{
	struct match_job *job = calloc(1, sizeof(*job));
	int r = job ? 0 : -ENOMEM;

	if (r < 0) {
		close(fd);
		return r;
	}
	job->owner = owner;
	line_init(&job->line, fd, WIRE_JOB, WIRE_DOOR);
	LIST_INSERT_HEAD(&owner->jobs, job, entry);
	r = loop_io_add(owner->loop, &job->io, fd, EPOLLIN, on_io, job);
	if (!r)
		r = loop_timer_add(owner->loop, &job->turn, on_turn, job);
	if (!r)
		r = loop_timer_add(owner->loop, &job->hold, on_hold, job);
	if (r < 0)
		end(job);
	return r;
}
