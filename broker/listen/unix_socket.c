/* Task: see unix_socket.h. No state. */
#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "broker/listen/unix_socket.h"
#include "core/io.h"
#include "core/file/error_text.h"
#include "core/file/trust.h"

#define NO_GROUP ((gid_t) - 1)

__attribute__((format(printf, 4, 5))) static int fail(int error, const struct config_address *a,
	char why[LISTENER_WHY_MAX], const char *format, ...)
{
	char text[LISTENER_WHY_MAX - CONFIG_ADDRESS_TEXT_MAX - 32];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(why, LISTENER_WHY_MAX, "cannot listen on %s: %s", a->text, text);
	return -error;
}

static struct sockaddr_un place_of(const struct config_address *a)
{
	struct sockaddr_un sa;

	memcpy(&sa, &a->sa, sizeof(sa));
	return sa;
}

/* --- what stands in the way --- */

/* Whoever can change the folder can put a socket of his own there, and gets the tickets. */
static int check_folder(const struct config_address *a, char why[LISTENER_WHY_MAX])
{
	struct sockaddr_un sa = place_of(a);
	char reason[TRUST_WHY_MAX], room[ERROR_TEXT_ROOM], *folder = dirname(sa.sun_path);
	int r = trust_path(folder, reason);

	if (r < 0)
		return fail(-r == EACCES ? EPERM : -r, a, why, "%s: %s", folder, reason);
	if (access(folder, W_OK | X_OK) < 0)
		return fail(
			EPERM, a, why, "%s", error_text(place_of(a).sun_path, errno, W_OK, room));
	return 0;
}

/* 0: there is nothing; 1: a socket that nobody listens on, left from a killed daemon. */
static int look(const struct config_address *a, char why[LISTENER_WHY_MAX])
{
	const struct sockaddr_un sa = place_of(a);
	int fd FD_AUTO = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct stat st;

	if (fd < 0)
		return fail(errno, a, why, "%s", strerror(errno));
	if (lstat(sa.sun_path, &st) < 0)
		return errno == ENOENT ? 0 : fail(errno, a, why, "%s", strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return fail(EEXIST, a, why, "there is a file that is no socket: remove it");
	if (connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) == 0 || errno == EAGAIN)
		return fail(EADDRINUSE, a, why, "another program listens there");
	if (errno == ECONNREFUSED)
		return 1;
	return fail(errno == EACCES ? EPERM : errno, a, why, "%s", strerror(errno));
}

static int find_group(
	const struct config_address *a, const char *name, gid_t *group, char why[LISTENER_WHY_MAX])
{
	struct group entry, *found = NULL;
	char room[16384];

	*group = NO_GROUP;
	if (!*name)
		return 0;
	if (getgrnam_r(name, &entry, room, sizeof(room), &found) != 0 || !found)
		return fail(ESRCH, a, why, "there is no group %.64s", name);
	*group = found->gr_gid;
	return 0;
}

/* As look() says. */
static int prepare(
	const struct config_address *a, const char *group, gid_t *gid, char why[LISTENER_WHY_MAX])
{
	int r = find_group(a, group, gid, why);

	if (r == 0)
		r = check_folder(a, why);
	return r < 0 ? r : look(a, why);
}

int unix_socket_try(const struct config_address *a, const char *group, char why[LISTENER_WHY_MAX])
{
	gid_t gid;
	int r = prepare(a, group, &gid, why);

	return r < 0 ? r : 0;
}

/* --- the socket --- */

static int set_mode(const struct config_address *a, const char *path, const char *name, gid_t group,
	char why[LISTENER_WHY_MAX])
{
	if (group != NO_GROUP && lchown(path, (uid_t)-1, group) < 0)
		return fail(errno, a, why,
			"its group cannot be %.64s: %s; the service's user must be a member "
			"(SupplementaryGroups= in its unit)",
			name, strerror(errno));
	if (chmod(path, group != NO_GROUP ? 0660 : 0600) < 0)
		return fail(errno, a, why, "%s", strerror(errno));
	return 0;
}

static int remember(
	const struct config_address *a, const char *path, struct unix_socket_file *file, char *why)
{
	struct stat st;

	file->path = lstat(path, &st) == 0 ? strdup(path) : NULL;
	if (!file->path)
		return fail(errno, a, why, "%s", strerror(errno));
	file->dev = st.st_dev;
	file->ino = st.st_ino;
	return 0;
}

/* Until it listens nobody can connect, whatever its mode is by then. */
static int set_up(int fd, const struct config_address *a, const char *name, gid_t group,
	struct unix_socket_file *file, char why[LISTENER_WHY_MAX])
{
	const struct sockaddr_un sa = place_of(a);
	char room[ERROR_TEXT_ROOM];
	int r;

	if (bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		return fail(errno, a, why, "%s", error_text(sa.sun_path, errno, W_OK, room));
	r = remember(a, sa.sun_path, file, why);
	if (r == 0)
		r = set_mode(a, sa.sun_path, name, group, why);
	if (r == 0 && listen(fd, LISTENER_BACKLOG) < 0)
		r = fail(errno, a, why, "%s", strerror(errno));
	return r;
}

int unix_socket_open(const struct config_address *a, const char *group,
	struct unix_socket_file *file, char why[LISTENER_WHY_MAX])
{
	gid_t gid;
	int fd, r = prepare(a, group, &gid, why);

	*file = (struct unix_socket_file){0};
	if (r == 1 && unlink(place_of(a).sun_path) < 0)
		r = fail(errno, a, why, "%s", strerror(errno));
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(errno, a, why, "%s", strerror(errno));
	r = set_up(fd, a, group, gid, file, why);
	if (r == 0)
		return fd;
	close(fd);
	unix_socket_remove(file);
	return r;
}

void unix_socket_remove(struct unix_socket_file *file)
{
	struct stat st;

	if (!file->path)
		return;
	if (lstat(file->path, &st) == 0 && st.st_dev == file->dev && st.st_ino == file->ino)
		(void)unlink(file->path);
	free(file->path);
	file->path = NULL;
}
