/* Task: judge all logins, and who has a lease, again. Owner: the broker. Knows not how one is
 * judged. */
#include <errno.h>
#include <stdlib.h>

#include "broker/login/lease_holder.h"
#include "broker/login/login.h"
#include "broker/login/review.h"

struct review {
	const struct broker_context *context;
	struct loop_timer *timer;
};

static void judge_all(struct review *r)
{
	struct login *login = LIST_FIRST(r->context->logins), *next;

	for (; login; login = next) {
		next = login_next(login); /* its memory outlives this turn, whatever is closed */
		login_review(login);
	}
	lease_holders_judge(r->context, NULL);
}

void review_now(struct review *r)
{
	const struct login *login;

	loop_timer_stop(r->timer);
	judge_all(r);
	for (login = LIST_FIRST(r->context->logins); login; login = login_next(login))
		login_ask_again(login);
	lease_holders_ask_again(r->context);
}

static void on_timer(void *arg)
{
	judge_all(arg);
}

void review_soon(void *arg)
{
	struct review *r = arg;

	if (!loop_timer_armed(r->timer))
		loop_timer_set(r->timer, REVIEW_SOON_US, LOOP_SECOND / 10);
}

int review_create(const struct broker_context *context, struct review **out)
{
	struct review *r = calloc(1, sizeof(*r));
	int error;

	if (!r)
		return -ENOMEM;
	r->context = context;
	error = loop_timer_add(context->loop, &r->timer, on_timer, r);
	if (error < 0) {
		free(r);
		return error;
	}
	*out = r;
	return 0;
}

void review_destroy(struct review **out)
{
	struct review *r = *out;

	if (!r)
		return;
	*out = NULL;
	loop_timer_del(&r->timer);
	free(r);
}
