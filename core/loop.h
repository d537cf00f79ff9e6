/*
 * The event loop of one thread: descriptors, timers, work after the turn, signals, children.
 *
 * A thin wrapper of sd-event. A loop belongs to the thread that runs it; no function here may be
 * called from another one (core/job.h brings results of other threads back to a loop).
 *
 * Every object is freed by its _del function, which takes a pointer to the pointer, accepts NULL
 * inside, and sets it to NULL. Deleting an object inside its own callback is allowed.
 * Functions return 0 or -errno.
 */
#ifndef CORE_LOOP_H
#define CORE_LOOP_H

#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/types.h>

#define MUST_CHECK __attribute__((warn_unused_result))

struct loop;
struct loop_io;
struct loop_timer;
struct loop_signal;
struct loop_child;

/* How early a callback runs when several are due in one turn. */
enum loop_priority { LOOP_URGENT = -10, LOOP_NORMAL = 0, LOOP_LATE = 10 };

typedef void (*loop_io_fn)(void *arg, uint32_t revents);
typedef void (*loop_fn)(void *arg);
typedef void (*loop_signal_fn)(void *arg, const struct signalfd_siginfo *info);
typedef void (*loop_child_fn)(void *arg, pid_t pid, int wait_status);

struct loop *loop_create(void);
void loop_destroy(struct loop *loop);

/* Runs until loop_exit. Returns the code given there, or -errno. */
int loop_run(struct loop *loop);
void loop_exit(struct loop *loop, int code);

/* One turn: waits at most timeout_us (UINT64_MAX: for ever) and runs what is due. For tests. */
int loop_turn(struct loop *loop, uint64_t timeout_us);

/* Turns that kept everybody else waiting: by the time that the loop's thread was on a processor, so
 * that other load of the machine does not count. */
#define LOOP_STALL_US UINT64_C(10000)
struct loop_stalls {
	uint64_t count;      /* turns of LOOP_STALL_US and more */
	uint64_t longest_us; /* of all turns */
};
const struct loop_stalls *loop_stalls(const struct loop *loop);

/* Monotonic microseconds, as of the start of this turn. */
uint64_t loop_now(struct loop *loop);
/* The same, as of this moment, in any thread: for what takes its time within a turn. */
uint64_t loop_clock(void);
/* Microseconds that this thread was on a processor. */
uint64_t loop_processor_clock(void);

/* Level-triggered. events and revents are EPOLL* masks; events == 0 keeps the object asleep, even
 * for EPOLLHUP and EPOLLERR, which epoll itself would go on reporting. */
int loop_io_add(struct loop *loop, struct loop_io **out, int fd, uint32_t events, loop_io_fn fn,
	void *arg) MUST_CHECK;
void loop_io_set(struct loop_io *io, uint32_t events);
void loop_io_priority(struct loop_io *io, enum loop_priority priority);
void loop_io_del(struct loop_io **io); /* does not close the descriptor */

/* One-shot timers. Made disarmed; set (again) with a delay from now. slack_us lets the kernel put
 * several wake-ups together (0: 1 ms). */
int loop_timer_add(struct loop *loop, struct loop_timer **out, loop_fn fn, void *arg) MUST_CHECK;
void loop_timer_set(struct loop_timer *timer, uint64_t delay_us, uint64_t slack_us);
void loop_timer_stop(struct loop_timer *timer);
int loop_timer_armed(const struct loop_timer *timer);
void loop_timer_del(struct loop_timer **timer);

/* Runs fn(arg) once, after the callbacks of this turn: the place where memory is freed that a
 * callback further up the stack may still be using. Out of memory is fatal here. What is still
 * due when the loop is destroyed runs then. */
void loop_defer(struct loop *loop, loop_fn fn, void *arg);

/* The signal must be blocked in every thread before (loop_block_signals). */
int loop_signal_add(struct loop *loop, struct loop_signal **out, int signo, loop_signal_fn fn,
	void *arg) MUST_CHECK;
void loop_signal_del(struct loop_signal **sig);

/* Watches a child until it ends; reaps it. */
int loop_child_add(struct loop *loop, struct loop_child **out, pid_t pid, loop_child_fn fn,
	void *arg) MUST_CHECK;
void loop_child_del(struct loop_child **child);
/* It has been told to end, and nobody waits for that: fn is not called any more, and it is reaped
 * when it comes. Not within fn. NULL inside is fine. */
void loop_child_forget(struct loop *loop, struct loop_child **child);
/* How many of those have not ended yet. */
unsigned loop_children_forgotten(const struct loop *loop);

/* Blocks the signals a service handles on its loop (HUP INT TERM CHLD USR1) and ignores PIPE. */
int loop_block_signals(void) MUST_CHECK;

/* systemd's watchdog, if the environment asks for it. */
void loop_watchdog(struct loop *loop);

#define LOOP_SECOND UINT64_C(1000000)
#define LOOP_MSEC UINT64_C(1000)

#endif
