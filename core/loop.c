/*
 * Task: one thread's events, over sd-event. Owner: whoever created the loop.
 * Knows nothing of what the descriptors mean.
 *
 * Objects deleted inside callbacks: sd-event keeps a source alive while it is dispatched, and our
 * own struct is freed with it by the source's destroy callback.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>

#include <systemd/sd-event.h>

#include "core/loop.h"

#define DEFERRED_KEPT 256 /* room for so many stays between turns */

struct deferred {
	loop_fn fn;
	void *arg;
};

struct loop {
	sd_event *event;
	struct deferred *deferred;
	size_t deferred_count, deferred_room;
	int in_deferred;
	LIST_HEAD(, loop_child) forgotten;
	unsigned forgotten_count;
	uint64_t used_us; /* by this thread, when the last turn ended */
	struct loop_stalls stalls;
};

struct loop_io {
	sd_event_source *source;
	loop_io_fn fn;
	void *arg;
	uint32_t events;
};

struct loop_timer {
	sd_event_source *source;
	sd_event_source *soon; /* for no delay at all; made when it is needed first */
	struct loop *loop;
	loop_fn fn;
	void *arg;
	int armed;
};

struct loop_signal {
	sd_event_source *source;
	loop_signal_fn fn;
	void *arg;
};

struct loop_child {
	sd_event_source *source;
	loop_child_fn fn;
	void *arg;
	LIST_ENTRY(loop_child) entry; /* of one that is forgotten, */
	struct loop *forgotten_by;
};

/* Work deferred by deferred work runs too: until nothing is left. */
static void run_deferred(struct loop *loop)
{
	size_t i;

	if (loop->in_deferred)
		return;
	loop->in_deferred = 1;
	for (i = 0; i < loop->deferred_count; i++) {
		struct deferred next = loop->deferred[i]; /* it may move while that runs */

		next.fn(next.arg);
	}
	loop->deferred_count = 0;
	if (loop->deferred_room > DEFERRED_KEPT) {
		free(loop->deferred);
		loop->deferred = NULL;
		loop->deferred_room = 0;
	}
	loop->in_deferred = 0;
}

struct loop *loop_create(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return NULL;
	if (sd_event_new(&loop->event) < 0) {
		loop_destroy(loop);
		return NULL;
	}
	return loop;
}

/* loop_child_fn */
static void drop_forgotten(void *arg, pid_t pid, int wait_status)
{
	struct loop_child *child = arg;

	LIST_REMOVE(child, entry);
	child->forgotten_by->forgotten_count--;
	loop_child_del(&child);
}

void loop_destroy(struct loop *loop)
{
	if (!loop)
		return;
	run_deferred(loop);
	free(loop->deferred);
	while (!LIST_EMPTY(&loop->forgotten))
		drop_forgotten(LIST_FIRST(&loop->forgotten), 0, 0);
	sd_event_unref(loop->event);
	free(loop);
}

/* A thread that waits uses nothing: one look at the clock is enough for a turn. */
static void count_turn(struct loop *loop)
{
	uint64_t now = loop_processor_clock(), took = now - loop->used_us;

	loop->used_us = now;
	loop->stalls.count += took >= LOOP_STALL_US;
	if (took > loop->stalls.longest_us)
		loop->stalls.longest_us = took;
}

const struct loop_stalls *loop_stalls(const struct loop *loop)
{
	return &loop->stalls;
}

int loop_run(struct loop *loop)
{
	int r = 0, code = 0;

	loop->used_us = loop_processor_clock(); /* what came before was no turn */
	while (r == 0 && sd_event_get_state(loop->event) != SD_EVENT_FINISHED)
		r = loop_turn(loop, UINT64_MAX);
	if (r == 0)
		sd_event_get_exit_code(loop->event, &code);
	return r < 0 ? r : code;
}

void loop_exit(struct loop *loop, int code)
{
	sd_event_exit(loop->event, code);
}

/* Deferred work is not a source of the event loop: that would cost a system call each time. */
int loop_turn(struct loop *loop, uint64_t timeout_us)
{
	int r;

	run_deferred(loop);
	r = sd_event_run(loop->event, timeout_us);
	run_deferred(loop);
	count_turn(loop);
	return r < 0 ? r : 0;
}

uint64_t loop_now(struct loop *loop)
{
	uint64_t now = 0;

	sd_event_now(loop->event, CLOCK_MONOTONIC, &now);
	return now;
}

uint64_t loop_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * LOOP_SECOND + (uint64_t)t.tv_nsec / 1000;
}

uint64_t loop_processor_clock(void)
{
	struct timespec t = {0};

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * LOOP_SECOND + (uint64_t)t.tv_nsec / 1000;
}

/* --- descriptors --- */

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct loop_io *io = arg;

	io->fn(io->arg, revents);
	return 0;
}

int loop_io_add(
	struct loop *loop, struct loop_io **out, int fd, uint32_t events, loop_io_fn fn, void *arg)
{
	struct loop_io *io = calloc(1, sizeof(*io));
	int r;

	if (!io)
		return -ENOMEM;
	io->fn = fn;
	io->arg = arg;
	io->events = events;
	r = sd_event_add_io(loop->event, &io->source, fd, events, on_io, io);
	if (r < 0) {
		free(io);
		return r;
	}
	sd_event_source_set_destroy_callback(io->source, free);
	if (!events)
		sd_event_source_set_enabled(io->source, SD_EVENT_OFF);
	*out = io;
	return 0;
}

void loop_io_set(struct loop_io *io, uint32_t events)
{
	if (io->events == events)
		return;
	if (events)
		sd_event_source_set_io_events(io->source, events);
	if (!events != !io->events)
		sd_event_source_set_enabled(io->source, events ? SD_EVENT_ON : SD_EVENT_OFF);
	io->events = events;
}

void loop_io_priority(struct loop_io *io, enum loop_priority priority)
{
	sd_event_source_set_priority(io->source, priority);
}

static void end_source(sd_event_source *source)
{
	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	sd_event_source_unref(source);
}

void loop_io_del(struct loop_io **io)
{
	if (*io)
		end_source((*io)->source);
	*io = NULL;
}

/* --- timers --- */

static int on_timer(sd_event_source *source, uint64_t usec, void *arg)
{
	struct loop_timer *timer = arg;

	timer->armed = 0;
	timer->fn(timer->arg);
	return 0;
}

static void drop_soon(struct loop_timer *timer)
{
	if (timer->soon)
		end_source(timer->soon);
	timer->soon = NULL;
}

static int on_soon(sd_event_source *source, void *arg)
{
	struct loop_timer *timer = arg;

	drop_soon(timer);
	return on_timer(source, 0, timer);
}

/* A clock that is to ring at once costs a system call, and in a virtual machine an exit. A source
 * of its own each time: sd-event takes the one first that is due longest, and holds a deferred one
 * to be due since it was made. */
static bool set_soon(struct loop_timer *timer)
{
	return timer->soon ||
	       sd_event_add_defer(timer->loop->event, &timer->soon, on_soon, timer) >= 0;
}

int loop_timer_add(struct loop *loop, struct loop_timer **out, loop_fn fn, void *arg)
{
	struct loop_timer *timer = calloc(1, sizeof(*timer));
	int r;

	if (!timer)
		return -ENOMEM;
	timer->loop = loop;
	timer->fn = fn;
	timer->arg = arg;
	r = sd_event_add_time(
		loop->event, &timer->source, CLOCK_MONOTONIC, UINT64_MAX, 0, on_timer, timer);
	if (r < 0) {
		free(timer);
		return r;
	}
	sd_event_source_set_destroy_callback(timer->source, free);
	sd_event_source_set_enabled(timer->source, SD_EVENT_OFF);
	*out = timer;
	return 0;
}

void loop_timer_set(struct loop_timer *timer, uint64_t delay_us, uint64_t slack_us)
{
	uint64_t now = loop_now(timer->loop);

	if (delay_us == 0 && set_soon(timer)) {
		if (timer->armed)
			sd_event_source_set_enabled(timer->source, SD_EVENT_OFF);
		timer->armed = 1;
		return;
	}
	drop_soon(timer);
	sd_event_source_set_time(timer->source, now + delay_us);
	sd_event_source_set_time_accuracy(timer->source, slack_us ? slack_us : LOOP_MSEC);
	sd_event_source_set_enabled(timer->source, SD_EVENT_ONESHOT);
	timer->armed = 1;
}

void loop_timer_stop(struct loop_timer *timer)
{
	if (!timer->armed)
		return;
	timer->armed = 0;
	sd_event_source_set_enabled(timer->source, SD_EVENT_OFF);
	drop_soon(timer);
}

int loop_timer_armed(const struct loop_timer *timer)
{
	return timer->armed;
}

void loop_timer_del(struct loop_timer **timer)
{
	if (!*timer)
		return;
	drop_soon(*timer);
	end_source((*timer)->source);
	*timer = NULL;
}

/* --- after the turn --- */

void loop_defer(struct loop *loop, loop_fn fn, void *arg)
{
	if (loop->deferred_count == loop->deferred_room) {
		size_t room = loop->deferred_room ? loop->deferred_room * 2 : 16;
		struct deferred *more = realloc(loop->deferred, room * sizeof(*more));

		if (!more) {
			/* Leaking here would break the promise that memory goes back. */
			fputs("vmconsoled: out of memory\n", stderr);
			abort();
		}
		loop->deferred = more;
		loop->deferred_room = room;
	}
	loop->deferred[loop->deferred_count++] = (struct deferred){fn, arg};
}

/* --- signals and children --- */

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *arg)
{
	struct loop_signal *sig = arg;

	sig->fn(sig->arg, info);
	return 0;
}

int loop_signal_add(
	struct loop *loop, struct loop_signal **out, int signo, loop_signal_fn fn, void *arg)
{
	struct loop_signal *sig = calloc(1, sizeof(*sig));
	int r;

	if (!sig)
		return -ENOMEM;
	sig->fn = fn;
	sig->arg = arg;
	r = sd_event_add_signal(loop->event, &sig->source, signo, on_signal, sig);
	if (r < 0) {
		free(sig);
		return r;
	}
	sd_event_source_set_destroy_callback(sig->source, free);
	*out = sig;
	return 0;
}

void loop_signal_del(struct loop_signal **sig)
{
	if (*sig)
		end_source((*sig)->source);
	*sig = NULL;
}

static int on_child(sd_event_source *source, const siginfo_t *info, void *arg)
{
	struct loop_child *child = arg;
	int status = info->si_code == CLD_EXITED ? W_EXITCODE(info->si_status, 0)
						 : W_EXITCODE(0, info->si_status);

	child->fn(child->arg, info->si_pid, status);
	return 0;
}

int loop_child_add(
	struct loop *loop, struct loop_child **out, pid_t pid, loop_child_fn fn, void *arg)
{
	struct loop_child *child = calloc(1, sizeof(*child));
	int r;

	if (!child)
		return -ENOMEM;
	child->fn = fn;
	child->arg = arg;
	r = sd_event_add_child(loop->event, &child->source, pid, WEXITED, on_child, child);
	if (r < 0) {
		free(child);
		return r;
	}
	sd_event_source_set_destroy_callback(child->source, free);
	*out = child;
	return 0;
}

void loop_child_del(struct loop_child **child)
{
	if (*child)
		end_source((*child)->source);
	*child = NULL;
}

void loop_child_forget(struct loop *loop, struct loop_child **child)
{
	struct loop_child *forgotten = *child;

	*child = NULL;
	if (!forgotten)
		return;
	forgotten->fn = drop_forgotten;
	forgotten->arg = forgotten;
	forgotten->forgotten_by = loop;
	LIST_INSERT_HEAD(&loop->forgotten, forgotten, entry);
	loop->forgotten_count++;
}

unsigned loop_children_forgotten(const struct loop *loop)
{
	return loop->forgotten_count;
}

int loop_block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGUSR1);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	return 0;
}

void loop_watchdog(struct loop *loop)
{
	sd_event_set_watchdog(loop->event, 1);
}
