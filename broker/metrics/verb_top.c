/*
 * Task: the verb top: who uses what. On a terminal a table that is drawn anew until one leaves;
 * else once, with what was used in the first second.
 */
#include <errno.h>
#include <stdlib.h>

#include "broker/metrics/metrics.h"
#include "broker/metrics/top_sample.h"
#include "broker/metrics/top_show.h"
#include "broker/login/login.h"
#include "broker/verb/json.h"
#include "config/rights.h"

#define TOP_FIRST_US LOOP_SECOND
#define TOP_INTERVAL_US (2 * LOOP_SECOND)
#define TOP_INTERVAL_MAX_US (3600 * LOOP_SECOND)
#define SCREEN_TAKE "\033[?1049h\033[?25l"
#define SCREEN_GIVE "\033[?25h\033[?1049l"

struct top {
	struct channel *channel;
	const struct broker_context *context;
	struct loop_timer *timer;
	struct top_sample before;
	uint64_t interval_us;
	bool json, on_screen;
};

struct top_arguments {
	struct option_number interval;
};

static void on_end(void *arg)
{
	struct top *t = arg;

	loop_timer_del(&t->timer);
	top_sample_finish(&t->before);
	loop_defer(t->context->loop, free, t);
}

static void on_leave(void *arg, char where[CHANNEL_WHERE_MAX])
{
	struct top *t = arg;

	if (t->on_screen)
		channel_text(t->channel, SCREEN_GIVE, sizeof(SCREEN_GIVE) - 1);
}

static size_t on_input(void *arg, const uint8_t *data, size_t len)
{
	struct top *t = arg;

	for (size_t i = 0; t->on_screen && i < len; i++) {
		if (data[i] == 'q' || data[i] == 3 || data[i] == 4) { /* ^C, ^D */
			channel_exit(t->channel, STATUS_OK, NULL);
			break;
		}
	}
	return len;
}

static int print(const struct top *t, const struct top_sample *now)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int r = 0;

	if (!out)
		return -ENOMEM;
	top_show(out, now, t->on_screen, channel_window(t->channel));
	if (fclose(out) != 0)
		r = -ENOMEM;
	else if (t->on_screen)
		r = channel_put(t->channel, text, len); /* it has its CR */
	else
		channel_text(t->channel, text, len);
	free(text);
	return r;
}

/* A client who has not taken the last table gets none until he has. */
static int show(struct top *t)
{
	struct top_sample now;
	int r = top_sample_take(t->context, &now);

	if (!r) {
		top_sample_compare(&now, &t->before);
		if (t->json)
			json_answer(t->channel, top_json(&now));
		else if (!t->on_screen || channel_ready(t->channel))
			r = print(t, &now);
	}
	top_sample_finish(&t->before);
	t->before = now;
	return r;
}

static void on_timer(void *arg)
{
	struct top *t = arg;
	int r = show(t);

	if (r == -ENOMEM)
		channel_exit(t->channel, STATUS_INTERNAL, "out of memory");
	else if (!t->on_screen)
		channel_exit(t->channel, STATUS_OK, NULL);
	else
		loop_timer_set(t->timer, t->interval_us, 0);
}

static const struct channel_ops top_ops = {.input = on_input, .leave = on_leave, .end = on_end};

static int begin(struct top *t)
{
	int r = loop_timer_add(t->context->loop, &t->timer, on_timer, t);

	if (!r)
		r = top_sample_take(t->context, &t->before);
	if (!r && t->on_screen)
		channel_text(t->channel, SCREEN_TAKE, sizeof(SCREEN_TAKE) - 1);
	if (!r)
		loop_timer_set(t->timer, TOP_FIRST_US, 0);
	return r;
}

static void run(struct verb_call *call, const void *options)
{
	const struct top_arguments *arguments = options;
	struct top *t = calloc(1, sizeof(*t));

	if (!t) {
		channel_exit(call->channel, STATUS_INTERNAL, "out of memory");
		return;
	}
	t->channel = call->channel;
	t->context = login_context(call->login);
	t->interval_us = arguments->interval.value;
	t->json = call->json;
	t->on_screen = channel_has_pty(call->channel) && !call->json;
	channel_set_handler(call->channel, &top_ops, t);
	if (begin(t) < 0)
		channel_exit(call->channel, STATUS_INTERNAL, "out of memory");
}

static const struct verb_option top_options[] = {
	{"interval", OPTION_DURATION, offsetof(struct top_arguments, interval), "S",
		.help = "on a terminal: from one table to the next", .least = LOOP_SECOND,
		.most = TOP_INTERVAL_MAX_US, .unless = TOP_INTERVAL_US},
	VERB_OPTION_JSON,
};

const struct verb verb_top = {.name = "top",
	.example = "--interval 5s",
	.scope = VERB_HOST,
	.right = RIGHT_ADMIN,
	.caller = VERB_FOR_LOCAL,
	.usage = "top [--interval S] [--json]",
	.summary = "who uses what: consoles and sessions by bytes a second, and how far they are "
		   "behind",
	VERB_OPTIONS(top_options, struct top_arguments),
	.run = run};
