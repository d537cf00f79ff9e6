/*
 * Whether a file or folder can be believed: nobody but root and this process's own user can have
 * put it there or changed it. As OpenSSH's StrictModes.
 */
#ifndef CORE_FILE_TRUST_H
#define CORE_FILE_TRUST_H

#include <sys/types.h>

#define TRUST_WHY_MAX 768 /* bytes of a reason, terminator included */

/*
 * path must belong to root or to the effective user, and neither its group nor others may write to
 * it; the same holds for every folder and symbolic link on the way to it, where a sticky folder may
 * be shared.
 * 0; -EPERM with what is wrong and the cure in why, as a sentence about path; or another -errno
 * (such as -ENOENT) with its text in why.
 */
int trust_path(const char *path, char why[TRUST_WHY_MAX]) __attribute__((warn_unused_result));

enum trust {
	TRUST_OURS, /* as trust_path */
	TRUST_SHUT, /* whoever owns it and what is on the way: for files of another service */
};

/* The same, and opens what was checked, for reading and without waiting. */
int trust_open(const char *path, enum trust whose, int *fd, char why[TRUST_WHY_MAX])
	__attribute__((warn_unused_result));

/* The same as trust_path, and path must be the effective user's own: for folders that we keep
 * things in. */
int trust_own(const char *path, char why[TRUST_WHY_MAX]) __attribute__((warn_unused_result));

#define TRUST_USER_ROOM 64

/* For people: "alice", or "4711" where nobody has that number. Returns out. */
const char *trust_user_name(uid_t uid, char out[TRUST_USER_ROOM]);

/* Why a file cannot be read (error: an errno): what to do about it when this user may not, else the
 * error's own words. */
void trust_unreadable(const char *path, int error, char why[TRUST_WHY_MAX]);

#endif
