/* Task: see socket_path.h. Owner: the back end that opens. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/openat2.h>

#include "console/backend/socket_path.h"
#include "core/io.h"

#define PATH_BYTES_MAX 108 /* of sun_path */

/* --- below which folder --- */

/* Every component has a name, and none of them climbs. */
static bool is_plain(const char *rest)
{
	while (*rest) {
		size_t len = strcspn(rest, "/");

		if (len == 0 || (len == 1 && rest[0] == '.') ||
			(len == 2 && rest[0] == '.' && rest[1] == '.'))
			return false;
		rest += len;
		if (*rest == '/' && !*++rest)
			return false;
	}
	return true;
}

const char *socket_path_rest(const char *path, const struct config_list *dirs, const char **dir)
{
	size_t i;

	for (i = 0; i < dirs->count; i++) {
		size_t len = strlen(dirs->items[i]);

		while (len > 1 && dirs->items[i][len - 1] == '/')
			len--;
		if (strncmp(path, dirs->items[i], len) != 0 || path[len] != '/' || !path[len + 1])
			continue;
		*dir = dirs->items[i];
		return is_plain(path + len + 1) ? path + len + 1 : NULL;
	}
	return NULL;
}

/* --- walking --- */

static int open_beneath(int folder, const char *rest, uint64_t flags)
{
	struct open_how how = {.flags = flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
	int fd = (int)syscall(SYS_openat2, folder, rest, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

static const char *group_name(gid_t gid, char buffer[64])
{
	char space[4096];
	struct group group, *found = NULL;

	if (getgrgid_r(gid, &group, space, sizeof(space), &found) == 0 && found)
		snprintf(buffer, 64, "%s", found->gr_name);
	else
		snprintf(buffer, 64, "%u", (unsigned)gid);
	return buffer;
}

/* Which group would open it, if there is one. need: the bit of the group that is asked for. */
static void say_denied(
	const char *path, const struct stat *st, mode_t need, char text[SOCKET_TEXT_MAX])
{
	char group[64];

	if (st->st_mode & need)
		snprintf(text, SOCKET_TEXT_MAX, "needs group %s on %s",
			group_name(st->st_gid, group), path);
	else
		snprintf(text, SOCKET_TEXT_MAX, "%s is closed to its group too: mode %04o", path,
			(unsigned)st->st_mode & 07777);
}

/* The walk was not allowed: the last folder that could be seen is the one that stops it. */
static void say_unreachable(const char *path, char text[SOCKET_TEXT_MAX])
{
	char part[PATH_BYTES_MAX];
	struct stat st, last = {0};
	size_t end = 0, seen = 1;

	snprintf(part, sizeof(part), "%s", path);
	while (path[end]) {
		end += 1 + strcspn(path + end + 1, "/");
		part[end] = '\0';
		if (stat(part, &st) < 0)
			break;
		last = st;
		seen = end;
		part[end] = path[end];
	}
	part[seen] = '\0';
	say_denied(part, &last, S_IXGRP, text);
}

static int fail(int error, const char *path, char text[SOCKET_TEXT_MAX])
{
	if (error == -EACCES)
		say_unreachable(path, text);
	else if (error == -ELOOP || error == -EXDEV)
		snprintf(text, SOCKET_TEXT_MAX, "there is a symbolic link in %s", path);
	else
		snprintf(text, SOCKET_TEXT_MAX, "%s: %s", path, strerror(-error));
	return error;
}

static int check_folder(int folder, const char *path, char text[SOCKET_TEXT_MAX])
{
	struct stat st;

	if (fstat(folder, &st) < 0)
		return fail(-errno, path, text);
	if (!(st.st_mode & S_IWOTH))
		return 0;
	snprintf(text, SOCKET_TEXT_MAX, "everybody may write to the folder of %s", path);
	return -EPERM;
}

int socket_path_folder(const char *path, const struct config_list *dirs, int *folder,
	const char **name, char text[SOCKET_TEXT_MAX])
{
	char parent[PATH_BYTES_MAX];
	const char *dir, *rest = socket_path_rest(path, dirs, &dir), *slash;
	int fd, r;

	if (!rest || strlen(path) >= PATH_BYTES_MAX) {
		snprintf(text, SOCKET_TEXT_MAX, "%s is not below unix_dirs", *path ? path : "it");
		return -EINVAL;
	}
	fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail(-errno, path, text);
	slash = strrchr(rest, '/');
	if (slash) {
		int above = fd;

		snprintf(parent, sizeof(parent), "%.*s", (int)(slash - rest), rest);
		fd = open_beneath(above, parent, O_PATH | O_DIRECTORY);
		close(above);
		if (fd < 0)
			return fail(fd, path, text);
	}
	r = check_folder(fd, path, text);
	if (r < 0) {
		close(fd);
		return r;
	}
	*folder = fd;
	*name = slash ? slash + 1 : rest;
	return 0;
}

int socket_path_open(const char *path, const struct config_list *dirs, int *fd, struct stat *st,
	char text[SOCKET_TEXT_MAX])
{
	const char *name = NULL;
	int folder = -1, found, r = socket_path_folder(path, dirs, &folder, &name, text);

	if (r < 0)
		return r;
	found = open_beneath(folder, name, O_PATH);
	close(folder);
	if (found < 0)
		return fail(found, path, text);
	r = fstat(found, st) < 0 ? -errno : S_ISSOCK(st->st_mode) ? 0 : -ENOTSOCK;
	if (r < 0) {
		close(found);
		return fail(r, path, text);
	}
	*fd = found;
	return 0;
}

/* --- connecting --- */

int socket_path_connect(int fd, const char *path, int *connected, char text[SOCKET_TEXT_MAX])
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat st;
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), r = 0;

	if (s < 0)
		return fail(-errno, path, text);
	/* The very socket that was looked at, whatever the path has come to mean meanwhile. */
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d", fd);
	if (connect(s, (struct sockaddr *)&address, sizeof(address)) < 0)
		r = -errno;
	if (r == 0) {
		*connected = s;
		return 0;
	}
	close(s);
	if (r == -EACCES && fstat(fd, &st) == 0)
		say_denied(path, &st, S_IWGRP, text);
	else if (r == -ECONNREFUSED)
		snprintf(text, SOCKET_TEXT_MAX, "nobody listens on %s", path);
	else
		(void)fail(r, path, text);
	return r;
}
