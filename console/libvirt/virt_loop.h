/*
 * libvirt's event loop (virEventRegisterImpl) on ours.
 *
 * libvirt registers descriptors and timeouts from whatever thread makes a call; nearly all of them
 * come from job threads. They go into an epoll descriptor of its own, in the calling thread and
 * under a mutex, and that descriptor is watched by the loop as one. Callbacks run on the loop's
 * thread only.
 *
 * libvirt takes one event implementation for the life of the process, with no context argument:
 * there can be one virt_loop at a time.
 *
 * Bulk: libvirtd sends a flood in messages of some twenty bytes, one for each time it wakes, and
 * both sides pay for each. So after a quick run of messages a descriptor is left alone for a while,
 * which grows as the flood lasts: the messages gather, and libvirtd, which waits while the socket
 * is full, makes larger ones of what piles up in the guest's terminal (docs/hypervisors.md has the
 * figures). What comes after a pause is served at once. A new descriptor is not left alone: QEMU
 * notices that somebody reads a terminal up to a second late, and until then throws away what does
 * not fit into it.
 */
#ifndef CONSOLE_LIBVIRT_VIRT_LOOP_H
#define CONSOLE_LIBVIRT_VIRT_LOOP_H

#include "core/loop.h"

struct virt_loop;

#define VIRT_BURST 16          /* messages in quick succession that make bulk */
#define VIRT_BURST_GAP_US 250  /* a longer pause ends it */
#define VIRT_HOLD_MIN_US 1000  /* left alone for so long at first, */
#define VIRT_HOLD_MAX_US 10000 /* and twice as long each time, up to this */
#define VIRT_YOUNG_US 1500000  /* a descriptor is not left alone before it is so old */
#define VIRT_HOLD_BYTES 16384  /* more than this in one hold: the next one is shorter */
#define VIRT_KEEP_MESSAGES 2   /* fewer messages and fewer bytes for each millisecond of a */
#define VIRT_KEEP_BYTES 128    /* hold: the next message is served as it comes */
#define VIRT_READY_MAX 64      /* messages in a turn: of all descriptors that are ready, */
#define VIRT_HELD_MAX 128      /* and of all that were left alone until now; some 20 us each */

/* Initialises libvirt, silences its error printer (errors are taken per thread where they occur),
 * forbids it to start daemons, and becomes its event loop. -EBUSY when there is one already.
 * Before any other libvirt call and before any thread: it sets an environment variable. */
int virt_loop_create(struct loop *loop, struct virt_loop **virt) MUST_CHECK;

/* All connections must be closed. Threads that hang inside libvirt find no loop afterwards. */
void virt_loop_destroy(struct virt_loop **virt);

/* Handles and timeouts registered now; for tests. */
size_t virt_loop_count(const struct virt_loop *v);

#endif
