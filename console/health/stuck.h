/*
 * When a guest may be given input, and when it is stuck: takes none.
 *
 * For back ends that are careful: there a guest that reads nothing leaves a send unanswered, and
 * what the back end has given for it may kill a libvirtd when the guest ends
 * (backend_libvirt_careful.c). So a guest is fed with care (feed.h), and a send that takes too long
 * is taken back: the console is opened once more, by force, which throws away what waits in the old
 * one. No input is lost, since none was given.
 *
 * Then nothing is sent for a while, a longer one each time, or until the guest prints something. A
 * guest that is heard to end is given nothing at all, and a paused one, which may be ended next, no
 * more than keys.
 *
 * Knows no console: whoever owns it carries out its orders, which may come from inside a call.
 */
#ifndef CONSOLE_HEALTH_STUCK_H
#define CONSOLE_HEALTH_STUCK_H

#include <stdbool.h>
#include <stddef.h>

#include "core/loop.h"

#define STUCK_SLOW_US LOOP_SECOND             /* for a guest that reads to take what is sent */
#define STUCK_FIRST_US (200 * LOOP_MSEC)      /* the same, not known to read */
#define STUCK_AGAIN_US (100 * LOOP_MSEC)      /* the same, known not to read */
#define STUCK_STEP_US (20 * LOOP_MSEC)        /* meanwhile libvirtd is woken this often */
#define STUCK_PAUSE_US LOOP_SECOND            /* then nothing is sent; doubles each time */
#define STUCK_PAUSE_MAX_US (30 * LOOP_SECOND) /* up to this */
#define STUCK_DEAF_TIMES 3                    /* so often at once for one that never read */
#define STUCK_QUIET_US (300 * LOOP_MSEC)      /* a guest that printed this long ago has stopped */
#define STUCK_HOLD_US (2 * LOOP_SECOND)       /* to wait for that, with a terminal half full */
#define STUCK_KEYS_MAX 256                    /* bytes that may be keys */

struct stuck;

enum stuck_guest {
	STUCK_RUNS,
	STUCK_PAUSED, /* or has crashed */
	STUCK_ENDING, /* it has powered off, and QEMU is about to end */
};

struct stuck_orders {
	void (*pump)(void *arg); /* what was refused may be sent now */
	/* Asks the hypervisor anything: 1 when stuck_answered follows. */
	int (*ask)(void *arg);
	/* Opens the console anew: 0 when stuck_renewed or stuck_not_renewed follows, or -errno.
	 * times: how often it was in a row. */
	int (*renew)(void *arg, unsigned times);
	/* Closes it at once: a send stands in libvirtd, and QEMU is about to end. */
	void (*end)(void *arg);
};

int stuck_create(struct loop *loop, const struct stuck_orders *orders, void *arg,
	struct stuck **out) MUST_CHECK;
void stuck_destroy(struct stuck **s);

/* 1 when len bytes may be sent now; else pump follows. len is at most FEED_BURST. */
int stuck_may_send(struct stuck *s, size_t len);
void stuck_sending(struct stuck *s);
void stuck_sent(struct stuck *s, size_t len);
/* What was being sent was not given, and nothing is under way. */
void stuck_lost(struct stuck *s);
void stuck_closed(struct stuck *s);

/* What the guest does. */
void stuck_printed(struct stuck *s);
void stuck_rebooted(struct stuck *s);
void stuck_guest_is(struct stuck *s, enum stuck_guest guest);

/* What became of the orders. */
void stuck_answered(struct stuck *s, int error);
bool stuck_is_renewing(const struct stuck *s);
/* 1 when the guest was printing, so that something may be missing. */
int stuck_renewed(struct stuck *s);
void stuck_not_renewed(struct stuck *s);

#endif
