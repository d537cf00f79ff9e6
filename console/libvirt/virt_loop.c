/*
 * Task: be libvirt's event loop. Owner: the broker. Knows no connection and no console.
 *
 * All state lies behind one static mutex, because libvirt's functions carry no context and may
 * come from a thread that outlives the loop. libvirt calls us with its own locks held, and its
 * callbacks take them: so callbacks are called without our lock.
 *
 * Removal only marks; the loop frees later, after the callbacks of the turn.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "console/libvirt/virt_socket.h"
#include "console/libvirt/virt_loop_private.h"
#include "core/io.h"

pthread_mutex_t virt_lock = PTHREAD_MUTEX_INITIALIZER;

/* libvirt's functions have no context argument; this is it. */
static struct {
	struct virt_loop *loop;
	bool registered;
} impl;

/* --- waking the loop; the lock is held --- */

void virt_kick(struct virt_loop *v)
{
	uint64_t one = 1;

	if (v->kicked || (v->dispatching && pthread_equal(v->dispatcher, pthread_self())))
		return;
	v->kicked = write(v->kick_fd, &one, sizeof(one)) == sizeof(one);
}

void virt_unkick(struct virt_loop *v)
{
	uint64_t count;

	if (v->kicked && read(v->kick_fd, &count, sizeof(count)) == sizeof(count))
		v->kicked = false;
}

/* Too early an alarm is left standing: it costs one empty turn, moving it a call each time. */
void virt_arm_timer(struct virt_loop *v)
{
	const struct virt_source *first = virt_table_first_due(&v->table);
	struct itimerspec at = {0};

	if (!first || (v->timer_set && v->timer_set <= first->due))
		return;
	at.it_value.tv_sec = (time_t)(first->due / LOOP_SECOND);
	at.it_value.tv_nsec = (long)(first->due % LOOP_SECOND) * 1000;
	if (timerfd_settime(v->timer_fd, TFD_TIMER_ABSTIME, &at, NULL) == 0)
		v->timer_set = first->due;
}

void virt_make_ready(struct virt_loop *v, struct virt_source *s)
{
	if (s->ready)
		return;
	s->ready = true;
	s->round = v->round;
	TAILQ_INSERT_TAIL(&v->ready, s, link);
	virt_kick(v);
}

void virt_unready(struct virt_loop *v, struct virt_source *s)
{
	if (s->ready)
		TAILQ_REMOVE(&v->ready, s, link);
	s->ready = false;
}

static void retire(struct virt_loop *v, struct virt_source *s)
{
	virt_unready(v, s);
	virt_table_remove(&v->table, s);
	s->removed = true;
	TAILQ_INSERT_TAIL(&v->removed, s, link);
	virt_kick(v);
}

/* --- handles; the lock is held --- */

static uint32_t to_epoll(int events)
{
	return (events & VIR_EVENT_HANDLE_READABLE ? EPOLLIN : 0U) |
	       (events & VIR_EVENT_HANDLE_WRITABLE ? EPOLLOUT : 0U);
}

/* Brings epoll to what the handle wants. Out of epoll altogether when that is nothing: a hang-up
 * cannot be masked there. */
int virt_handle_apply(struct virt_loop *v, struct virt_source *s)
{
	uint32_t events = s->held_us ? 0 : s->wanted;
	struct epoll_event e = {.events = events, .data.u64 = (uint64_t)s->id};
	int op = !s->armed ? EPOLL_CTL_ADD : events ? EPOLL_CTL_MOD : EPOLL_CTL_DEL;

	if (events == s->armed)
		return 0;
	if (epoll_ctl(v->epoll_fd, op, s->fd, &e) < 0)
		return -errno;
	s->armed = events;
	return 0;
}

static int add_handle(
	int fd, int events, virEventHandleCallback cb, void *opaque, virFreeCallback free_opaque)
{
	struct virt_source *s = NULL;
	int id = -1;

	virt_socket_offer(fd);
	pthread_mutex_lock(&virt_lock);
	if (impl.loop)
		s = virt_table_add(&impl.loop->table, VIRT_HANDLE);
	if (s) {
		s->fd = fd;
		s->wanted = to_epoll(events);
		s->on_event = cb;
		s->young_until = loop_clock() + VIRT_YOUNG_US;
		if (virt_handle_apply(impl.loop, s) < 0) {
			virt_table_remove(&impl.loop->table, s);
			free(s);
		} else {
			s->opaque = opaque;
			s->free_opaque = free_opaque;
			id = s->id;
			impl.loop->count++;
		}
	}
	pthread_mutex_unlock(&virt_lock);
	return id;
}

static void update_handle(int id, int events)
{
	struct virt_source *s;

	pthread_mutex_lock(&virt_lock);
	s = impl.loop ? virt_table_find(&impl.loop->table, id, VIRT_HANDLE) : NULL;
	if (s) {
		s->wanted = to_epoll(events);
		(void)virt_handle_apply(impl.loop, s);
	}
	pthread_mutex_unlock(&virt_lock);
}

/* libvirt closes the descriptor as soon as this returns. */
static int remove_handle(int id)
{
	struct virt_source *s;

	pthread_mutex_lock(&virt_lock);
	s = impl.loop ? virt_table_find(&impl.loop->table, id, VIRT_HANDLE) : NULL;
	if (s) {
		s->wanted = 0;
		(void)virt_handle_apply(impl.loop, s);
		retire(impl.loop, s);
	}
	pthread_mutex_unlock(&virt_lock);
	return s ? 0 : -1;
}

/* --- timeouts --- */

void virt_timeout_apply(struct virt_loop *v, struct virt_source *s, int ms)
{
	s->interval_ms = ms;
	if (ms > 0) {
		virt_unready(v, s);
		virt_table_set_due(&v->table, s, loop_clock() + (uint64_t)ms * LOOP_MSEC);
		virt_arm_timer(v);
		return;
	}
	virt_table_clear_due(&v->table, s);
	if (ms == 0)
		virt_make_ready(v, s);
	else
		virt_unready(v, s);
}

static int add_timeout(
	int ms, virEventTimeoutCallback cb, void *opaque, virFreeCallback free_opaque)
{
	struct virt_source *s = NULL;
	int id = -1;

	pthread_mutex_lock(&virt_lock);
	if (impl.loop)
		s = virt_table_add(&impl.loop->table, VIRT_TIMEOUT);
	if (s) {
		s->on_timeout = cb;
		s->opaque = opaque;
		s->free_opaque = free_opaque;
		virt_timeout_apply(impl.loop, s, ms);
		id = s->id;
		impl.loop->count++;
	}
	pthread_mutex_unlock(&virt_lock);
	return id;
}

static void update_timeout(int id, int ms)
{
	struct virt_source *s;

	pthread_mutex_lock(&virt_lock);
	s = impl.loop ? virt_table_find(&impl.loop->table, id, VIRT_TIMEOUT) : NULL;
	if (s)
		virt_timeout_apply(impl.loop, s, ms);
	pthread_mutex_unlock(&virt_lock);
}

static int remove_timeout(int id)
{
	struct virt_source *s;

	pthread_mutex_lock(&virt_lock);
	s = impl.loop ? virt_table_find(&impl.loop->table, id, VIRT_TIMEOUT) : NULL;
	if (s)
		retire(impl.loop, s);
	pthread_mutex_unlock(&virt_lock);
	return s ? 0 : -1;
}

/* --- making and ending --- */

void virt_source_free(struct virt_source *s)
{
	if (s->free_opaque)
		s->free_opaque(s->opaque);
	free(s);
}

static void stay_silent(void *arg, virErrorPtr error)
{
}

#ifdef VMC_SANITIZE
const char *__lsan_default_suppressions(void);

/* libvirt's client forgets one small array per stream that ends with its connection, without
 * virStreamAbort, which we must not call (backend_libvirt_open.c). */
const char *__lsan_default_suppressions(void)
{
	return "leak:g_realloc\n";
}

const char *__lsan_default_options(void);

const char *__lsan_default_options(void)
{
	return "print_suppressions=0";
}
#endif

static int register_impl(void)
{
	if (impl.registered)
		return 0;
	/* A session's client would start a libvirtd of its own, in the gap of a restart too. */
	if (setenv("LIBVIRT_AUTOSTART", "0", 0) < 0)
		return -errno;
	virSetErrorFunc(NULL, stay_silent);
	virEventRegisterImpl(add_handle, update_handle, remove_handle, add_timeout, update_timeout,
		remove_timeout);
	if (virInitialize() < 0)
		return -EIO;
	impl.registered = true;
	return 0;
}

static int watch(struct virt_loop *v, int fd, int id)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u64 = (uint64_t)id};

	return epoll_ctl(v->epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

static int open_descriptors(struct virt_loop *v)
{
	int r;

	v->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	v->kick_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	v->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (v->epoll_fd < 0 || v->kick_fd < 0 || v->timer_fd < 0)
		return -errno;
	r = watch(v, v->kick_fd, VIRT_ID_KICK);
	return r < 0 ? r : watch(v, v->timer_fd, VIRT_ID_TIMER);
}

static void free_loop(struct virt_loop *v)
{
	size_t i;

	loop_io_del(&v->io);
	for (i = 0; i < v->table.slot_count; i++)
		if (v->table.slots[i].source)
			virt_source_free(v->table.slots[i].source);
	while (!TAILQ_EMPTY(&v->removed)) {
		struct virt_source *s = TAILQ_FIRST(&v->removed);

		TAILQ_REMOVE(&v->removed, s, link);
		virt_source_free(s);
	}
	virt_table_finish(&v->table);
	fd_close(&v->epoll_fd);
	fd_close(&v->kick_fd);
	fd_close(&v->timer_fd);
	free(v);
}

int virt_loop_create(struct loop *loop, struct virt_loop **virt)
{
	struct virt_loop *v;
	int r;

	if (impl.loop)
		return -EBUSY;
	v = calloc(1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	v->epoll_fd = v->kick_fd = v->timer_fd = -1;
	TAILQ_INIT(&v->ready);
	TAILQ_INIT(&v->removed);
	virt_table_init(&v->table);
	r = open_descriptors(v);
	if (r == 0)
		r = loop_io_add(loop, &v->io, v->epoll_fd, EPOLLIN, virt_dispatch, v);
	if (r == 0)
		r = register_impl();
	if (r < 0) {
		free_loop(v);
		return r;
	}
	pthread_mutex_lock(&virt_lock);
	impl.loop = v;
	pthread_mutex_unlock(&virt_lock);
	*virt = v;
	return 0;
}

void virt_loop_destroy(struct virt_loop **virt)
{
	if (!*virt)
		return;
	pthread_mutex_lock(&virt_lock);
	impl.loop = NULL;
	pthread_mutex_unlock(&virt_lock);
	free_loop(*virt);
	*virt = NULL;
}

size_t virt_loop_count(const struct virt_loop *v)
{
	size_t count;

	pthread_mutex_lock(&virt_lock);
	count = v->count;
	pthread_mutex_unlock(&virt_lock);
	return count;
}
