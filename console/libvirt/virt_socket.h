/*
 * The socket of a connection that libvirt opens.
 *
 * Between virt_socket_begin and virt_socket_end, the first socket that this thread registers with
 * the virt_loop is duplicated into it. Shutting the duplicate down breaks the connection, whatever
 * thread is stuck in it, without a race for a descriptor number that libvirt has closed meanwhile.
 */
#ifndef CONSOLE_LIBVIRT_VIRT_SOCKET_H
#define CONSOLE_LIBVIRT_VIRT_SOCKET_H

#include <stdatomic.h>

struct virt_socket {
	_Atomic int fd; /* -1 until known */
};

void virt_socket_init(struct virt_socket *c);
void virt_socket_begin(struct virt_socket *c); /* in the thread that calls virConnectOpen */
void virt_socket_end(void);

/* Ends the traffic both ways; any thread, any number of times, before virt_socket_finish. */
void virt_socket_break(struct virt_socket *c);

/* The duplicate, still its own; -1 when there is none. */
int virt_socket_fd(const struct virt_socket *c);

/* Closes the duplicate. The peer does not see the connection end before that. */
void virt_socket_finish(struct virt_socket *c);

/* For virt_loop: this thread registers a descriptor. */
void virt_socket_offer(int fd);

#endif
