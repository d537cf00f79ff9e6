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
 * Bulk: libvirt's client reads one message per event, and a console under flood sends hundreds of
 * tiny ones a second. So a ready descriptor is served again while more is waiting, and after a
 * quick run of messages it is left alone for VIRT_HOLD_US, during which they gather. What comes
 * after a pause is served at once.
 */
#ifndef CONSOLE_VIRT_LOOP_H
#define CONSOLE_VIRT_LOOP_H

#include "core/loop.h"

struct virt_loop;

#define VIRT_HOLD_US 1000
#define VIRT_BURST 16         /* messages in quick succession that make bulk */
#define VIRT_BURST_GAP_US 250 /* a longer pause ends it */
#define VIRT_BURST_KEEP 3     /* fewer messages in one hold end it */
#define VIRT_ROUNDS_MAX 32    /* messages of one descriptor in a turn */
#define VIRT_TURN_MAX 256     /* messages of all descriptors in a turn */

/* Initialises libvirt, silences its error printer (errors are taken per thread where they occur)
 * and becomes its event loop. -EBUSY when there is one already. Before any other libvirt call. */
int virt_loop_create(struct loop *loop, struct virt_loop **v) MUST_CHECK;

/* All connections must be closed. Threads that hang inside libvirt find no loop afterwards. */
void virt_loop_destroy(struct virt_loop **v);

/* Handles and timeouts registered now; for tests. */
size_t virt_loop_count(const struct virt_loop *v);

#endif
