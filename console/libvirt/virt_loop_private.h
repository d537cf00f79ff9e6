/*
 * What virt_loop.c (registering, from any thread) and virt_dispatch.c (serving, on the loop) share.
 *
 * Every function here is called with virt_lock held.
 */
#ifndef CONSOLE_LIBVIRT_VIRT_LOOP_PRIVATE_H
#define CONSOLE_LIBVIRT_VIRT_LOOP_PRIVATE_H

#include <pthread.h>

#include "console/libvirt/virt_loop.h"
#include "console/libvirt/virt_table.h"

/* Numbers of our own descriptors in epoll; those of sources are positive. */
#define VIRT_ID_KICK 0
#define VIRT_ID_TIMER (-1)

struct virt_loop {
	struct loop_io *io;
	int epoll_fd, kick_fd, timer_fd;
	struct virt_table table;
	struct virt_list ready, removed;
	size_t count;
	uint64_t round;
	uint64_t timer_set; /* what timer_fd is armed for, 0: not armed */
	bool kicked;        /* kick_fd is readable */
	pthread_t dispatcher;
	bool dispatching; /* what becomes ready is looked at before the loop sleeps */
};

extern pthread_mutex_t virt_lock;

void virt_kick(struct virt_loop *v);
void virt_unkick(struct virt_loop *v);
void virt_arm_timer(struct virt_loop *v);
void virt_unready(struct virt_loop *v, struct virt_source *s);
int virt_handle_apply(struct virt_loop *v, struct virt_source *s);
void virt_timeout_apply(struct virt_loop *v, struct virt_source *s, int ms);
void virt_make_ready(struct virt_loop *v, struct virt_source *s);
void virt_source_free(struct virt_source *s); /* without the lock, this one */

/* One turn: whatever is ready, once. The loop's callback. */
void virt_dispatch(void *arg, uint32_t revents);

#endif
