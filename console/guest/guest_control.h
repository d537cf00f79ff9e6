/*
 * What is done to a guest beside typing: break, sysrq, non-maskable interrupt.
 *
 * A break overtakes what still waits to be read by the guest, and a fresh console throws one away.
 * So it is sent when the console has been open for a while and everything typed is gone; meanwhile
 * nobody else can type. The sysrq key follows it before anybody else's byte.
 */
#ifndef CONSOLE_GUEST_GUEST_CONTROL_H
#define CONSOLE_GUEST_GUEST_CONTROL_H

#include <stdint.h>

#include "core/loop.h"

struct console;
struct console_control;

#define CONTROL_SETTLE_US (1100 * LOOP_MSEC) /* a break sent earlier after opening is lost */
#define CONTROL_QUIET_US (100 * LOOP_MSEC)   /* after the last byte typed */
#define CONTROL_OPEN_US (10 * LOOP_SECOND)   /* for the console to open */
#define CONTROL_DRAIN_US (5 * LOOP_SECOND)   /* for what was typed to be taken */
#define CONTROL_ORDER_US (10 * LOOP_SECOND)  /* for the hypervisor to answer */

enum control_kind {
	CONTROL_BREAK,
	CONTROL_SYSRQ, /* break, then a key */
	CONTROL_NMI,
};

const char *control_name(enum control_kind kind); /* "break" */

/* Runs once, on the loop, unless it was cancelled; the control is gone then. 0, or -errno and why:
 * -EBUSY another one is under way, -EACCES the hypervisor does not let us, -ENOTCONN off, away or
 * not open, -ETIMEDOUT. */
typedef void (*control_done_fn)(void *arg, int error, const char *text);

/*
 * Begins; done never runs before the return. sysrq needs the console open: somebody must watch it
 * till the end. who (copied) is named in the journal's mark. 0, -EBUSY one is under way on this
 * console, -ENOMEM. To be cancelled before the console goes.
 */
int console_control(struct console *c, enum control_kind kind, uint8_t key, const char *who,
	control_done_fn done, void *arg, struct console_control **control) MUST_CHECK;
void console_control_cancel(struct console_control **control);

#endif
