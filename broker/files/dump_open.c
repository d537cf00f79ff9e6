/*
 * Task: open files of dump folders. Owner: nobody; no state.
 *
 * Whoever may write a dump folder may put anything there, and swap it at any time. So a name is
 * resolved once, to a descriptor that opens nothing (O_PATH); what it is, is seen there; and that
 * very file is opened for reading.
 *
 * A link to a file from elsewhere may be taken away between our look at the name and at the count
 * of links, which is 1 then. The descriptor knows the very link it came by: when that one is still
 * there after the count was 1, it was the only one. A removal that has begun takes the count before
 * the name; it holds the folder's lock meanwhile, so it is waited for in between.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdbool.h>
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

#define PROC_FD_MAX 64

static void proc_name(int fd, char name[PROC_FD_MAX])
{
	snprintf(name, PROC_FD_MAX, "/proc/self/fd/%d", fd);
}

/* Whether the link that a descriptor came by has that name still. Of one that was removed the
 * kernel says so behind the name. */
static bool still_called(int path, const char *name)
{
	char self[PROC_FD_MAX], text[PATH_MAX];
	const char *last;
	ssize_t len;

	proc_name(path, self);
	len = readlink(self, text, sizeof(text) - 1);
	if (len < 0)
		return false;
	text[len] = '\0';
	last = strrchr(text, '/');
	return last && strcmp(last + 1, name) == 0;
}

#define ENTRIES_ROOM 512 /* how many entries fit does not matter */

/* A removal in the folder that has begun is over then: reading a folder takes its lock. */
static int wait_for_removal(int folder)
{
	char entries[ENTRIES_ROOM];
	FD_AUTO int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	(void)syscall(SYS_getdents64, fd, entries, sizeof(entries));
	return 0;
}

/* The file behind a descriptor that opens nothing. Who holds a lease on it for writing would have
 * us wait until he gives it up; so we do not. */
static int reopen(int path)
{
	char name[PROC_FD_MAX];
	int fd;

	proc_name(path, name);
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

int dump_open_file(int folder, const char *name, struct stat *st)
{
	FD_AUTO int path = resolve(folder, name);
	int fd, r;

	if (path < 0)
		return path;
	if (fstat(path, st) < 0)
		return -errno;
	if (!S_ISREG(st->st_mode))
		return S_ISLNK(st->st_mode) ? -ELOOP : -EINVAL;
	if (st->st_nlink != 1)
		return -EMLINK;
	r = wait_for_removal(folder);
	if (r < 0)
		return r;
	if (!still_called(path, name))
		return -ESTALE;
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
