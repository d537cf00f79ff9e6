/*
 * Task: what is due in a session and when: login grace, keepalive, idleness, the goodbye.
 * Owner: the session. One timer for all of it, set to the earliest; nothing is touched per byte.
 */
#include "core/log.h"
#include "sshd/session.h"
#include "wire/status.h"

/* As OpenSSH's ClientAliveCountMax. */
#define KEEPALIVE_MISSES 3

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t idle_deadline(const struct session *s)
{
	uint64_t limit = s->context->settings.idle_timeout_ms;

	if (!limit || s->channel_count || s->state != SESSION_OPEN)
		return UINT64_MAX;
	return s->idle_since + limit * LOOP_MSEC;
}

static uint64_t next_due(const struct session *s)
{
	uint64_t due = UINT64_MAX;
	const struct channel *c;

	switch (s->state) {
	case SESSION_LOGIN:
		return s->grace_at;
	case SESSION_OPEN:
		due = earlier(idle_deadline(s), s->keepalive_at);
		break;
	case SESSION_CLOSING:
		due = s->closing_at;
		break;
	case SESSION_DEAD:
		return UINT64_MAX;
	}
	TAILQ_FOREACH (c, &s->channels, entry)
		due = earlier(due, channel_deadline(c));
	return due;
}

void session_timers_set(struct session *s)
{
	uint64_t now = loop_now(s->context->loop), due = next_due(s), wait, slack;

	if (due == s->timer_due)
		return;
	s->timer_due = due;
	if (due == UINT64_MAX) {
		loop_timer_stop(s->timer);
		return;
	}
	wait = due > now ? due - now : 0;
	/* Keepalives may come late, so that the wake-ups of many sessions fall together. */
	slack = s->state == SESSION_OPEN ? wait / 8 : 20 * LOOP_MSEC;
	loop_timer_set(s->timer, wait, slack + LOOP_MSEC);
}

static void plan_keepalive(struct session *s)
{
	uint64_t period = s->context->settings.keepalive_ms;

	s->keepalive_at = period ? loop_now(s->context->loop) + period * LOOP_MSEC : UINT64_MAX;
}

/* False when the client has been silent for too long. */
static bool keep_alive(struct session *s)
{
	if (s->bytes.in_bytes != s->seen_bytes)
		s->silent = 0;
	else if (++s->silent > KEEPALIVE_MISSES)
		return false;
	s->seen_bytes = s->bytes.in_bytes;
	plan_keepalive(s);
	/* In non-blocking mode the first call only collects the answer to the one before. */
	if (s->silent > 0) {
		ssh_send_keepalive(s->ssh);
		if (ssh_is_connected(s->ssh))
			ssh_send_keepalive(s->ssh);
	}
	return true;
}

static void overdue_channels(struct session *s)
{
	struct channel *c;

	TAILQ_FOREACH (c, &s->channels, entry)
		channel_overdue(c);
}

static void on_timer(void *arg)
{
	struct session *s = arg;
	uint64_t now = loop_now(s->context->loop);

	s->timer_due = UINT64_MAX;
	if (s->state == SESSION_LOGIN && now >= s->grace_at) {
		session_close(s, "login grace time expired");
		return;
	}
	if (s->state == SESSION_CLOSING && now >= s->closing_at) {
		session_close(s, s->bye_reason);
		return;
	}
	if (s->state == SESSION_OPEN && now >= idle_deadline(s)) {
		session_close(s, "idle timeout");
		return;
	}
	if (s->state == SESSION_OPEN && now >= s->keepalive_at && !keep_alive(s)) {
		session_close(s, "the client does not answer");
		return;
	}
	overdue_channels(s);
	session_update(s);
}

int session_timers_init(struct session *s)
{
	s->timer_due = UINT64_MAX;
	s->keepalive_at = UINT64_MAX;
	s->grace_at = loop_now(s->context->loop) + s->context->settings.login_grace_ms * LOOP_MSEC;
	return loop_timer_add(s->context->loop, &s->timer, on_timer, s);
}

void session_timers_opened(struct session *s)
{
	s->idle_since = loop_now(s->context->loop);
	plan_keepalive(s);
}

void session_timers_reload(struct session *s)
{
	if (s->state != SESSION_OPEN)
		return;
	plan_keepalive(s);
	session_timers_set(s);
}
