/* Task: see error_text.h. Owner: nobody. Changes nothing that it looks at. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file/error_text.h"
#include "core/file/trust.h"

/* What has no place of its own on disk, or whose cure does not depend on the path. */
static const struct {
	int error;
	const char *cure;
} cures[] = {
	{EMFILE, "as many files are open as one process may have: raise LimitNOFILE= of the unit, "
		 "or ulimit -n"},
	{ENFILE, "as many files are open as this host may have: raise fs.file-max by sysctl"},
	{ENOMEM, "this host, or the control group of the service, has no memory left: see "
		 "MemoryMax= of the unit"},
	{ENOBUFS, "this host has no memory left for sockets"},
	{EISDIR, "it is a folder: move it away, or name another path"},
	{ELOOP, "it is a symbolic link, or leads through too many: name the file itself"},
	{ENAMETOOLONG, "choose a shorter path"},
	{EFBIG, "it is larger than it may be"},
	{EIO, "the disk fails: see dmesg"},
};

static const char *find_cure(int error)
{
	for (size_t i = 0; i < sizeof(cures) / sizeof(cures[0]); i++) {
		if (cures[i].error == error)
			return cures[i].cure;
	}
	return NULL;
}

__attribute__((format(printf, 3, 4))) static const char *say(
	char out[ERROR_TEXT_ROOM], int error, const char *format, ...)
{
	int n = snprintf(out, ERROR_TEXT_ROOM, "%s: ", strerror(error));
	va_list args;

	va_start(args, format);
	vsnprintf(out + n, (size_t)(ERROR_TEXT_ROOM - n), format, args);
	va_end(args);
	return out;
}

const char *error_text_shortage(int error, char out[ERROR_TEXT_ROOM])
{
	const char *cure = find_cure(error);

	if (cure)
		return say(out, error, "%s", cure);
	snprintf(out, ERROR_TEXT_ROOM, "%s", strerror(error));
	return out;
}

/* Where the way to a path ends. */
struct way {
	char there[PATH_MAX];   /* the last of it that is there: a folder above path, or path itself
				 */
	char missing[PATH_MAX]; /* the first that is not there, or is no folder; or "" */
	int entered;            /* this user gets as far as what is behind there */
};

static void walk(const char *path, struct way *way)
{
	struct stat st;
	const char *end = path;

	snprintf(way->there, sizeof(way->there), "%s", *path == '/' ? "/" : ".");
	way->missing[0] = '\0';
	while (*end) {
		way->entered = faccessat(AT_FDCWD, way->there, X_OK, AT_EACCESS) == 0;
		if (!way->entered)
			return;
		end += strspn(end, "/");
		end += strcspn(end, "/");
		snprintf(way->missing, sizeof(way->missing), "%.*s", (int)(end - path), path);
		if (stat(way->missing, &st) < 0 || (*end && !S_ISDIR(st.st_mode)))
			return;
		snprintf(way->there, sizeof(way->there), "%s", way->missing);
		way->missing[0] = '\0';
	}
}

/* This user may not do with it what is wanted. */
static const char *say_denied(const char *path, int error, int mode, char out[ERROR_TEXT_ROOM])
{
	char user[TRUST_USER_ROOM], owner[TRUST_USER_ROOM], bits[4];
	const char *what = mode & W_OK ? "write to" : mode & R_OK ? "read" : "use";
	struct stat st;

	trust_user_name(geteuid(), user);
	if (stat(path, &st) < 0)
		return say(out, error, "user %s may not %s %s", user, what, path);
	if (S_ISSOCK(st.st_mode))
		return say(out, error, "user %s may not connect to it (mode %04o): chmod a+rw %s",
			user, (unsigned)st.st_mode & 07777, path);
	if (mode == X_OK && st.st_uid != geteuid())
		return say(out, error,
			"user %s may not use %s, which belongs to user %s: chmod a+x %s", user,
			path, trust_user_name(st.st_uid, owner), path);
	if (st.st_uid != geteuid())
		return say(out, error,
			"user %s may not %s %s, which belongs to user %s: chown %s %s", user, what,
			path, trust_user_name(st.st_uid, owner), user, path);
	snprintf(bits, sizeof(bits), "%s%s%s", mode & R_OK ? "r" : "", mode & W_OK ? "w" : "",
		S_ISDIR(st.st_mode) || mode & X_OK ? "x" : "");
	return say(out, error, "user %s may not %s %s (mode %04o): chmod u+%s %s", user, what, path,
		(unsigned)st.st_mode & 07777, bits, path);
}

static const char *say_access(const struct way *way, int error, int mode, char out[ERROR_TEXT_ROOM])
{
	char user[TRUST_USER_ROOM];

	if (!way->entered)
		return say(out, error, "user %s may not enter the folder %s: chmod a+x %s",
			trust_user_name(geteuid(), user), way->there, way->there);
	return say_denied(way->there, error, way->missing[0] ? W_OK | X_OK : mode, out);
}

static const char *say_missing(
	const char *path, const struct way *way, int error, char out[ERROR_TEXT_ROOM])
{
	if (!way->missing[0] || strcmp(way->missing, path) == 0)
		return say(out, error, "make it, or mend the path");
	return say(out, error, "there is no folder %s: make it, or mend the path", way->missing);
}

static const char *say_no_folder(const struct way *way, int error, char out[ERROR_TEXT_ROOM])
{
	return say(out, error, "%s is a file, where a folder has to be: mend the path",
		way->missing[0] ? way->missing : way->there);
}

const char *error_text(const char *path, int error, int mode, char out[ERROR_TEXT_ROOM])
{
	struct way way;

	walk(path, &way);
	switch (error) {
	case EACCES:
		return say_access(&way, error, mode, out);
	case EPERM:
		return say(out, error, "it may not be changed: see lsattr -d %s", way.there);
	case ENOENT:
		return say_missing(path, &way, error, out);
	case ENOTDIR:
		return say_no_folder(&way, error, out);
	case EROFS:
		return say(out, error, "mount it for writing, and see ReadWritePaths= of the unit");
	case ENOSPC:
	case EDQUOT:
		return say(out, error, "make room: df -h %s; df -i %s", way.there, way.there);
	default:
		return error_text_shortage(error, out);
	}
}
