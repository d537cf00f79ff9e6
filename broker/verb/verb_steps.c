/* Task: see verb_steps.h. Owner: the channel; while a step is in its thread, that too. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker/login/login.h"
#include "broker/verb/verb.h"
#include "broker/verb/verb_steps.h"
#include "core/job.h"

struct verb_steps {
	struct channel *channel; /* NULL: gone */
	const struct verb *verb;
	struct job_pool *pool;
	struct loop *loop;
	const struct verb_steps_ops *ops;
	void *source;
	struct verb_piece piece;
	int result;
	bool busy; /* a step is in its thread */
};

int verb_piece_open(struct verb_piece *piece, FILE **out, FILE **err)
{
	*out = open_memstream(&piece->out, &piece->out_len);
	*err = open_memstream(&piece->err, &piece->err_len);
	return *out && *err ? 0 : -ENOMEM;
}

static int close_stream(FILE **stream, int r)
{
	if (*stream && fclose(*stream) != 0)
		r = -ENOMEM;
	*stream = NULL;
	return r;
}

int verb_piece_close(FILE **out, FILE **err, int r)
{
	return close_stream(out, close_stream(err, r));
}

static void free_piece(struct verb_piece *piece)
{
	free(piece->out);
	free(piece->err);
	*piece = (struct verb_piece){0};
}

static void free_steps(void *arg)
{
	struct verb_steps *s = arg;

	s->ops->destroy(s->source);
	free_piece(&s->piece);
	free(s);
}

static void on_end(void *arg)
{
	struct verb_steps *s = arg;

	s->channel = NULL;
	if (!s->busy)
		loop_defer(s->loop, free_steps, s);
}

static void step_work(void *arg)
{
	struct verb_steps *s = arg;

	s->result = s->ops->step(s->source, &s->piece);
}

static void complain_lines(struct channel *channel, char *text)
{
	char *line, *rest = text;

	while (text && (line = strsep(&rest, "\n")) && *line)
		channel_complain(channel, "%s", line);
}

static void step(struct verb_steps *s);

static void go_on(struct verb_steps *s)
{
	if (!s->busy && channel_ready(s->channel))
		step(s);
}

static void step_done(void *arg)
{
	struct verb_steps *s = arg;

	s->busy = false;
	if (!s->channel) {
		free_steps(s);
		return;
	}
	if (job_cancelled(s->pool))
		s->result = -ECANCELED;
	complain_lines(s->channel, s->piece.err);
	if (s->piece.out_len && channel_put(s->channel, s->piece.out, s->piece.out_len) < 0)
		s->result = -ENOBUFS;
	free_piece(&s->piece);
	if (s->result > 0)
		go_on(s);
	else
		s->ops->finish(s->source, s->channel, s->result);
}

static void step(struct verb_steps *s)
{
	s->busy = true;
	if (job_submit(s->pool, step_work, step_done, s) == 0)
		return;
	s->busy = false;
	channel_exit(
		s->channel, STATUS_BUSY, "%s: too many requests at once; try again", s->verb->name);
}

static void on_writable(void *arg)
{
	go_on(arg);
}

static const struct channel_ops channel_ops = {.writable = on_writable, .end = on_end};

void verb_steps_begin(const struct verb_call *call, const struct verb_steps_ops *ops, void *source)
{
	const struct broker_context *context = login_context(call->login);
	struct verb_steps *s = calloc(1, sizeof(*s));

	if (!s) {
		ops->destroy(source);
		channel_exit(call->channel, STATUS_INTERNAL, "out of memory");
		return;
	}
	*s = (struct verb_steps){.channel = call->channel,
		.verb = call->verb,
		.pool = context->readers,
		.loop = context->loop,
		.ops = ops,
		.source = source};
	channel_set_handler(call->channel, &channel_ops, s);
	step(s);
}
