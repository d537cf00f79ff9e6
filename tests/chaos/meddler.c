/* Stands between the broker and libc (LD_PRELOAD): what cannot be made for one process by other
 * means on a machine that others use. The clock jumps, the disk is slow or read-only, as a page
 * says that is shared with the program that makes the faults (struct meddling, meddler.py).
 * Only regular files count as disk, without standard error, which is the log. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile struct meddling {
	int64_t clock_ahead_s; /* of the real-time clock; may be negative */
	int64_t disk_delay_us; /* of each call that writes; ten times that of one that syncs */
	int64_t disk_error;    /* what such calls fail with, or 0 */
} nothing, *page = &nothing;

/* Other libraries may call before this; until then nothing is done to them. */
__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("VMC_MEDDLER");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *found = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*page), PROT_READ, MAP_SHARED, fd, 0);

	if (found == MAP_FAILED)
		abort();
	page = found;
	close(fd);
}

#define NEXT(name) ((typeof(&(name)))dlsym(RTLD_NEXT, #name))

/* --- the clock --- */

int clock_gettime(clockid_t clock, struct timespec *now)
{
	static typeof(&clock_gettime) next;
	int r;

	if (!next)
		next = NEXT(clock_gettime);
	r = next(clock, now);
	if (!r && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		now->tv_sec += page->clock_ahead_s;
	return r;
}

time_t time(time_t *where)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (where)
		*where = now.tv_sec;
	return now.tv_sec;
}

int gettimeofday(struct timeval *restrict when, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	*when = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
	return 0;
}

/* --- the disk --- */

static int meddle(int64_t times)
{
	int64_t delay = page->disk_delay_us * times;

	if (delay)
		usleep((useconds_t)delay);
	if (!page->disk_error)
		return 0;
	errno = (int)page->disk_error;
	return -1;
}

static int meddle_with(int fd, int64_t times)
{
	struct stat info;

	if (!page->disk_delay_us && !page->disk_error)
		return 0;
	if (fd == STDERR_FILENO || fstat(fd, &info) < 0 || !S_ISREG(info.st_mode))
		return 0;
	return meddle(times);
}

#define ON_FILE(type, name, times, parameters, ...)                                                \
	type name parameters                                                                       \
	{                                                                                          \
		return meddle_with(fd, times) < 0 ? -1 : NEXT(name)(__VA_ARGS__);                  \
	}

#define ON_PATH(name, parameters, ...)                                                             \
	int name parameters                                                                        \
	{                                                                                          \
		return meddle(1) < 0 ? -1 : NEXT(name)(__VA_ARGS__);                               \
	}

ON_FILE(ssize_t, write, 1, (int fd, const void *data, size_t size), fd, data, size)
ON_FILE(ssize_t, pwrite, 1, (int fd, const void *data, size_t size, off_t at), fd, data, size, at)
ON_FILE(int, ftruncate, 1, (int fd, off_t size), fd, size)
ON_FILE(int, fsync, 10, (int fd), fd)
ON_FILE(int, fdatasync, 10, (int fd), fd)
ON_PATH(mkdir, (const char *path, mode_t mode), path, mode)
ON_PATH(rename, (const char *from, const char *to), from, to)
ON_PATH(renameat2, (int from_dir, const char *from, int to_dir, const char *to, unsigned flags),
	from_dir, from, to_dir, to, flags)
ON_PATH(unlink, (const char *path), path)
ON_PATH(unlinkat, (int dir, const char *path, int flags), dir, path, flags)

static int changes(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT);
}

int openat(int dir, const char *path, int flags, ...)
{
	va_list more;
	mode_t mode;

	va_start(more, flags);
	mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
	va_end(more);
	return changes(flags) && meddle(1) < 0 ? -1 : NEXT(openat)(dir, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
	va_list more;
	mode_t mode;

	va_start(more, flags);
	mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
	va_end(more);
	return openat(AT_FDCWD, path, flags, mode);
}
