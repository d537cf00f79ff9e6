/* Task: small helpers around descriptors and files. Knows nothing else. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/io.h"

void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int fd_nonblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

int write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int read_fd(int fd, size_t max, char **data, size_t *len)
{
	size_t room = 4096, used = 0;
	char *mem = malloc(room + 1);

	while (mem) {
		ssize_t n = read(fd, mem + used, room - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || used + (size_t)n > max) {
			int error = n < 0 ? errno : EFBIG;

			free(mem);
			return -error;
		}
		used += (size_t)n;
		if (n == 0) {
			mem[used] = '\0';
			*data = mem;
			*len = used;
			return 0;
		}
		if (used == room) {
			char *more = realloc(mem, room * 2 + 1);

			if (!more)
				free(mem);
			mem = more;
			room *= 2;
		}
	}
	return -ENOMEM;
}

int read_file(const char *path, size_t max, char **data, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int r;

	if (fd < 0)
		return -errno;
	r = read_fd(fd, max, data, len);
	close(fd);
	return r;
}

static int write_and_sync(const char *path, const void *data, size_t len, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	int r;

	if (fd < 0)
		return -errno;
	r = write_all(fd, data, len);
	if (!r && fsync(fd) < 0)
		r = -errno;
	if (close(fd) < 0 && !r)
		r = -errno;
	return r;
}

int write_file(const char *path, const void *data, size_t len, mode_t mode)
{
	char temporary[PATH_MAX];
	int r;

	if ((size_t)snprintf(temporary, sizeof(temporary), "%s.new", path) >= sizeof(temporary))
		return -ENAMETOOLONG;
	r = write_and_sync(temporary, data, len, mode);
	if (!r && rename(temporary, path) < 0)
		r = -errno;
	if (r)
		unlink(temporary);
	return r;
}

/* Whatever the umask is: the folder gets mode when it is made here. */
static int make_dir(const char *path, mode_t mode)
{
	if (mkdir(path, mode) < 0)
		return errno == EEXIST ? 0 : -errno;
	return chmod(path, mode) < 0 ? -errno : 0;
}

int make_dirs(const char *path, mode_t mode)
{
	char part[PATH_MAX];
	char *p;
	int r = 0;

	if ((size_t)snprintf(part, sizeof(part), "%s", path) >= sizeof(part))
		return -ENAMETOOLONG;
	for (p = part + 1; *p && !r; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		r = make_dir(part, mode);
		*p = '/';
	}
	return r ? r : make_dir(part, mode);
}
