/*
 * Standard input, output and error without blocking, and without O_NONBLOCK on descriptors that
 * other processes share: a terminal or pipe is opened again (/proc/self/fd), a socket is asked not
 * to wait, a file never makes one wait long.
 */
#ifndef CTL_STREAM_H
#define CTL_STREAM_H

#include <stddef.h>
#include <sys/types.h>

enum stream_kind {
	STREAM_OWN,    /* opened again, non-blocking */
	STREAM_SOCKET, /* MSG_DONTWAIT */
	STREAM_SHARED, /* blocking: little at a time, after poll() */
	STREAM_FILE,
};

struct stream {
	int fd;
	enum stream_kind kind;
};

/* fd: 0, 1 or 2. Never fails: at worst the stream is STREAM_SHARED. */
void stream_init(struct stream *s, int fd);
void stream_finish(struct stream *s);

/* As read(2) and write(2), -errno instead of -1; -EAGAIN: poll. Part of len may be done. */
ssize_t stream_read(struct stream *s, void *data, size_t len);
ssize_t stream_write(struct stream *s, const void *data, size_t len);

#endif
