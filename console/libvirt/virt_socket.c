/*
 * Task: keep hold of the socket below a libvirt connection. Owner: whoever opens the connection.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "console/libvirt/virt_socket.h"
#include "core/io.h"

static _Thread_local struct virt_socket *current;

void virt_socket_init(struct virt_socket *c)
{
	atomic_init(&c->fd, -1);
}

void virt_socket_begin(struct virt_socket *c)
{
	current = c;
}

void virt_socket_end(void)
{
	current = NULL;
}

int virt_socket_fd(const struct virt_socket *c)
{
	return atomic_load(&c->fd);
}

void virt_socket_break(struct virt_socket *c)
{
	int fd = virt_socket_fd(c);

	if (fd >= 0)
		(void)shutdown(fd, SHUT_RDWR);
}

void virt_socket_finish(struct virt_socket *c)
{
	int fd = atomic_exchange(&c->fd, -1);

	fd_close(&fd);
}

void virt_socket_offer(int fd)
{
	struct stat st;

	if (!current || atomic_load(&current->fd) >= 0 || fstat(fd, &st) < 0 ||
		!S_ISSOCK(st.st_mode))
		return;
	atomic_store(&current->fd, fcntl(fd, F_DUPFD_CLOEXEC, 3));
}
