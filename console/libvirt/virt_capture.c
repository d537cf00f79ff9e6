/*
 * Task: keep hold of the socket below a libvirt connection. Owner: whoever opens the connection.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "console/libvirt/virt_capture.h"
#include "core/io.h"

static _Thread_local struct virt_capture *capture;

void virt_capture_init(struct virt_capture *c)
{
	atomic_init(&c->fd, -1);
}

void virt_capture_begin(struct virt_capture *c)
{
	capture = c;
}

void virt_capture_end(void)
{
	capture = NULL;
}

int virt_capture_fd(const struct virt_capture *c)
{
	return atomic_load(&c->fd);
}

void virt_capture_break(struct virt_capture *c)
{
	int fd = virt_capture_fd(c);

	if (fd >= 0)
		(void)shutdown(fd, SHUT_RDWR);
}

void virt_capture_finish(struct virt_capture *c)
{
	int fd = atomic_exchange(&c->fd, -1);

	fd_close(&fd);
}

void virt_capture_offer(int fd)
{
	struct stat st;

	if (!capture || atomic_load(&capture->fd) >= 0 || fstat(fd, &st) < 0 ||
		!S_ISSOCK(st.st_mode))
		return;
	atomic_store(&capture->fd, fcntl(fd, F_DUPFD_CLOEXEC, 3));
}
