/* Task: see run_enter.h. Owner: the verb run. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/script/run_enter.h"
#include "broker/script/run_login.h"
#include "broker/script/typist.h"

#define LOOK_US (100 * LOOP_MSEC) /* whether the guest rests */

struct run_enter {
	struct loop *loop;
	struct typist *typist;
	struct run_login login;
	const struct run_enter_events *events;
	void *arg;
	struct loop_timer *look, *limit;
	uint64_t last_output; /* loop time */
	char name[RUN_NAME_MAX + 1], password[RUN_PASSWORD_MAX + 1];
};

static void stop(struct run_enter *e)
{
	loop_timer_stop(e->look);
	loop_timer_stop(e->limit);
	explicit_bzero(e->password, sizeof(e->password));
}

static void fail(struct run_enter *e, enum status status, const char *why)
{
	stop(e);
	e->events->failed(e->arg, status, why);
}

static void type_line(struct run_enter *e, const char *text)
{
	int r = typist_add(e->typist, text, strlen(text));

	if (r == 0)
		r = typist_add(e->typist, "\r", 1);
	if (r < 0)
		fail(e, STATUS_INTERNAL, "out of memory");
}

static void refuse(struct run_enter *e)
{
	char why[RUN_NAME_MAX + 128];

	if (e->login.state == RUN_LOGIN_PROVED)
		snprintf(
			why, sizeof(why), "the guest does not let %s in: wrong password?", e->name);
	else
		snprintf(why, sizeof(why), "the guest does not let %s in: wrong name?", e->name);
	fail(e, STATUS_DENIED, why);
}

/* The last one: it may destroy this. */
static void take_step(struct run_enter *e, enum run_login_step step)
{
	switch (step) {
	case RUN_LOGIN_WAIT:
		break;
	case RUN_LOGIN_ENTER:
		type_line(e, "");
		break;
	case RUN_LOGIN_NAME:
		type_line(e, e->name);
		break;
	case RUN_LOGIN_PASSWORD:
		type_line(e, e->password);
		explicit_bzero(e->password, sizeof(e->password));
		break;
	case RUN_LOGIN_SHELL:
		stop(e);
		e->events->entered(e->arg);
		break;
	case RUN_LOGIN_REFUSED:
		refuse(e);
		break;
	case RUN_LOGIN_NO_PASSWORD:
		fail(e, STATUS_DENIED,
			"the guest asks for a password: give it with --password-file");
		break;
	}
}

static void on_look(void *arg)
{
	struct run_enter *e = arg;
	uint64_t now = loop_now(e->loop);
	enum run_login_step step = run_login_next(&e->login, now - e->last_output);

	loop_timer_set(e->look, LOOK_US, 0);
	if (step != RUN_LOGIN_WAIT)
		e->last_output = now; /* it gets time to answer */
	take_step(e, step);
}

static void on_limit(void *arg)
{
	fail(arg, STATUS_TIMEOUT, "no login: and no prompt of a shell within 60s");
}

void run_enter_output(struct run_enter *e, const uint8_t *data, size_t len)
{
	e->last_output = loop_now(e->loop);
	run_login_take(&e->login, data, len);
}

void run_enter_destroy(struct run_enter **out)
{
	struct run_enter *e = *out;

	if (!e)
		return;
	*out = NULL;
	loop_timer_del(&e->look);
	loop_timer_del(&e->limit);
	explicit_bzero(e->password, sizeof(e->password));
	loop_defer(e->loop, free, e);
}

int run_enter_create(const struct run_enter_options *options, const struct run_enter_events *events,
	void *arg, struct run_enter **out)
{
	struct run_enter *e = calloc(1, sizeof(*e));
	int r;

	*out = NULL;
	if (!e)
		return -ENOMEM;
	e->loop = options->loop;
	e->typist = options->typist;
	e->events = events;
	e->arg = arg;
	e->last_output = loop_now(e->loop);
	snprintf(e->name, sizeof(e->name), "%s", options->name);
	if (options->password)
		snprintf(e->password, sizeof(e->password), "%s", options->password);
	run_login_init(&e->login, e->name, options->password != NULL);
	r = loop_timer_add(e->loop, &e->look, on_look, e);
	if (r == 0)
		r = loop_timer_add(e->loop, &e->limit, on_limit, e);
	if (r == 0)
		r = typist_add(e->typist, "\r", 1);
	if (r < 0) {
		run_enter_destroy(&e);
		return r;
	}
	loop_timer_set(e->look, LOOK_US, 0);
	loop_timer_set(e->limit, RUN_ENTER_MAX_US, 0);
	*out = e;
	return 0;
}
