/*
 * Reading a file that says who may come in. Such a file is believed only when nobody but root and
 * the daemon's own user can have written it (as OpenSSH's StrictModes).
 */
#ifndef AUTH_SSH_AUTHFILE_H
#define AUTH_SSH_AUTHFILE_H

#include "core/file/trust.h"

#include <stddef.h>

/*
 * Told about what was left out and why. file and why live only during the call; line is 1-based,
 * 0 when it is about the whole file. Both may hold foreign bytes: log_write escapes them.
 */
typedef void (*auth_report_fn)(void *arg, const char *file, unsigned line, const char *why);

#define AUTHFILE_WHY_MAX TRUST_WHY_MAX /* bytes of a reason, terminator included */

/* Of the file, and of every folder above it. */
enum authfile_trust {
	AUTHFILE_OURS,   /* owned by root or the daemon's user, not writable by others */
	AUTHFILE_SHUT,   /* not writable by group or others, whoever owns it */
	AUTHFILE_SIGNED, /* anybody's: what it says is signed */
};

/*
 * Reads a regular file of at most max bytes; *data is malloc'ed, with one NUL byte behind *len
 * bytes. 0 or -errno with the reason in why: -EPERM when others may have written it, -EFBIG.
 */
int authfile_read(const char *path, enum authfile_trust trust, size_t max, char **data, size_t *len,
	char why[AUTHFILE_WHY_MAX]) __attribute__((warn_unused_result));

/*
 * Calls fn for every file that the patterns name: plain paths, and glob(7) patterns in sorted
 * order. A plain path is passed on whether or not it exists, a folder is not looked into. Stops
 * at the first negative return, which is returned. 0, -ENOMEM.
 */
typedef int (*authfile_each_fn)(void *arg, const char *path);
int authfile_expand(const char *const *patterns, size_t count, authfile_each_fn fn, void *arg)
	__attribute__((warn_unused_result));

/*
 * The same for lists that refuse, where nothing found would mean that nothing is refused: a pattern
 * that matches no file, or goes through a folder that cannot be read, is told to report, and is
 * -EINVAL.
 */
int authfile_expand_all(const char *const *patterns, size_t count, authfile_each_fn fn, void *arg,
	auth_report_fn report, void *report_arg) __attribute__((warn_unused_result));

#endif
