/* Task: read and write the three standard descriptors without waiting. Owner: the relay. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/stream.h"

/* What a terminal or pipe that poll() calls writable takes at once. */
#define SHARED_WRITE_MAX 256

void stream_init(struct stream *s, int fd)
{
	char path[32];
	struct stat st;
	int own;

	s->fd = fd;
	s->kind = STREAM_SHARED;
	if (fstat(fd, &st) < 0)
		return;
	if (S_ISSOCK(st.st_mode))
		s->kind = STREAM_SOCKET;
	else if (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode))
		s->kind = STREAM_FILE; /* opened again it would have an offset of its own */
	if (!S_ISFIFO(st.st_mode) && !isatty(fd))
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = open(path,
		(fd == STDIN_FILENO ? O_RDONLY : O_WRONLY) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (own < 0)
		return; /* a terminal of another user, say */
	s->fd = own;
	s->kind = STREAM_OWN;
}

void stream_finish(struct stream *s)
{
	if (s->kind == STREAM_OWN)
		close(s->fd);
	s->fd = -1;
	s->kind = STREAM_SHARED;
}

ssize_t stream_read(struct stream *s, void *data, size_t len)
{
	ssize_t n;

	do {
		n = s->kind == STREAM_SOCKET ? recv(s->fd, data, len, MSG_DONTWAIT)
					     : read(s->fd, data, len);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

ssize_t stream_write(struct stream *s, const void *data, size_t len)
{
	ssize_t n;

	if (s->kind == STREAM_SHARED && len > SHARED_WRITE_MAX)
		len = SHARED_WRITE_MAX;
	do {
		n = s->kind == STREAM_SOCKET ? send(s->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL)
					     : write(s->fd, data, len);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}
