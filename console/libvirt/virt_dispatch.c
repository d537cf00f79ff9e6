/*
 * Task: serve what libvirt has registered, once per turn of the loop. Owner: the virt_loop.
 * Knows no connection and no console.
 *
 * libvirt calls us with its own locks held and its callbacks take them, so callbacks are called
 * without our lock. A source removed meanwhile stays in memory until free_removed().
 */
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "console/libvirt/virt_loop_private.h"

static int from_epoll(uint32_t events)
{
	return (events & EPOLLIN ? VIR_EVENT_HANDLE_READABLE : 0) |
	       (events & EPOLLOUT ? VIR_EVENT_HANDLE_WRITABLE : 0) |
	       (events & EPOLLERR ? VIR_EVENT_HANDLE_ERROR : 0) |
	       (events & EPOLLHUP ? VIR_EVENT_HANDLE_HANGUP : 0);
}

/* Bytes that can be read. Not removed means that libvirt has not closed the descriptor: it removes
 * first. */
static int waiting(const struct virt_source *s)
{
	int bytes = 0;

	if (s->removed || !(s->wanted & EPOLLIN) || ioctl(s->fd, FIONREAD, &bytes) < 0)
		return 0;
	return bytes;
}

/* A hang-up makes libvirt drop what it has not read: it is told last. */
static void call_handle(struct virt_source *s, uint32_t revents)
{
	virEventHandleCallback cb = s->on_event;
	uint32_t seen = revents & (s->wanted | EPOLLERR | EPOLLHUP);

	if (s->removed || !s->wanted || !seen)
		return;
	if ((seen & (EPOLLERR | EPOLLHUP)) && waiting(s) > 0)
		seen = EPOLLIN;
	pthread_mutex_unlock(&virt_lock);
	cb(s->id, s->fd, from_epoll(seen), s->opaque);
	pthread_mutex_lock(&virt_lock);
}

/* us 0: from now on it is served as it comes. */
static void hold(struct virt_loop *v, struct virt_source *s, uint64_t us)
{
	s->held_us = us;
	s->burst = 0;
	if (us)
		virt_table_set_due(&v->table, s, loop_clock() + us);
	(void)virt_handle_apply(v, s);
}

/* Returns the number of messages served, at least one. */
static int serve_messages(struct virt_source *s, uint32_t revents, int most)
{
	int rounds = 0;

	do {
		call_handle(s, revents);
		revents = EPOLLIN;
	} while (++rounds < most && waiting(s) > 0);
	return rounds;
}

static int serve_handle(struct virt_loop *v, struct virt_source *s, uint32_t revents, int most)
{
	uint64_t start = loop_clock();
	int rounds;

	if (start - s->last_run > VIRT_BURST_GAP_US)
		s->burst = 0;
	rounds = serve_messages(s, revents, most);
	if (s->removed)
		return rounds;
	s->last_run = loop_clock();
	s->burst += (unsigned)rounds;
	if (s->burst >= VIRT_BURST && rounds < most && s->wanted == EPOLLIN &&
		s->last_run >= s->young_until)
		hold(v, s, VIRT_HOLD_MIN_US);
	return rounds;
}

/* How long the next hold is, after one that brought so much and has been served in full. */
static uint64_t next_hold(uint64_t us, int messages, int bytes)
{
	int ms = (int)(us / LOOP_MSEC);

	if (messages < ms * VIRT_KEEP_MESSAGES && bytes < ms * VIRT_KEEP_BYTES)
		return 0;
	if (bytes > VIRT_HOLD_BYTES)
		return us / 2 > VIRT_HOLD_MIN_US ? us / 2 : VIRT_HOLD_MIN_US;
	return us * 2 < VIRT_HOLD_MAX_US ? us * 2 : VIRT_HOLD_MAX_US;
}

/* A hold has passed. */
static int serve_held(struct virt_loop *v, struct virt_source *s, int most)
{
	int bytes = waiting(s), rounds = 0;
	uint64_t next = 0;

	if (bytes > 0) {
		rounds = serve_messages(s, EPOLLIN, most);
		if (rounds < most && s->wanted == EPOLLIN)
			next = next_hold(s->held_us, rounds, bytes);
	}
	if (!s->removed)
		hold(v, s, next);
	s->last_run = loop_clock();
	return rounds;
}

/* Each gets the same share of what is left, so that nobody waits for the next turn. */
static void serve_ready_handles(struct virt_loop *v)
{
	struct epoll_event events[VIRT_READY_MAX];
	int count = epoll_wait(v->epoll_fd, events, VIRT_READY_MAX, 0), left = VIRT_READY_MAX, i;

	for (i = 0; i < count; i++) {
		int id = (int)events[i].data.u64;
		struct virt_source *s = virt_table_find(&v->table, id, VIRT_HANDLE);

		if (id == VIRT_ID_TIMER)
			v->timer_set = 0;
		else if (s && !s->held_us)
			left -= serve_handle(v, s, events[i].events, left / (count - i));
	}
}

/* Timeouts are due whatever the handles have used up. */
static void serve_due(struct virt_loop *v)
{
	uint64_t now = loop_clock();
	int left = VIRT_HELD_MAX;
	struct virt_source *s;

	while ((s = virt_table_first_due(&v->table)) && s->due <= now) {
		virt_table_clear_due(&v->table, s);
		if (s->kind == VIRT_TIMEOUT)
			virt_make_ready(v, s);
		else if (left > 0)
			left -= serve_held(v, s, left);
		else
			virt_table_set_due(&v->table, s, now + 1);
	}
}

static void serve_timeout(struct virt_loop *v, struct virt_source *s)
{
	virEventTimeoutCallback cb = s->on_timeout;

	virt_timeout_apply(v, s, s->interval_ms); /* they repeat until told otherwise */
	pthread_mutex_unlock(&virt_lock);
	cb(s->id, s->opaque);
	pthread_mutex_lock(&virt_lock);
}

/* Each of those ready now once: what becomes ready again waits for the next turn. */
static void serve_timeouts(struct virt_loop *v)
{
	struct virt_source *s;

	v->round++;
	while ((s = TAILQ_FIRST(&v->ready)) && s->round < v->round) {
		virt_unready(v, s);
		serve_timeout(v, s);
	}
}

static void free_removed(struct virt_loop *v)
{
	struct virt_source *s;

	while ((s = TAILQ_FIRST(&v->removed))) {
		TAILQ_REMOVE(&v->removed, s, link);
		v->count--;
		pthread_mutex_unlock(&virt_lock);
		virt_source_free(s);
		pthread_mutex_lock(&virt_lock);
	}
}

/* Leaves the descriptors readable exactly when there is more to do. */
static void update(struct virt_loop *v)
{
	uint64_t count;

	v->dispatching = false;
	if (!v->timer_set && !virt_table_first_due(&v->table))
		(void)!read(v->timer_fd, &count, sizeof(count));
	virt_arm_timer(v);
	if (TAILQ_EMPTY(&v->ready) && TAILQ_EMPTY(&v->removed))
		virt_unkick(v);
	else
		virt_kick(v);
}

void virt_dispatch(void *arg, uint32_t revents)
{
	struct virt_loop *v = arg;

	pthread_mutex_lock(&virt_lock);
	v->dispatcher = pthread_self();
	v->dispatching = true;
	serve_ready_handles(v);
	serve_due(v);
	serve_timeouts(v);
	free_removed(v);
	update(v);
	pthread_mutex_unlock(&virt_lock);
}
