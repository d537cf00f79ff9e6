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

#include "console/virt_loop_private.h"

#define BATCH 64

static int from_epoll(uint32_t events)
{
	return (events & EPOLLIN ? VIR_EVENT_HANDLE_READABLE : 0) |
	       (events & EPOLLOUT ? VIR_EVENT_HANDLE_WRITABLE : 0) |
	       (events & EPOLLERR ? VIR_EVENT_HANDLE_ERROR : 0) |
	       (events & EPOLLHUP ? VIR_EVENT_HANDLE_HANGUP : 0);
}

/* Not removed means that libvirt has not closed the descriptor: it removes first. */
static bool more_to_read(const struct virt_source *s)
{
	int bytes = 0;

	return !s->removed && (s->wanted & EPOLLIN) && ioctl(s->fd, FIONREAD, &bytes) == 0 &&
	       bytes > 0;
}

/* A hang-up makes libvirt drop what it has not read: it is told last. */
static void call_handle(struct virt_source *s, uint32_t revents)
{
	virEventHandleCallback cb = s->on_event;
	uint32_t seen = revents & (s->wanted | EPOLLERR | EPOLLHUP);

	if (s->removed || !s->wanted || !seen)
		return;
	if ((seen & (EPOLLERR | EPOLLHUP)) && more_to_read(s))
		seen = EPOLLIN;
	pthread_mutex_unlock(&virt_lock);
	cb(s->id, s->fd, from_epoll(seen), s->opaque);
	pthread_mutex_lock(&virt_lock);
}

static void hold(struct virt_loop *v, struct virt_source *s, bool held)
{
	s->held = held;
	if (held)
		virt_table_set_due(&v->table, s, virt_now() + VIRT_HOLD_US);
	(void)virt_handle_apply(v, s);
}

/* Returns the number of messages served. */
static int serve_handle(struct virt_loop *v, struct virt_source *s, uint32_t revents)
{
	int rounds = 0;
	bool bulk;

	if (!s->held && virt_now() - s->last_run > VIRT_BURST_GAP_US)
		s->burst = 0;
	do {
		call_handle(s, revents);
		revents = EPOLLIN;
	} while (++rounds < VIRT_ROUNDS_MAX && more_to_read(s));
	if (s->removed)
		return rounds;
	s->last_run = virt_now();
	s->burst += (unsigned)rounds;
	bulk = s->wanted == EPOLLIN && s->burst >= VIRT_BURST &&
	       (!s->held || rounds >= VIRT_BURST_KEEP);
	if (bulk || s->held)
		hold(v, s, bulk);
	return rounds;
}

static int serve_ready_handles(struct virt_loop *v)
{
	struct epoll_event events[BATCH];
	int count = epoll_wait(v->epoll_fd, events, BATCH, 0), left = VIRT_TURN_MAX, i;

	for (i = 0; i < count && left > 0; i++) {
		int id = (int)events[i].data.u64;
		struct virt_source *s = virt_table_find(&v->table, id, VIRT_HANDLE);

		if (id == VIRT_ID_TIMER)
			v->timer_set = 0;
		else if (s && !s->held)
			left -= serve_handle(v, s, events[i].events);
	}
	return left;
}

static void serve_held(struct virt_loop *v, struct virt_source *s, int *left)
{
	if (more_to_read(s))
		*left -= serve_handle(v, s, EPOLLIN);
	else
		hold(v, s, false);
}

static void serve_due(struct virt_loop *v, int left)
{
	struct virt_source *s = virt_table_first_due(&v->table);
	uint64_t now;

	if (!s)
		return;
	now = virt_now();
	while (s && s->due <= now && left > 0) {
		virt_table_clear_due(&v->table, s);
		if (s->kind == VIRT_HANDLE)
			serve_held(v, s, &left);
		else
			virt_make_ready(v, s);
		s = virt_table_first_due(&v->table);
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
static void settle(struct virt_loop *v)
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

void virt_turn(void *arg, uint32_t revents)
{
	struct virt_loop *v = arg;
	int left;

	pthread_mutex_lock(&virt_lock);
	v->dispatcher = pthread_self();
	v->dispatching = true;
	left = serve_ready_handles(v);
	serve_due(v, left);
	serve_timeouts(v);
	free_removed(v);
	settle(v);
	pthread_mutex_unlock(&virt_lock);
}
