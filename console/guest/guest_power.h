/*
 * The power switch of a guest: on, off, reset, shutdown.
 *
 * Whoever watches one of the guest's consoles is told who has done what; their histories get a mark
 * of it. It is done when what is known of the guest says so too, so that a question asked behind it
 * is answered by the new state.
 */
#ifndef CONSOLE_GUEST_GUEST_POWER_H
#define CONSOLE_GUEST_GUEST_POWER_H

#include <stdbool.h>

#include "core/loop.h"

struct console;
struct guest;
struct guest_power;

#define POWER_ORDER_US (60 * LOOP_SECOND)  /* for the hypervisor to do it */
#define POWER_CONSOLE_US (5 * LOOP_SECOND) /* for a console that is watched to open */

enum power_kind {
	POWER_ON,
	POWER_OFF, /* by force */
	POWER_RESET,
	POWER_SHUTDOWN, /* asks the guest */
	POWER_START_PAUSED,
	POWER_RESUME,
};

const char *power_name(enum power_kind kind); /* "start-paused" */
/* 0 or -EINVAL. */
int power_parse(const char *word, enum power_kind *kind) MUST_CHECK;

struct power_wish {
	enum power_kind kind;
	const char *who; /* copied; named in marks and notices */
	/*
	 * NULL, or one that the asker watches till the end, and whose output is not to be missed:
	 * of a guest that is on, nothing is done before it is open; if it does not open, it is done
	 * all the same. One that starts is waited for.
	 */
	struct console *console;
	bool from_first; /* ON: nothing runs before the console is open */
	bool till_off;   /* SHUTDOWN: done when the guest is off */
};

/*
 * Runs once, on the loop, unless it was cancelled; the power is gone then. 0 and what has become of
 * the guest ("was reset", "is off already"), to go behind its name; or why not: -EBUSY another
 * order is under way, -EACCES the hypervisor does not let us, -ENOTCONN its state does not allow
 * it, or the hypervisor is away, -ETIMEDOUT, -ECONNABORTED (till_off) it has crashed, -EIO.
 */
typedef void (*power_done_fn)(void *arg, int error, const char *text);

/* Begins; done never runs before the return. 0 or -ENOMEM. */
int guest_power(struct guest *g, const struct power_wish *wish, power_done_fn done, void *arg,
	struct guest_power **out) MUST_CHECK;
/* What has been ordered may still happen; what was started paused to be seen from the first byte
 * runs. */
void guest_power_cancel(struct guest_power **power);

#endif
