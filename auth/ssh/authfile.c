/*
 * Files that say who may come in.
 * Task: open one, check who may have written it, read it whole. Owner: nobody; the caller gets the
 * memory. May not know what is in them.
 */
#include "auth/ssh/authfile.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdbool.h>
#include <stdint.h>
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

static int check(const struct stat *st, size_t max, char why[AUTHFILE_WHY_MAX])
{
	if (!S_ISREG(st->st_mode))
		return refuse(why, -EINVAL, "not a regular file");
	if ((unsigned long long)st->st_size > max)
		return refuse(why, -EFBIG, "too large");
	return 0;
}

static int open_file(
	const char *path, enum authfile_trust trust, int *fd, char why[AUTHFILE_WHY_MAX])
{
	switch (trust) {
	case AUTHFILE_OURS:
		return trust_open(path, TRUST_OURS, fd, why);
	case AUTHFILE_SHUT:
		return trust_open(path, TRUST_SHUT, fd, why);
	case AUTHFILE_SIGNED:
		break;
	}
	/* Without O_NONBLOCK a FIFO put in the file's place would hang the daemon. */
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (*fd < 0) {
		int rc = -errno;

		trust_unreadable(path, -rc, why);
		return rc;
	}
	return 0;
}

/* Reads until the end: the size told by stat may have changed since. */
static int read_open(int fd, size_t max, char **data, size_t *len)
{
	size_t room = 16384;
	size_t have = 0;
	char *mem = (char *)malloc(room);

	while (mem) {
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

			if (!more)
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
	struct stat st;
	int fd = -1;
	int rc = open_file(path, trust, &fd, why);

	if (rc < 0)
		return rc;
	if (fstat(fd, &st) < 0) {
		rc = -errno;
		close(fd);
		return refuse(why, rc, strerror(-rc));
	}
	rc = check(&st, max, why);
	if (rc == 0) {
		rc = read_open(fd, max, data, len);
		if (rc < 0)
			refuse(why, rc, rc == -EFBIG ? "too large" : strerror(-rc));
	}
	close(fd);
	return rc;
}

/* Whom to tell that something which is needed is not there. */
struct needed {
	auth_report_fn report;
	void *arg;
};

static bool is_pattern(const char *text)
{
	return strpbrk(text, "*?[") != NULL;
}

static int each(const glob_t *found, authfile_each_fn fn, void *arg)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < found->gl_pathc; i++)
		rc = fn(arg, found->gl_pathv[i]);
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
	rc = each(&found, fn, arg);
	globfree(&found);
	return rc;
}

int authfile_expand(const char *const *patterns, size_t count, authfile_each_fn fn, void *arg)
{
	int rc = 0;

	for (size_t i = 0; rc >= 0 && i < count; i++)
		rc = is_pattern(patterns[i]) ? expand_one(patterns[i], fn, arg)
					     : fn(arg, patterns[i]);
	return rc;
}

static int complain(const struct needed *n, const char *path, const char *text, int error)
{
	char why[AUTHFILE_WHY_MAX];

	snprintf(why, sizeof(why), "%s%s%s", text, error != 0 ? ": " : "",
		error != 0 ? strerror(error) : "");
	n->report(n->arg, path, 0, why);
	return -EINVAL;
}

static int check_folder(void *arg, const char *path)
{
	const struct needed *n = (const struct needed *)arg;
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		return 0;
	if (faccessat(AT_FDCWD, path, R_OK | X_OK, AT_EACCESS) == 0)
		return 0;
	return complain(n, path, "a list may stand in this folder, which cannot be read", errno);
}

/* glob() passes by what it cannot look into, and by a broken link. */
static int check_folders(const struct needed *n, const char *pattern)
{
	int rc = 0;

	for (const char *slash = strchr(pattern, '/'); rc == 0 && slash;
		slash = strchr(slash + 1, '/')) {
		char *folder = strndup(pattern, (size_t)(slash - pattern));

		if (!folder)
			return -ENOMEM;
		if (is_pattern(folder))
			rc = expand_one(folder, check_folder, (void *)(uintptr_t)n);
		free(folder);
	}
	return rc;
}

static int expand_needed(
	const struct needed *n, const char *pattern, authfile_each_fn fn, void *arg)
{
	glob_t found;
	int rc = check_folders(n, pattern);

	if (rc < 0)
		return rc;
	errno = 0;
	rc = glob(pattern, GLOB_ERR, NULL, &found);
	if (rc == GLOB_NOSPACE)
		return -ENOMEM;
	if (rc != 0)
		return complain(n, pattern,
			"no file matches this pattern, and nothing would be refused",
			rc == GLOB_NOMATCH ? 0 : errno);
	rc = each(&found, fn, arg);
	globfree(&found);
	return rc;
}

int authfile_expand_all(const char *const *patterns, size_t count, authfile_each_fn fn, void *arg,
	auth_report_fn report, void *report_arg)
{
	const struct needed n = {report, report_arg};
	int rc = 0;

	for (size_t i = 0; rc >= 0 && i < count; i++)
		rc = is_pattern(patterns[i]) ? expand_needed(&n, patterns[i], fn, arg)
					     : fn(arg, patterns[i]);
	return rc;
}
