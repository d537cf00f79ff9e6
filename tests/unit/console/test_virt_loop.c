/* libvirt's event loop on ours, through libvirt's own functions, as its drivers use them. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include <libvirt/libvirt.h>

#include "console/libvirt/virt_wakeup.h"
#include "console/libvirt/virt_socket.h"
#include "console/libvirt/virt_loop.h"
#include "core/io.h"

#define DEADLINE_US (200 * LOOP_SECOND)

static struct loop *loop;
static struct virt_loop *virt;

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * LOOP_SECOND + (uint64_t)t.tv_nsec / 1000;
}

static int setup(void **state)
{
	virt = NULL;
	loop = loop_create();
	return loop ? virt_loop_create(loop, &virt) : -1;
}

static int teardown(void **state)
{
	virt_loop_destroy(&virt);
	loop_destroy(loop);
	return 0;
}

#define TURN_UNTIL(condition)                                                                      \
	do {                                                                                       \
		uint64_t end_ = now_us() + DEADLINE_US;                                            \
		while (!(condition)) {                                                             \
			assert_true(now_us() < end_);                                              \
			assert_int_equal(loop_turn(loop, 100 * LOOP_MSEC), 0);                     \
		}                                                                                  \
	} while (0)

/* Turns of the loop that something woke, within a time. */
static int woken_turns(uint64_t us)
{
	uint64_t end = now_us() + us, now;
	int turns = 0;

	while ((now = now_us()) < end) {
		assert_int_equal(loop_turn(loop, end - now), 0);
		turns++;
	}
	return turns;
}

/* --- a handle that reads messages of one byte, as libvirt's client reads one per event --- */

struct peer {
	int fds[2]; /* [0] is watched */
	int watch, calls, last_events, freed;
	bool leave_it;           /* do not read */
	size_t bytes, hangup_at; /* bytes read when a hang-up was told; SIZE_MAX: not yet */
};

static void on_peer(int watch, int fd, int events, void *arg)
{
	struct peer *p = arg;
	char byte;

	assert_int_equal(watch, p->watch);
	p->calls++;
	p->last_events = events;
	if ((events & VIR_EVENT_HANDLE_HANGUP) && p->hangup_at == SIZE_MAX)
		p->hangup_at = p->bytes;
	if (!p->leave_it && (events & VIR_EVENT_HANDLE_READABLE) && read(fd, &byte, 1) == 1)
		p->bytes++;
}

/* Runs without our lock: it may call in again. */
static void free_peer(void *arg)
{
	struct peer *p = arg;

	assert_int_equal(virEventRemoveHandle(p->watch), -1);
	p->freed++;
}

static void peer_open(struct peer *p, int events)
{
	memset(p, 0, sizeof(*p));
	p->hangup_at = SIZE_MAX;
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, p->fds), 0);
	p->watch = virEventAddHandle(p->fds[0], events, on_peer, p, free_peer);
	assert_true(p->watch > 0);
}

static void peer_close(struct peer *p)
{
	assert_int_equal(virEventRemoveHandle(p->watch), 0);
	fd_close(&p->fds[0]);
	fd_close(&p->fds[1]);
	TURN_UNTIL(p->freed);
}

static void peer_write(struct peer *p, size_t count)
{
	while (count--)
		assert_int_equal(write(p->fds[1], "x", 1), 1);
}

static void a_readable_descriptor_calls_on_the_loop(void **state)
{
	struct peer p;

	peer_open(&p, VIR_EVENT_HANDLE_READABLE);
	peer_write(&p, 1);
	TURN_UNTIL(p.bytes == 1);
	assert_int_equal(p.last_events, VIR_EVENT_HANDLE_READABLE);
	virEventUpdateHandle(p.watch, VIR_EVENT_HANDLE_WRITABLE);
	TURN_UNTIL(p.last_events == VIR_EVENT_HANDLE_WRITABLE);
	peer_close(&p);
	assert_int_equal(p.freed, 1);
}

static void no_events_means_silence_even_at_a_hangup(void **state)
{
	struct peer p;

	peer_open(&p, VIR_EVENT_HANDLE_READABLE);
	virEventUpdateHandle(p.watch, 0);
	fd_close(&p.fds[1]);
	assert_true(woken_turns(50 * LOOP_MSEC) < 5);
	assert_int_equal(p.calls, 0);
	virEventUpdateHandle(p.watch, VIR_EVENT_HANDLE_READABLE);
	TURN_UNTIL(p.last_events & VIR_EVENT_HANDLE_HANGUP);
	peer_close(&p);
}

/* libvirt drops what it has not read when it hears of a hang-up. */
static void a_hangup_is_told_after_the_last_byte(void **state)
{
	struct peer p;

	peer_open(&p, VIR_EVENT_HANDLE_READABLE);
	peer_write(&p, 100);
	fd_close(&p.fds[1]);
	TURN_UNTIL(p.hangup_at != SIZE_MAX);
	assert_int_equal(p.hangup_at, 100);
	peer_close(&p);
}

static void a_removed_handle_is_freed_later_and_never_called(void **state)
{
	struct peer p;
	int old;

	peer_open(&p, VIR_EVENT_HANDLE_READABLE);
	peer_write(&p, 1);
	old = p.watch;
	assert_int_equal(virEventRemoveHandle(old), 0);
	assert_int_equal(p.freed, 0);
	TURN_UNTIL(p.freed == 1);
	assert_int_equal(p.calls, 0);
	assert_int_equal(virEventRemoveHandle(old), -1);
	fd_close(&p.fds[0]);
	fd_close(&p.fds[1]);
	/* Its number finds nothing, though its place is taken again. */
	peer_open(&p, VIR_EVENT_HANDLE_READABLE);
	assert_int_not_equal(p.watch, old);
	virEventUpdateHandle(old, 0);
	peer_write(&p, 1);
	TURN_UNTIL(p.bytes == 1);
	peer_close(&p);
}

static void peer_grow_up(struct peer *p)
{
	uint64_t until = now_us() + VIRT_YOUNG_US;

	while (now_us() <= until)
		assert_int_equal(loop_turn(loop, 100 * LOOP_MSEC), 0);
	assert_int_equal(p->calls, 0);
}

/* One message after the other, as fast as the loop and the socket allow. Returns the number of
 * turns that read some. */
static size_t flood(struct peer *p)
{
	size_t written = 0, before, turns_with_bytes = 0;

	while (p->bytes < 4000) {
		if (written < 4000 && write(p->fds[1], "x", 1) == 1)
			written++;
		before = p->bytes;
		assert_int_equal(loop_turn(loop, written < 4000 ? 0 : 100 * LOOP_MSEC), 0);
		turns_with_bytes += p->bytes > before;
	}
	assert_int_equal(p->bytes, 4000);
	return turns_with_bytes;
}

static void a_flood_is_gathered_and_complete(void **state)
{
	struct peer p;

	peer_open(&p, VIR_EVENT_HANDLE_READABLE);
	peer_grow_up(&p);
	assert_true(flood(&p) < 1000);
	peer_close(&p);
}

static void a_new_descriptor_is_read_at_once_even_in_a_flood(void **state)
{
	struct peer p;

	peer_open(&p, VIR_EVENT_HANDLE_READABLE);
	assert_true(flood(&p) > 3000);
	peer_close(&p);
}

static void a_lone_message_after_a_flood_is_served_at_once(void **state)
{
	uint64_t start, best = UINT64_MAX;
	struct peer p;
	int i;

	peer_open(&p, VIR_EVENT_HANDLE_READABLE);
	peer_grow_up(&p);
	for (i = 0; i < 10; i++) {
		peer_write(&p, 200);
		TURN_UNTIL(p.bytes == (size_t)i * 201 + 200);
		(void)woken_turns(30 * LOOP_MSEC); /* the flood is over */
		start = now_us();
		peer_write(&p, 1);
		TURN_UNTIL(p.bytes == (size_t)i * 201 + 201);
		if (now_us() - start < best)
			best = now_us() - start;
	}
	assert_true(best < VIRT_HOLD_MIN_US);
	peer_close(&p);
}

static void a_handle_that_is_never_read_starves_nobody(void **state)
{
	struct peer deaf, p;

	peer_open(&deaf, VIR_EVENT_HANDLE_READABLE);
	peer_open(&p, VIR_EVENT_HANDLE_READABLE);
	deaf.leave_it = true;
	peer_write(&deaf, 1);
	TURN_UNTIL(deaf.calls > 0);
	peer_write(&p, 1);
	TURN_UNTIL(p.bytes == 1);
	peer_close(&p);
	peer_close(&deaf);
}

enum { MANY = 8 };

static void peers_write(struct peer *p, size_t count)
{
	int i;

	for (i = 0; i < MANY; i++)
		peer_write(&p[i], count);
}

static size_t peers_read(const struct peer *p)
{
	size_t sum = 0;
	int i;

	for (i = 0; i < MANY; i++)
		sum += p[i].bytes;
	return sum;
}

/* The loop has others to serve: each message costs libvirt's client some 20 us. */
static void a_turn_takes_few_messages_and_some_of_each(void **state)
{
	struct peer p[MANY];
	int i;

	for (i = 0; i < MANY; i++)
		peer_open(&p[i], VIR_EVENT_HANDLE_READABLE);
	peers_write(p, 200);
	assert_int_equal(loop_turn(loop, 0), 0);
	assert_in_range(peers_read(p), MANY, VIRT_READY_MAX);
	for (i = 0; i < MANY; i++)
		assert_in_range(p[i].bytes, 1, VIRT_READY_MAX);
	TURN_UNTIL(peers_read(p) == (size_t)MANY * 200);
	for (i = 0; i < MANY; i++)
		peer_close(&p[i]);
}

static void a_turn_takes_few_messages_of_those_left_alone(void **state)
{
	size_t written = 0, before;
	struct peer p[MANY];
	int i;

	for (i = 0; i < MANY; i++)
		peer_open(&p[i], VIR_EVENT_HANDLE_READABLE);
	peer_grow_up(&p[MANY - 1]);
	while (peers_read(p) < (size_t)MANY * 1000) {
		if (written < 1000 && peers_read(p) == written * MANY) {
			peers_write(p, 100);
			written += 100;
		}
		before = peers_read(p);
		assert_int_equal(loop_turn(loop, 100 * LOOP_MSEC), 0);
		assert_in_range(peers_read(p) - before, 0, VIRT_READY_MAX + VIRT_HELD_MAX);
	}
	for (i = 0; i < MANY; i++)
		peer_close(&p[i]);
}

/* --- timeouts --- */

struct tick {
	int id, calls, freed, stop_after;
	struct tick *removes; /* itself, or another */
};

static void on_tick(int id, void *arg)
{
	struct tick *t = arg;

	assert_int_equal(id, t->id);
	t->calls++;
	if (t->calls == t->stop_after)
		virEventUpdateTimeout(id, -1);
	if (t->removes)
		assert_int_equal(virEventRemoveTimeout(t->removes->id), 0);
	t->removes = NULL;
}

static void free_tick(void *arg)
{
	((struct tick *)arg)->freed++;
}

static void tick_add(struct tick *t, int ms)
{
	memset(t, 0, sizeof(*t));
	t->id = virEventAddTimeout(ms, on_tick, t, free_tick);
	assert_true(t->id > 0);
}

static void tick_remove(struct tick *t)
{
	assert_int_equal(virEventRemoveTimeout(t->id), 0);
	TURN_UNTIL(t->freed);
}

static void timeouts_repeat_until_told_otherwise(void **state)
{
	struct tick t;

	tick_add(&t, 5);
	TURN_UNTIL(t.calls == 3);
	virEventUpdateTimeout(t.id, -1);
	assert_true(woken_turns(30 * LOOP_MSEC) < 5);
	assert_int_equal(t.calls, 3);
	tick_remove(&t);
}

/* Streams stay at zero as long as they have data; other descriptors must get their turn. */
static void a_zero_timeout_comes_once_a_turn(void **state)
{
	struct tick t;
	int before;

	tick_add(&t, 0);
	t.stop_after = 50;
	TURN_UNTIL(t.calls >= 1);
	before = t.calls;
	assert_int_equal(loop_turn(loop, 0), 0);
	assert_true(t.calls <= before + 1);
	TURN_UNTIL(t.calls == 50);
	assert_true(woken_turns(30 * LOOP_MSEC) < 5);
	assert_int_equal(t.calls, 50);
	tick_remove(&t);
}

static void callbacks_may_remove_themselves_and_others(void **state)
{
	struct tick a, b;

	tick_add(&a, 0);
	tick_add(&b, 0);
	a.removes = &b;
	TURN_UNTIL(b.freed);
	assert_int_equal(b.calls, 0);
	a.removes = &a;
	TURN_UNTIL(a.freed);
	assert_int_equal(virt_loop_count(virt), 0);
}

static void thousands_of_timeouts_fire_in_order(void **state)
{
	enum { COUNT = 3000 };
	struct tick *t = calloc(COUNT, sizeof(*t));
	int i, j;

	assert_non_null(t);
	for (i = 0; i < COUNT; i++) {
		tick_add(&t[i], 1000 + i % 700);
		t[i].stop_after = 1;
	}
	for (i = 0; i < COUNT; i += 2)
		virEventUpdateTimeout(t[i].id, 1 + i % 50);
	TURN_UNTIL(t[COUNT - 2].calls && t[48].calls);
	for (i = 1; i < COUNT; i += 2)
		assert_int_equal(t[i].calls, 0);
	for (j = 0; j < 100 && !t[49].calls; j++)
		(void)woken_turns(20 * LOOP_MSEC);
	for (i = 0; i < COUNT; i++)
		assert_int_equal(virEventRemoveTimeout(t[i].id), 0);
	TURN_UNTIL(virt_loop_count(virt) == 0);
	free(t);
}

/* --- other threads --- */

static void *ring_later(void *arg)
{
	struct timespec t = {.tv_nsec = 20000000};

	nanosleep(&t, NULL);
	virEventUpdateTimeout(*(int *)arg, 0);
	return NULL;
}

static void another_thread_wakes_the_sleeping_loop(void **state)
{
	uint64_t start = now_us();
	pthread_t thread;
	struct tick t;

	tick_add(&t, -1);
	t.stop_after = 1;
	assert_int_equal(pthread_create(&thread, NULL, ring_later, &t.id), 0);
	while (!t.calls && now_us() - start < DEADLINE_US)
		assert_int_equal(loop_turn(loop, DEADLINE_US), 0);
	assert_true(now_us() - start < DEADLINE_US / 2);
	pthread_join(thread, NULL);
	tick_remove(&t);
}

static _Atomic int hammered_freed;

static void hammer_timeout(int id, void *arg)
{
}

static void hammer_handle(int watch, int fd, int events, void *arg)
{
}

static void hammer_free(void *arg)
{
	hammered_freed++;
}

static void *hammer(void *arg)
{
	int round, i, fds[2];

	for (round = 0; round < 200; round++) {
		int id = virEventAddTimeout(round % 3, hammer_timeout, NULL, hammer_free);
		int watch;

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
		watch = virEventAddHandle(
			fds[0], VIR_EVENT_HANDLE_WRITABLE, hammer_handle, NULL, hammer_free);
		for (i = 0; i < 5; i++) {
			virEventUpdateTimeout(id, i - 1);
			virEventUpdateHandle(watch, i & VIR_EVENT_HANDLE_WRITABLE);
		}
		virEventRemoveHandle(watch);
		close(fds[0]);
		close(fds[1]);
		virEventRemoveTimeout(id);
	}
	return NULL;
}

static void threads_register_and_remove_while_the_loop_runs(void **state)
{
	pthread_t threads[4];
	size_t i;

	hammered_freed = 0;
	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hammer, NULL), 0);
	TURN_UNTIL(hammered_freed == 4 * 200 * 2);
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(virt_loop_count(virt), 0);
}

/* --- bells --- */

static void count_ring(void *arg)
{
	++*(int *)arg;
}

static void *ring_often(void *arg)
{
	int i;

	for (i = 0; i < 100; i++)
		virt_wakeup_fire(*(int *)arg);
	return NULL;
}

static void many_rings_are_one_call_and_none_after_the_end(void **state)
{
	int wakeup, calls = 0, before;
	pthread_t thread;

	assert_int_equal(virt_wakeup_add(count_ring, &calls, &wakeup), 0);
	assert_int_equal(pthread_create(&thread, NULL, ring_often, &wakeup), 0);
	pthread_join(thread, NULL);
	TURN_UNTIL(calls == 1);
	(void)woken_turns(20 * LOOP_MSEC);
	assert_int_equal(calls, 1);
	virt_wakeup_fire(wakeup);
	before = wakeup;
	virt_wakeup_del(&wakeup);
	assert_int_equal(wakeup, -1);
	virt_wakeup_fire(before);
	(void)woken_turns(20 * LOOP_MSEC);
	assert_int_equal(calls, 1);
	virt_wakeup_del(&wakeup);
}

/* --- captures --- */

static void *register_elsewhere(void *arg)
{
	peer_open(arg, VIR_EVENT_HANDLE_READABLE);
	return NULL;
}

static void a_capture_takes_the_first_socket_of_its_thread(void **state)
{
	struct peer elsewhere, p, second;
	struct virt_socket capture;
	pthread_t thread;
	char byte;

	virt_socket_init(&capture);
	virt_socket_break(&capture); /* nothing to break yet */
	virt_socket_begin(&capture);
	assert_int_equal(pthread_create(&thread, NULL, register_elsewhere, &elsewhere), 0);
	pthread_join(thread, NULL);
	assert_int_equal(virt_socket_fd(&capture), -1);
	peer_open(&p, VIR_EVENT_HANDLE_READABLE);
	peer_open(&second, VIR_EVENT_HANDLE_READABLE);
	virt_socket_end();
	/* It goes on working when libvirt has closed its own descriptor. */
	peer_write(&p, 1);
	assert_int_equal(recv(virt_socket_fd(&capture), &byte, 1, MSG_PEEK), 1);
	virt_socket_break(&capture);
	assert_int_equal(recv(p.fds[1], &byte, 1, 0), 0);
	assert_int_equal(recv(second.fds[1], &byte, 1, 0), -1);
	virt_socket_finish(&capture);
	virt_socket_finish(&capture);
	assert_int_equal(virt_socket_fd(&capture), -1);
	peer_close(&elsewhere);
	peer_close(&second);
	peer_close(&p);
}

static void there_is_one_loop_at_a_time(void **state)
{
	struct virt_loop *other = NULL;
	struct tick t;

	assert_int_equal(virt_loop_create(loop, &other), -EBUSY);
	tick_add(&t, 1000);
	virt_loop_destroy(&virt);
	assert_int_equal(t.freed, 1);
	assert_int_equal(virEventAddTimeout(0, on_tick, &t, NULL), -1);
	virEventUpdateTimeout(t.id, 0);
	assert_int_equal(virt_loop_create(loop, &virt), 0);
	tick_add(&t, 0);
	TURN_UNTIL(t.calls);
	tick_remove(&t);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_readable_descriptor_calls_on_the_loop),
		TEST(no_events_means_silence_even_at_a_hangup),
		TEST(a_hangup_is_told_after_the_last_byte),
		TEST(a_removed_handle_is_freed_later_and_never_called),
		TEST(a_flood_is_gathered_and_complete),
		TEST(a_new_descriptor_is_read_at_once_even_in_a_flood),
		TEST(a_lone_message_after_a_flood_is_served_at_once),
		TEST(a_handle_that_is_never_read_starves_nobody),
		TEST(a_turn_takes_few_messages_and_some_of_each),
		TEST(a_turn_takes_few_messages_of_those_left_alone),
		TEST(timeouts_repeat_until_told_otherwise),
		TEST(a_zero_timeout_comes_once_a_turn),
		TEST(callbacks_may_remove_themselves_and_others),
		TEST(thousands_of_timeouts_fire_in_order),
		TEST(another_thread_wakes_the_sleeping_loop),
		TEST(threads_register_and_remove_while_the_loop_runs),
		TEST(many_rings_are_one_call_and_none_after_the_end),
		TEST(a_capture_takes_the_first_socket_of_its_thread),
		TEST(there_is_one_loop_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
