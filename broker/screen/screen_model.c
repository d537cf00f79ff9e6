/* Task: see screen_model.h. Owner: who wants to see. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker/screen/screen_model.h"
#include "broker/worker/worker.h"
#include "core/text/escape.h"
#include "wire/line.h"

struct screen_model {
	struct worker_job job;
	struct loop *loop;
	const struct screen_model_events *events;
	void *arg;
	struct wire_screen wanted;
	char mark[WIRE_SCREEN_MARK_MAX]; /* of a repaint */
	size_t mark_len;
	unsigned rows; /* told so far */
	size_t bytes;  /* of a repaint */
};

static struct screen_model *model_of(struct worker_job *job)
{
	return (struct screen_model *)((char *)job - offsetof(struct screen_model, job));
}

/* --- what the worker says --- */

static void fail(struct screen_model *m, bool limit, const char *text)
{
	worker_job_end(&m->job);
	m->events->failed(m->arg, limit, text);
}

static void on_broken(struct worker_job *job, const char *text)
{
	fail(model_of(job), false, text);
}

/* The worker reads what guests print, and its text goes to terminals: one row, of text. */
static void on_row(struct screen_model *m, const struct line_message *message)
{
	const char *text = (const char *)message->payload;
	size_t len = message->payload_len;

	if (++m->rows <= m->wanted.rows && text[len - 1] == '\n' && !memchr(text, '\n', len - 1) &&
		escape_is_text(text, len))
		m->events->row(m->arg, text, len);
	else
		worker_job_distrust(&m->job);
}

static void on_part(struct screen_model *m, const struct line_message *message)
{
	m->bytes += message->payload_len;
	if (m->bytes <= WIRE_REPAINT_MAX(m->wanted.columns, m->wanted.rows))
		m->events->row(m->arg, (const char *)message->payload, message->payload_len);
	else
		worker_job_distrust(&m->job);
}

static void on_shown(struct screen_model *m, const struct line_message *message)
{
	struct wire_shown head;
	struct screen_shown shown;

	memcpy(&head, message->fixed, sizeof(head));
	if ((!m->wanted.repaint && m->rows != m->wanted.rows) || head.row >= m->wanted.rows ||
		head.column > m->wanted.columns) {
		worker_job_distrust(&m->job);
		return;
	}
	shown = (struct screen_shown){.column = head.column,
		.row = head.row,
		.hidden = head.hidden,
		.alternate = head.alternate};
	worker_job_end(&m->job);
	m->events->shown(m->arg, &shown);
}

static void on_failed(struct screen_model *m, const struct line_message *message)
{
	char text[WIRE_REASON_MAX + 1];

	if (worker_job_failure(&m->job, message, 1u << WIRE_FAIL_LIMIT, text))
		fail(m, true, text);
}

static void on_message(struct worker_job *job, const struct line_message *message)
{
	switch ((int)message->type) {
	case WIRE_PRINT:
		if (model_of(job)->wanted.repaint)
			on_part(model_of(job), message);
		else
			on_row(model_of(job), message);
		break;
	case WIRE_SHOWN:
		on_shown(model_of(job), message);
		break;
	case WIRE_FAILED:
		on_failed(model_of(job), message);
		break;
	default:
		worker_job_distrust(job);
		break;
	}
}

static int give(struct worker_job *job)
{
	struct screen_model *m = model_of(job);

	return line_send(worker_job_line(job), WIRE_SCREEN, &m->wanted, m->mark, m->mark_len);
}

static void on_room(struct worker_job *job)
{
	struct screen_model *m = model_of(job);

	m->events->room(m->arg);
}

static const struct worker_job_ops ops = {.give = give,
	.begun = on_room,
	.message = on_message,
	.room = on_room,
	.broken = on_broken};

/* --- what it is told --- */

size_t screen_model_send(struct screen_model *m, uint64_t offset, const uint8_t *data, size_t len)
{
	struct wire_bytes head = {.offset = offset};

	if (len > WIRE_PAYLOAD_MAX)
		len = WIRE_PAYLOAD_MAX;
	return worker_job_say(&m->job, WIRE_BYTES, &head, data, len) ? len : 0;
}

bool screen_model_set_modes(struct screen_model *m, const char *word)
{
	return worker_job_say(&m->job, WIRE_MODES, NULL, word, strlen(word));
}

bool screen_model_ask(struct screen_model *m)
{
	return worker_job_say(&m->job, WIRE_REST, NULL, NULL, 0);
}

void screen_model_pause(struct screen_model *m, bool on)
{
	worker_job_pause(&m->job, on);
}

/* --- life --- */

int screen_model_create(struct worker *w, const struct screen_wanted *wanted,
	const struct screen_model_events *events, void *arg, struct screen_model **out)
{
	struct screen_model *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->loop = worker_loop(w);
	m->events = events;
	m->arg = arg;
	m->wanted = (struct wire_screen){.offset = wanted->offset,
		.columns = (uint16_t)wanted->columns,
		.rows = (uint16_t)wanted->rows,
		.cut = wanted->cut,
		.repaint = wanted->mark != NULL};
	m->mark_len = wanted->mark ? strnlen(wanted->mark, sizeof(m->mark)) : 0;
	if (m->mark_len)
		memcpy(m->mark, wanted->mark, m->mark_len);
	r = worker_job_create(w, &m->job, &ops, wanted->owner);
	if (r < 0)
		free(m);
	else
		*out = m;
	return r;
}

void screen_model_destroy(struct screen_model **out)
{
	struct screen_model *m = *out;

	if (!m)
		return;
	*out = NULL;
	worker_job_finish(&m->job);
	loop_defer(m->loop, free, m);
}
