/* Task: owner and mode of a path and of all on the way to it. Owner: nobody. Knows no use of it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/io.h"
#include "core/file/trust.h"

#define DEPTH_MAX 64 /* folders above a path, each a descriptor while it is walked */
#define LINKS_MAX 40 /* as Linux */

enum owner { OWNER_US, OWNER_US_OR_ROOT, OWNER_ANY };

__attribute__((format(printf, 3, 4))) static int refuse(
	char why[TRUST_WHY_MAX], int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, TRUST_WHY_MAX, format, args);
	va_end(args);
	return -error;
}

const char *trust_user_name(uid_t uid, char out[TRUST_USER_ROOM])
{
	char room[4096];
	struct passwd entry, *found = NULL;

	if (getpwuid_r(uid, &entry, room, sizeof(room), &found) == 0 && found)
		snprintf(out, TRUST_USER_ROOM, "%s", found->pw_name);
	else
		snprintf(out, TRUST_USER_ROOM, "%u", (unsigned)uid);
	return out;
}

static int refuse_owner(const char *path, uid_t uid, enum owner own, char why[TRUST_WHY_MAX])
{
	char owner[TRUST_USER_ROOM], user[TRUST_USER_ROOM];

	trust_user_name(uid, owner);
	trust_user_name(geteuid(), user);
	return own == OWNER_US
		       ? refuse(why, EPERM, "it belongs to user %s and not to %s: chown %s %s",
				 owner, user, user, path)
		       : refuse(why, EPERM,
				 "it belongs to user %s, neither to root nor to %s: chown %s %s",
				 owner, user, user, path);
}

static bool is_owner(uid_t uid, enum owner owner)
{
	return owner == OWNER_ANY || uid == geteuid() || (owner == OWNER_US_OR_ROOT && uid == 0);
}

static int check_itself(
	const char *path, const struct stat *st, enum owner own, char why[TRUST_WHY_MAX])
{
	if (!is_owner(st->st_uid, own))
		return refuse_owner(path, st->st_uid, own, why);
	if (st->st_mode & 022)
		return refuse(why, EPERM, "others may write to it (mode %04o): chmod go-w %s",
			(unsigned)st->st_mode & 07777, path);
	return 0;
}

/* A folder or a symbolic link on the way. */
static int check_above(
	const char *place, const struct stat *st, enum owner own, char why[TRUST_WHY_MAX])
{
	const char *what = S_ISLNK(st->st_mode) ? "symbolic link" : "folder";
	const char *where = S_ISLNK(st->st_mode) ? "on the way to it" : "above it";
	char owner[TRUST_USER_ROOM];

	if (!is_owner(st->st_uid, own == OWNER_ANY ? OWNER_ANY : OWNER_US_OR_ROOT))
		return refuse(why, EPERM,
			"the %s %s %s belongs to user %s, who could replace it: chown %sroot %s",
			what, place, where, trust_user_name(st->st_uid, owner),
			S_ISLNK(st->st_mode) ? "-h " : "", place);
	if (S_ISDIR(st->st_mode) && (st->st_mode & 022) && !(st->st_mode & S_ISVTX))
		return refuse(why, EPERM,
			"others may write to the folder %s above it (mode %04o) and could replace "
			"it: chmod go-w %s",
			place, (unsigned)st->st_mode & 07777, place);
	return 0;
}

void trust_unreadable(const char *path, int error, char why[TRUST_WHY_MAX])
{
	char user[TRUST_USER_ROOM];

	if (error != EACCES) {
		snprintf(why, TRUST_WHY_MAX, "%s", strerror(error));
		return;
	}
	trust_user_name(geteuid(), user);
	snprintf(why, TRUST_WHY_MAX,
		"user %s may not read it: chown %s %s, and chmod a+x the folders above it", user,
		user, path);
}

/* --- the walk --- */

/* From "/" on, each step in the folder that was looked at before: what is checked is what is
 * reached, whatever somebody renames meanwhile. */
struct walk {
	enum owner own;
	char *why;               /* "": nothing is said yet */
	int folders[DEPTH_MAX];  /* "/" first */
	size_t ends[DEPTH_MAX];  /* of their names in place */
	size_t depth;            /* folders there are */
	char place[PATH_MAX];    /* where it is, without symbolic links */
	char rest[PATH_MAX];     /* what is still to be walked */
	char last[NAME_MAX + 1]; /* in the last folder; "": that folder itself */
	struct stat st;          /* of what was reached */
	unsigned links;
};

static void pop_to(struct walk *w, size_t depth)
{
	while (w->depth > depth)
		fd_close(&w->folders[--w->depth]);
	w->place[depth > 0 ? w->ends[depth - 1] : 0] = '\0';
}

static int push(struct walk *w, int fd, const char *name)
{
	size_t end = w->depth > 0 ? w->ends[w->depth - 1] : 0;
	int n = snprintf(w->place + end, sizeof(w->place) - end, "%s%s", *name ? "/" : "", name);

	if (w->depth == DEPTH_MAX || n < 0 || (size_t)n >= sizeof(w->place) - end) {
		fd_close(&fd);
		return -ENAMETOOLONG;
	}
	w->folders[w->depth] = fd;
	w->ends[w->depth++] = end + (size_t)n;
	return 0;
}

/* Whether there is a step behind this one. */
static bool has_more(const char *rest)
{
	for (; *rest; rest++) {
		if (*rest != '/' && !(*rest == '.' && (rest[1] == '/' || rest[1] == '\0')))
			return true;
	}
	return false;
}

/* The next name of rest, taken off it. */
static int next_name(struct walk *w, char name[NAME_MAX + 1])
{
	const char *from = w->rest + strspn(w->rest, "/");
	size_t len = strcspn(from, "/");

	if (len > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, from, len);
	name[len] = '\0';
	memmove(w->rest, from + len, strlen(from + len) + 1);
	return 0;
}

static int follow(struct walk *w, int link, const char *place)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(link, "", target, sizeof(target) - 1);
	size_t rest = strlen(w->rest);
	int r = check_above(place, &w->st, w->own, w->why);

	if (r < 0)
		return r;
	if (n <= 0)
		return n < 0 ? -errno : -ENOENT;
	if (++w->links > LINKS_MAX)
		return -ELOOP;
	if ((size_t)n + rest >= sizeof(w->rest))
		return -ENAMETOOLONG;
	if (*target == '/')
		pop_to(w, 1);
	memmove(w->rest + n, w->rest, rest + 1);
	memcpy(w->rest, target, (size_t)n);
	return 0;
}

static int enter(struct walk *w, int fd, const char *name, const char *place)
{
	int r = has_more(w->rest) ? check_above(place[0] ? place : "/", &w->st, w->own, w->why) : 0;

	if (r < 0) {
		fd_close(&fd);
		return r;
	}
	return push(w, fd, name);
}

/* Takes fd over. */
static int reach(struct walk *w, int fd, const char *name)
{
	char place[PATH_MAX + NAME_MAX + 2];
	int r = 0;

	snprintf(place, sizeof(place), "%s/%s", w->place, name);
	if (fstat(fd, &w->st) < 0)
		r = -errno;
	else if (S_ISDIR(w->st.st_mode))
		return enter(w, fd, name, place);
	else if (S_ISLNK(w->st.st_mode))
		r = follow(w, fd, place);
	else if (*w->rest)
		r = -ENOTDIR;
	else
		snprintf(w->last, sizeof(w->last), "%s", name);
	fd_close(&fd);
	return r;
}

static int step(struct walk *w, const char *name)
{
	int fd;

	if (!*name || strcmp(name, ".") == 0)
		return 0;
	if (strcmp(name, "..") == 0) {
		pop_to(w, w->depth > 1 ? w->depth - 1 : 1);
		return 0;
	}
	fd = openat(w->folders[w->depth - 1], name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : reach(w, fd, name);
}

static int begin(struct walk *w, const char *path)
{
	char here[PATH_MAX] = "";
	int fd;

	if (*path != '/' && !getcwd(here, sizeof(here)))
		return -errno;
	if (snprintf(w->rest, sizeof(w->rest), "%s/%s", here, path) >= (int)sizeof(w->rest))
		return -ENAMETOOLONG;
	fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &w->st) < 0) {
		fd_close(&fd);
		return -errno;
	}
	return enter(w, fd, "", "");
}

/* To the end of path, all above it checked. 0 or -errno; pop_to(w, 0) follows. */
static int walk(struct walk *w, const char *path, enum owner own, char why[TRUST_WHY_MAX])
{
	char name[NAME_MAX + 1];
	int r;

	*why = '\0';
	w->own = own;
	w->why = why;
	w->depth = 0;
	w->links = 0;
	w->st = (struct stat){0};
	*w->place = *w->last = *w->rest = '\0';
	r = begin(w, path);
	while (r == 0 && *w->rest) {
		r = next_name(w, name);
		if (r == 0)
			r = step(w, name);
	}
	if (r == 0 && w->depth > 0 && !*w->last && fstat(w->folders[w->depth - 1], &w->st) < 0)
		r = -errno;
	if (r < 0 && !*why)
		trust_unreadable(path, -r, why);
	return r;
}

static int check(const char *path, enum owner own, char why[TRUST_WHY_MAX])
{
	struct walk w;
	int r = walk(&w, path, own, why);

	if (r == 0)
		r = check_itself(path, &w.st, own, why);
	pop_to(&w, 0);
	return r;
}

/* Without O_NONBLOCK a FIFO put in the file's place would hang who opens it. */
#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

static int open_reached(struct walk *w, const char *path, int *out)
{
	int fd =
		openat(w->folders[w->depth - 1], *w->last ? w->last : ".", OPEN_FLAGS | O_NOFOLLOW);
	int r;

	if (fd < 0 || fstat(fd, &w->st) < 0) {
		r = -errno;
		trust_unreadable(path, -r, w->why);
	} else {
		r = check_itself(path, &w->st, w->own, w->why);
	}
	if (r < 0)
		fd_close(&fd);
	else
		*out = fd;
	return r;
}

int trust_open(const char *path, enum trust whose, int *fd, char why[TRUST_WHY_MAX])
{
	struct walk w;
	int r = walk(&w, path, whose == TRUST_SHUT ? OWNER_ANY : OWNER_US_OR_ROOT, why);

	if (r == 0)
		r = open_reached(&w, path, fd);
	pop_to(&w, 0);
	return r;
}

int trust_path(const char *path, char why[TRUST_WHY_MAX])
{
	return check(path, OWNER_US_OR_ROOT, why);
}

int trust_own(const char *path, char why[TRUST_WHY_MAX])
{
	return check(path, OWNER_US, why);
}
