/*
 * Orders to a guest that the hypervisor carries out: a line break, a non-maskable interrupt, and
 * what a power switch does.
 *
 * They run in a pool of their own: QEMU may hang in one, and with it a thread. A guest has one
 * order at a time; only an end by force does not wait for another one, which it may be the cure of.
 */
#ifndef CONSOLE_HYPERVISOR_HYPERVISOR_COMMAND_H
#define CONSOLE_HYPERVISOR_HYPERVISOR_COMMAND_H

#include "console/hypervisor/hypervisor.h"

struct hypervisor_command;

enum hypervisor_command_kind {
	HYPERVISOR_BREAK, /* into the character device of this alias */
	HYPERVISOR_NMI,
	HYPERVISOR_START,
	HYPERVISOR_START_PAUSED,
	HYPERVISOR_DESTROY,
	HYPERVISOR_RESET,    /* one that a panic has stopped runs again */
	HYPERVISOR_SHUTDOWN, /* asks the guest */
	HYPERVISOR_RESUME,
};

/* Runs once, on the loop, unless it was forgotten: 0, or -EACCES, -EOPNOTSUPP, -ENOTCONN, -EIO, and
 * what libvirt or QEMU said. The order is gone then. */
typedef void (*hypervisor_commanded_fn)(void *arg, int error, const char *text);

/* done NULL: as one that is forgotten. 0; -ENOTCONN while down, -EBUSY while another order for this
 * guest is under way, -EAGAIN too many of them, -EINVAL an alias that cannot be named to QEMU,
 * -ENOMEM. */
int hypervisor_command(struct hypervisor *h, enum hypervisor_command_kind kind,
	const struct uuid *uuid, const char *alias, hypervisor_commanded_fn done, void *arg,
	struct hypervisor_command **order) MUST_CHECK;

/* Why it was not given, for people. */
const char *hypervisor_command_refusal(int error);

/* The asker dies, or has lost patience; what has been ordered may still happen. */
void hypervisor_command_forget(struct hypervisor_command **order);
/* The same, of HYPERVISOR_START_PAUSED: the guest is resumed when it has been started. */
void hypervisor_command_forget_and_resume(struct hypervisor_command **order);

#endif
