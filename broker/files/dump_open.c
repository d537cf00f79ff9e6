/*
 * Task: open files of dump folders. Owner: nobody; no state.
 *
 * Whoever may write a dump folder may put anything there, and swap it at any time. So a name is
 * resolved once, to a descriptor that opens nothing (O_PATH); what it is, is seen there; and that
 * very file is opened for reading.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "broker/files/dump_open.h"
#include "core/io.h"

int dump_open_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int resolve(int folder, const char *name)
{
	struct open_how how = {.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV};
	int fd = (int)syscall(SYS_openat2, folder, name, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

/* The file behind a descriptor that opens nothing. Who holds a lease on it for writing would have
 * us wait until he gives it up; so we do not. */
static int reopen(int path)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", path);
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

int dump_open_file(int folder, const char *name, struct stat *st)
{
	FD_AUTO int path = resolve(folder, name);
	int fd;

	if (path < 0)
		return path;
	if (fstat(path, st) < 0)
		return -errno;
	if (!S_ISREG(st->st_mode))
		return S_ISLNK(st->st_mode) ? -ELOOP : -EINVAL;
	if (st->st_nlink != 1)
		return -EMLINK;
	fd = reopen(path);
	if (fd >= 0 && fstat(fd, st) < 0) {
		close(fd);
		return -EIO;
	}
	return fd;
}

bool dump_is_growing(int fd, const struct stat *st)
{
	/* A lease for reading is given only when nobody has the file open for writing. Who opens
	 * it meanwhile makes a signal, by default SIGIO, which would end us. */
	(void)fcntl(fd, F_SETSIG, SIGURG);
	if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
		(void)fcntl(fd, F_SETLEASE, F_UNLCK);
		return false;
	}
	if (errno == EAGAIN)
		return true;
	/* It is another's, or the file system has no leases. */
	return st->st_mtime > time(NULL) - DUMP_SETTLED_S;
}
