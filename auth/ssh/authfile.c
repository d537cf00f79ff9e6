/*
 * Files that say who may come in.
 * Task: open one, check who may have written it, read it whole. Owner: nobody; the caller gets the
 * memory. May not know what is in them.
 */
#include "auth/ssh/authfile.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(char why[AUTHFILE_WHY_MAX], int rc, const char *text)
{
	snprintf(why, AUTHFILE_WHY_MAX, "%s", text);
	return rc;
}

static int check(
	const struct stat *st, enum authfile_trust trust, size_t max, char why[AUTHFILE_WHY_MAX])
{
	if (!S_ISREG(st->st_mode))
		return refuse(why, -EINVAL, "not a regular file");
	if (trust == AUTHFILE_OURS && st->st_uid != 0 && st->st_uid != geteuid())
		return refuse(why, -EPERM, "owned by neither root nor the daemon's user");
	if (trust != AUTHFILE_SIGNED && (st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return refuse(why, -EPERM, "writable by its group or by others");
	if ((unsigned long long)st->st_size > max)
		return refuse(why, -EFBIG, "too large");
	return 0;
}

/* Reads until the end: the size told by stat may have changed since. */
static int read_open(int fd, size_t max, char **data, size_t *len)
{
	size_t room = 16384;
	size_t have = 0;
	char *mem = (char *)malloc(room);

	while (mem != NULL) {
		ssize_t n = read(fd, mem + have, room - have - 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || have + (size_t)n > max) {
			int rc = n < 0 ? -errno : -EFBIG;

			free(mem);
			return rc;
		}
		have += (size_t)n;
		if (n == 0) {
			mem[have] = 0;
			*data = mem;
			*len = have;
			return 0;
		}
		if (have + 1 == room) {
			char *more = (char *)realloc(mem, room *= 2);

			if (more == NULL)
				break;
			mem = more;
		}
	}
	free(mem);
	return -ENOMEM;
}

int authfile_read(const char *path, enum authfile_trust trust, size_t max, char **data, size_t *len,
	char why[AUTHFILE_WHY_MAX])
{
	/* Without O_NONBLOCK a FIFO put in the file's place would hang the daemon. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	int rc;

	if (fd < 0)
		return refuse(why, -errno, strerror(errno));
	if (fstat(fd, &st) < 0) {
		rc = -errno;
		close(fd);
		return refuse(why, rc, strerror(-rc));
	}
	rc = check(&st, trust, max, why);
	if (rc == 0) {
		rc = read_open(fd, max, data, len);
		if (rc < 0)
			refuse(why, rc, rc == -EFBIG ? "too large" : strerror(-rc));
	}
	close(fd);
	return rc;
}

static int expand_one(const char *pattern, authfile_each_fn fn, void *arg)
{
	glob_t found;
	int rc = glob(pattern, 0, NULL, &found);

	if (rc == GLOB_NOMATCH)
		return 0;
	if (rc != 0)
		return rc == GLOB_NOSPACE ? -ENOMEM : -EIO;
	for (size_t i = 0; rc == 0 && i < found.gl_pathc; i++)
		rc = fn(arg, found.gl_pathv[i]);
	globfree(&found);
	return rc;
}

int authfile_expand(const char *const *patterns, size_t count, authfile_each_fn fn, void *arg)
{
	int rc = 0;

	for (size_t i = 0; rc >= 0 && i < count; i++) {
		if (strpbrk(patterns[i], "*?[") == NULL)
			rc = fn(arg, patterns[i]);
		else
			rc = expand_one(patterns[i], fn, arg);
	}
	return rc;
}
