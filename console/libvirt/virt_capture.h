/*
 * The socket of a connection that libvirt opens.
 *
 * While a capture is active in a thread, the first socket that this thread registers with the
 * virt_loop is duplicated into it. Shutting the duplicate down breaks the connection, whatever
 * thread is stuck in it, without a race for a descriptor number that libvirt has closed meanwhile.
 */
#ifndef CONSOLE_LIBVIRT_VIRT_CAPTURE_H
#define CONSOLE_LIBVIRT_VIRT_CAPTURE_H

#include <stdatomic.h>

struct virt_capture {
	_Atomic int fd; /* -1 until known */
};

void virt_capture_init(struct virt_capture *c);
void virt_capture_begin(struct virt_capture *c); /* in the thread that calls virConnectOpen */
void virt_capture_end(void);

/* Ends the traffic both ways; any thread, any number of times, before virt_capture_finish. */
void virt_capture_break(struct virt_capture *c);

/* The duplicate, still the capture's; -1 when there is none. */
int virt_capture_fd(const struct virt_capture *c);

/* Closes the duplicate. The peer does not see the connection end before that. */
void virt_capture_finish(struct virt_capture *c);

/* For virt_loop: this thread registers a descriptor. */
void virt_capture_offer(int fd);

#endif
