/*
 * Reading a guest's memory while it runs, or hangs.
 *
 * The hypervisor may take its time, so each has a connection and a thread of its own; one that does
 * not answer is broken off. Only what is the guest's memory is read, never an address at which a
 * device would notice. libvirt: virDomainMemoryPeek.
 */
#ifndef CONSOLE_HYPERVISOR_HYPERVISOR_PEEK_H
#define CONSOLE_HYPERVISOR_HYPERVISOR_PEEK_H

#include "console/domain/ram.h"
#include "console/hypervisor/hypervisor.h"

struct hypervisor_peek;

#define HYPERVISOR_PEEKS_MAX 4                /* at one hypervisor, */
#define HYPERVISOR_PEEKS_OWNER_MAX 2          /* and of them, of one owner */
#define HYPERVISOR_PEEK_MAX ((size_t)1 << 20) /* bytes read at once; the guest waits meanwhile */
#define HYPERVISOR_PEEK_US (20 * LOOP_SECOND) /* to open it, or to read once */

/* All on the loop, on later turns. error: 0, -EACCES, -EOPNOTSUPP, -ENOTCONN, -ETIMEDOUT, -EIO;
 * text: what libvirt said. With an error it is gone. */
struct hypervisor_peek_events {
	/* Once: what is memory. */
	void (*opened)(void *arg, int error, const char *text, const struct ram *ram);
	/* The window is filled. */
	void (*filled)(void *arg, int error, const char *text);
};

/* owner: whose it is; one that is forgotten is his until its last job has ended. 0; -ENOTCONN while
 * down, -EBUSY too many of them, -EDQUOT too many of this owner, -ENOMEM. */
int hypervisor_peek_open(struct hypervisor *h, const struct uuid *uuid, const char *owner,
	const struct hypervisor_peek_events *events, void *arg,
	struct hypervisor_peek **out) MUST_CHECK;

/* After opened, one at a time: writes memory to the beginning of a file, the window, which stays
 * the caller's until filled; what is no memory is zero. len: HYPERVISOR_PEEK_MAX at most. 0;
 * -EINVAL; -EAGAIN. */
int hypervisor_peek_fill(
	struct hypervisor_peek *p, uint64_t address, size_t len, int window) MUST_CHECK;

/* No event comes any more. NULL inside is fine. */
void hypervisor_peek_forget(struct hypervisor_peek **peek);

#endif
