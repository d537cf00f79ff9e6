/* Task: owner and mode of a path and of the folders above it. Owner: nobody. Knows no use of it. */
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/trust.h"

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

static int check_above(const char *folder, enum owner own, char why[TRUST_WHY_MAX])
{
	char owner[TRUST_USER_ROOM];
	struct stat st;

	if (stat(folder, &st) < 0)
		return refuse(why, errno, "%s: %s", folder, strerror(errno));
	if (!is_owner(st.st_uid, own == OWNER_ANY ? OWNER_ANY : OWNER_US_OR_ROOT))
		return refuse(why, EPERM,
			"the folder %s above it belongs to user %s, who could replace it: chown "
			"root %s",
			folder, trust_user_name(st.st_uid, owner), folder);
	if ((st.st_mode & 022) && !(st.st_mode & S_ISVTX))
		return refuse(why, EPERM,
			"others may write to the folder %s above it (mode %04o) and could replace "
			"it: chmod go-w %s",
			folder, (unsigned)st.st_mode & 07777, folder);
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

static int check(const char *path, enum owner own, char why[TRUST_WHY_MAX])
{
	char *real = realpath(path, NULL), *slash;
	struct stat st;
	int r;

	if (!real || stat(real, &st) < 0) {
		r = -errno;
		trust_unreadable(path, -r, why);
		free(real);
		return r;
	}
	r = check_itself(path, &st, own, why);
	while (r == 0 && (slash = strrchr(real, '/')) != real) {
		*slash = '\0';
		r = check_above(real, own, why);
	}
	if (r == 0)
		r = check_above("/", own, why);
	free(real);
	return r;
}

int trust_path(const char *path, char why[TRUST_WHY_MAX])
{
	return check(path, OWNER_US_OR_ROOT, why);
}

int trust_shut(const char *path, char why[TRUST_WHY_MAX])
{
	return check(path, OWNER_ANY, why);
}

int trust_own(const char *path, char why[TRUST_WHY_MAX])
{
	return check(path, OWNER_US, why);
}
