/*
 * Task: see stuck.h. Owner: the console.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "console/health/feed.h"
#include "console/health/stuck.h"

#define ANSWERS 2 /* of the hypervisor, and none of the console: it is the guest */

struct stuck {
	struct loop *loop;
	struct loop_timer *timer; /* the end of patience with a send, or of a pause */
	const struct stuck_orders *orders;
	void *arg;
	struct feed feed;
	uint64_t sent_at; /* loop time */
	uint64_t renewed_at;
	uint64_t output_at; /* when the guest printed last; 0 */
	uint64_t held_at;   /* since when nothing is sent because it prints; 0 */
	uint64_t until;     /* nothing is sent before; 0 */
	unsigned times;     /* renewed in a row */
	enum stuck_guest guest;
	int sending;
	int asked;         /* whether the hypervisor answers */
	unsigned answered; /* how often it did, during this send */
	int renewing;
};

static void set_pause(struct stuck *s)
{
	uint64_t us = STUCK_PAUSE_US << s->times;

	s->renewed_at = loop_now(s->loop);
	s->until = s->renewed_at + (us < STUCK_PAUSE_MAX_US ? us : STUCK_PAUSE_MAX_US);
	if (us < STUCK_PAUSE_MAX_US)
		s->times++;
}

static void pause_over(struct stuck *s)
{
	s->until = 0;
	s->orders->pump(s->arg);
}

/* The send stays where it is; another attempt follows. */
static void try_later(struct stuck *s)
{
	set_pause(s);
	loop_timer_set(s->timer, s->until - loop_now(s->loop), 0);
}

static void renew(struct stuck *s)
{
	s->asked = 0;
	s->renewing = 1;
	if (s->orders->renew(s->arg, s->times) == 0)
		return;
	s->renewing = 0;
	try_later(s);
}

/* A hypervisor that answers no question is slow, not the guest. */
static void on_timer(void *arg)
{
	struct stuck *s = arg;

	if (s->renewing)
		return;
	if (!s->sending) {
		pause_over(s);
		return;
	}
	s->asked = 1;
	if (!s->orders->ask(s->arg))
		try_later(s);
}

static uint64_t patience(const struct stuck *s, uint64_t now)
{
	if (s->times)
		return STUCK_AGAIN_US;
	return feed_is_read(&s->feed, now) ? STUCK_SLOW_US : STUCK_FIRST_US;
}

/* libvirtd is not woken by a guest that makes room in its terminal, but by a question, or else by
 * the next keepalive. So there are some, and what is stuck after the last is stuck indeed. */
static void wait_on(struct stuck *s)
{
	loop_timer_set(s->timer, STUCK_STEP_US, 0);
}

void stuck_answered(struct stuck *s, int error)
{
	uint64_t now = loop_now(s->loop), waited = now - s->sent_at;

	if (!s->asked)
		return;
	s->asked = 0;
	if (!s->sending || s->renewing)
		return;
	s->answered++;
	if (error < 0)
		try_later(s);
	else if (s->answered >= ANSWERS && waited >= patience(s, now))
		renew(s);
	else
		wait_on(s);
}

/* --- what is sent --- */

/* A kernel that boots prints and does not read. */
static uint64_t hold_while_printing(struct stuck *s, uint64_t now)
{
	uint64_t quiet = now - s->output_at;

	if (!feed_is_risky(&s->feed, now) || !s->output_at || quiet >= STUCK_QUIET_US)
		return 0;
	if (s->held_at == 0)
		s->held_at = now;
	return now - s->held_at < STUCK_HOLD_US ? STUCK_QUIET_US - quiet : 0;
}

int stuck_may_send(struct stuck *s, size_t len)
{
	uint64_t now = loop_now(s->loop), wait;

	if (s->renewing || s->guest == STUCK_ENDING ||
		(s->guest == STUCK_PAUSED && len > STUCK_KEYS_MAX))
		return 0; /* what ends that pumps */
	wait = s->until > now ? s->until - now : feed_wait(&s->feed, now, len);
	if (wait == 0)
		wait = hold_while_printing(s, now);
	if (wait == 0)
		return 1;
	loop_timer_set(s->timer, wait, 0);
	return 0;
}

void stuck_sending(struct stuck *s)
{
	s->sending = 1;
	s->asked = 0;
	s->answered = 0;
	s->sent_at = loop_now(s->loop);
	wait_on(s);
}

void stuck_sent(struct stuck *s, size_t len)
{
	uint64_t now = loop_now(s->loop);

	if (!s->sending)
		return;
	feed_given(&s->feed, now, len, s->answered > 0);
	s->times = 0;
	s->until = s->held_at = 0;
	stuck_lost(s);
}

void stuck_lost(struct stuck *s)
{
	s->sending = s->asked = 0;
	loop_timer_stop(s->timer);
}

void stuck_closed(struct stuck *s)
{
	stuck_lost(s);
	s->times = 0;
	s->until = s->held_at = 0;
	feed_init(&s->feed);
}

/* --- what the guest does --- */

void stuck_printed(struct stuck *s)
{
	s->output_at = loop_now(s->loop);
	if (s->until && !s->sending && !s->renewing &&
		s->output_at - s->renewed_at >= STUCK_PAUSE_US)
		pause_over(s);
}

void stuck_rebooted(struct stuck *s)
{
	s->times = 0;
	if (!s->sending && !s->renewing)
		pause_over(s);
}

void stuck_guest_is(struct stuck *s, enum stuck_guest guest)
{
	enum stuck_guest was = s->guest;

	s->guest = guest;
	if (guest == was || s->renewing)
		return;
	if (guest == STUCK_ENDING && s->sending && s->answered)
		s->orders->end(s->arg);
	else if (guest != STUCK_ENDING && !s->sending)
		s->orders->pump(s->arg);
}

/* --- the console is opened anew --- */

bool stuck_is_renewing(const struct stuck *s)
{
	return s->renewing;
}

int stuck_renewed(struct stuck *s)
{
	uint64_t now = loop_now(s->loop);

	s->renewing = 0;
	if (s->times == 0 && !feed_is_read(&s->feed, now))
		s->times = STUCK_DEAF_TIMES;
	feed_full(&s->feed, now);
	set_pause(s);
	return s->output_at && now - s->output_at < STUCK_QUIET_US;
}

void stuck_not_renewed(struct stuck *s)
{
	s->renewing = 0;
	if (s->sending)
		try_later(s);
}

/* --- life --- */

int stuck_create(
	struct loop *loop, const struct stuck_orders *orders, void *arg, struct stuck **out)
{
	struct stuck *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->loop = loop;
	s->orders = orders;
	s->arg = arg;
	feed_init(&s->feed);
	r = loop_timer_add(loop, &s->timer, on_timer, s);
	if (r < 0) {
		free(s);
		return r;
	}
	*out = s;
	return 0;
}

void stuck_destroy(struct stuck **s)
{
	if (!*s)
		return;
	loop_timer_del(&(*s)->timer);
	free(*s);
	*s = NULL;
}
