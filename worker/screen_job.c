/*
 * Task: see screen_job.h. A message is read when the one before it is dealt with, so that what
 * waits waits in the socket, and its sender waits with it.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wire/line.h"
#include "worker/screen/screen.h"
#include "worker/screen/screen_repaint.h"
#include "worker/screen_job.h"

_Static_assert(SCREEN_ROW_MAX < WIRE_PAYLOAD_MAX, "a row fits in a message");
_Static_assert(SCREEN_REPAINT_ROOM < WIRE_PAYLOAD_MAX, "so does a part of a repaint");
_Static_assert(SCREEN_REPAINT_MAX(500, 200) == WIRE_REPAINT_MAX(500, 200), "its bound is known");
_Static_assert(SCREEN_REPAINT_MARK_MAX == WIRE_SCREEN_MARK_MAX, "and that of its mark");
_Static_assert(
	SCREEN_COLUMNS_MAX == WIRE_SCREEN_COLUMNS_MAX && SCREEN_ROWS_MAX == WIRE_SCREEN_ROWS_MAX,
	"what may be asked for can be drawn");

enum job_state {
	JOB_READS, /* the next message */
	JOB_DRAWS, /* the output of the last one */
	JOB_TELLS, /* what the screen shows, part by part, as the line takes it */
	JOB_FAILS, /* says so as soon as the line takes it */
	JOB_ENDED,
};

struct screen_job {
	struct loop *loop;
	enum job_state state;
	struct line line;
	struct loop_io *io;
	struct loop_timer *turn; /* the next slice */
	struct screen *screen;
	enum wire_failure failure;
	const char *why;
	struct wire_shown shown;
	unsigned row, rows;
	bool repaints; /* it tells a repaint, and not rows */
	struct screen_repaint repaint;
	char mark[WIRE_SCREEN_MARK_MAX + 1];
	size_t part_len; /* of a repaint, that is still to be sent */
	char part[SCREEN_REPAINT_ROOM];
	uint64_t next; /* the offset that follows output[len] */
	size_t at, len;
	uint8_t output[WIRE_PAYLOAD_MAX];
};

/* --- its end --- */

static void end(struct screen_job *job)
{
	if (job->state == JOB_ENDED)
		return;
	job->state = JOB_ENDED;
	loop_io_del(&job->io);
	loop_timer_del(&job->turn);
	line_finish(&job->line);
	screen_destroy(&job->screen);
	loop_defer(job->loop, free, job);
}

/* --- what the line is watched for --- */

static uint32_t wanted_events(const struct screen_job *job)
{
	switch (job->state) {
	case JOB_READS:
		return EPOLLIN;
	case JOB_DRAWS:
		return EPOLLRDHUP;
	case JOB_TELLS:
	case JOB_FAILS:
		return EPOLLOUT | EPOLLRDHUP;
	case JOB_ENDED:
		break;
	}
	return 0;
}

static void set_state(struct screen_job *job, enum job_state state)
{
	job->state = state;
	loop_io_set(job->io, wanted_events(job));
}

/* --- answers --- */

/* Whether it was taken; if not there is room later, or never. */
static bool say(struct screen_job *job, enum wire_type type, const void *fixed, const char *payload,
	size_t len)
{
	int r = line_send(&job->line, type, fixed, payload, len);

	if (r < 0 && r != -EAGAIN)
		end(job);
	return r == 0;
}

static void send_failed(struct screen_job *job)
{
	struct wire_failed failed = {.failure = (uint8_t)job->failure};

	if (say(job, WIRE_FAILED, &failed, job->why, strlen(job->why)))
		end(job);
}

static void fail(struct screen_job *job, int error)
{
	job->failure = error == -ENOMEM ? WIRE_FAIL_MEMORY : WIRE_FAIL_LIMIT;
	job->why = error == -ETIME ? "drawing this output takes too long" : "";
	set_state(job, JOB_FAILS);
	send_failed(job);
}

static bool send_row(struct screen_job *job)
{
	char text[SCREEN_ROW_MAX + 1];
	size_t len = screen_row(job->screen, job->row, text);

	text[len++] = '\n';
	return say(job, WIRE_PRINT, NULL, text, len);
}

/* Whether all of them are. */
static bool send_parts(struct screen_job *job)
{
	for (;;) {
		if (job->part_len == 0)
			job->part_len = screen_repaint_write(&job->repaint, job->screen, job->part);
		if (job->part_len == 0)
			return true;
		if (!say(job, WIRE_PRINT, NULL, job->part, job->part_len))
			return false;
		job->part_len = 0;
	}
}

static bool send_rows(struct screen_job *job)
{
	for (; job->row < job->rows; job->row++) {
		if (!send_row(job))
			return false;
	}
	return true;
}

static void tell(struct screen_job *job)
{
	if (job->repaints ? !send_parts(job) : !send_rows(job))
		return;
	if (say(job, WIRE_SHOWN, &job->shown, NULL, 0))
		end(job);
}

/* --- drawing --- */

static void on_turn(void *arg)
{
	struct screen_job *job = arg;
	uint64_t until = loop_clock() + SCREEN_JOB_SLICE_US;
	size_t used;
	int r = 0;

	while (r == 0 && job->at < job->len && loop_clock() < until) {
		r = screen_feed(job->screen, job->output + job->at, job->len - job->at, &used);
		job->at += used;
	}
	if (r < 0)
		fail(job, r);
	else if (job->at < job->len)
		loop_timer_set(job->turn, 0, 0);
	else
		set_state(job, JOB_READS);
}

/* --- messages --- */

static void begin(struct screen_job *job, const struct line_message *m)
{
	struct wire_screen head;
	int r;

	memcpy(&head, m->fixed, sizeof(head));
	job->next = head.offset;
	job->rows = head.rows;
	job->repaints = head.repaint;
	memcpy(job->mark, m->payload, m->payload_len);
	r = screen_create(head.columns, head.rows, &job->screen);
	if (r < 0)
		fail(job, r);
	else if (head.cut)
		screen_cut(job->screen);
}

static void take_modes(struct screen_job *job, const struct line_message *m)
{
	char word[WIRE_SCREEN_MODES_MAX + 1];
	struct replay_modes modes;

	memcpy(word, m->payload, m->payload_len);
	word[m->payload_len] = '\0';
	if (replay_modes_from_word(&modes, word) < 0)
		end(job);
	else
		screen_set_modes(job->screen, &modes);
}

static void take_bytes(struct screen_job *job, const struct line_message *m)
{
	struct wire_bytes head;

	memcpy(&head, m->fixed, sizeof(head));
	if (head.offset != job->next)
		screen_cut(job->screen);
	memcpy(job->output, m->payload, m->payload_len);
	job->at = 0;
	job->len = m->payload_len;
	job->next = head.offset + m->payload_len;
	set_state(job, JOB_DRAWS);
	on_turn(job);
}

/* There is no more: that is what is asked for. */
static void look(struct screen_job *job)
{
	struct screen_cursor cursor;

	screen_look(job->screen, &cursor);
	job->shown = (struct wire_shown){.column = (uint16_t)cursor.column,
		.row = (uint16_t)cursor.row,
		.hidden = cursor.hidden,
		.alternate = cursor.alternate};
	screen_repaint_init(&job->repaint, job->screen, job->mark);
	set_state(job, JOB_TELLS);
	tell(job);
}

static void take_message(struct screen_job *job, const struct line_message *m)
{
	if (m->type == WIRE_SCREEN)
		begin(job, m);
	else if (m->type == WIRE_BYTES && job->screen)
		take_bytes(job, m);
	else if (m->type == WIRE_MODES && job->screen)
		take_modes(job, m);
	else if (m->type == WIRE_REST && job->screen)
		look(job);
	else
		end(job); /* another kind of worker's */
}

static void on_readable(struct screen_job *job)
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
	struct screen_job *job = arg;

	if (job->state == JOB_READS)
		on_readable(job);
	else if (!(revents & EPOLLOUT))
		end(job); /* nobody waits for it any more */
	else if (job->state == JOB_FAILS)
		send_failed(job);
	else
		tell(job);
}

int screen_job_create(struct loop *loop, int fd)
{
	struct screen_job *job = calloc(1, sizeof(*job));
	int r;

	if (!job) {
		close(fd);
		return -ENOMEM;
	}
	job->loop = loop;
	line_init(&job->line, fd, WIRE_JOB, WIRE_DOOR);
	r = loop_io_add(loop, &job->io, fd, EPOLLIN, on_io, job);
	if (!r)
		r = loop_timer_add(loop, &job->turn, on_turn, job);
	if (r < 0)
		end(job);
	return r;
}
