/*
 * The files a client may see, as the server asks for them.
 *
 * The server knows no file system and opens nothing: it asks. Each operation is a query with a
 * number; the answer to it comes later, through sftpd_answer, scp_answer or sum_answer, and never
 * inside the call. So an operation can be one message on a line, and its answer another one.
 * Answers may come in any order; there is exactly one to each query (READ: one or more).
 *
 * Paths are absolute and normal (path.h). Reasons and names in answers are trusted as far as they
 * go into replies; attributes and counts are checked.
 */
#ifndef SSHD_SFTP_TREE_H
#define SSHD_SFTP_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sshd/sftp/path.h"
#include "sshd/sftp/taken.h"

#define TREE_LIST_MAX 256 /* entries in one answer */
#define TREE_OWNER_MAX 32 /* bytes of a user's or group's name */

struct tree_attr {
	uint64_t size;
	uint32_t mode; /* as st_mode: with its type */
	uint32_t uid, gid;
	int64_t atime, mtime; /* seconds since 1970 */
};

struct tree_entry {
	const char *name;
	const char *owner, *group; /* NULL: the number is shown */
	struct tree_attr attr;
};

/* As of statvfs(3). */
struct tree_space {
	uint64_t bsize, frsize, blocks, bfree, bavail, files, ffree, favail, fsid;
};

/* Which of these count depends on the query. Pointers are needed only during the call that
 * brings the answer. */
struct tree_answer {
	int error;          /* 0 or -errno */
	const char *reason; /* of an error, for the client; NULL: what error says */
	struct tree_attr attr;
	int fd;
	const struct tree_entry *entries;
	size_t count;
	uint64_t next;
	bool last;
	const void *data;
	size_t len;
	struct tree_space space;
	const char *const *names;
};

/*
 * 0: asked. -EAGAIN: cannot be asked now; the server's resume says when. Other -errno: the answer
 * is that error.
 */
typedef int (*tree_ask_fn)(void *arg, uint32_t query, const char *path);

/* The number of a server's next query: behind that of its last one, and never 0, which is none. */
static inline uint32_t tree_query_next(uint32_t *last)
{
	if (++*last == 0)
		++*last;
	return *last;
}

struct tree_ops {
	/* attr. follow: of what a link leads to. */
	int (*stat)(void *arg, uint32_t query, const char *path, bool follow);

	/*
	 * entries of a folder (without "." and ".."), from a place on: 0, or next of the answer
	 * before; at least one, unless it is the last. attr is the folder's own.
	 */
	int (*list)(void *arg, uint32_t query, const char *path, uint64_t from);

	/*
	 * attr and fd of a file. fd is for reading, and belongs to the server once the answer was
	 * taken; -1: what is no plain file is read through read(). attr.size is what the client is
	 * promised: as many bytes can be read, even when the file grows. The query's number is
	 * the file's name in read and close. A folder: error is -EISDIR, and attr the folder's.
	 */
	tree_ask_fn open;

	/* data: the bytes from offset on, in one or more answers; with the last one, len in all.
	 * Fewer, or an error, and the client is told that reading failed. */
	int (*read)(void *arg, uint32_t query, uint32_t file, uint64_t offset, uint32_t len);

	/* No query. taken: what the client got of it, for the audit. */
	void (*close)(void *arg, uint32_t file, const struct taken *taken);

	/* data: where a link leads. NULL: there are no links. */
	tree_ask_fn readlink;

	/* Removes a file. NULL: nobody may. */
	tree_ask_fn remove;

	/* space of the file system a path is on. NULL: there is none, neither used nor free. */
	tree_ask_fn space;

	/* names of users, then those of groups; in it NULL: no name. NULL: none has one. */
	int (*names)(void *arg, uint32_t query, const uint32_t *uids, size_t uid_count,
		const uint32_t *gids, size_t gid_count);

	/* No query: what was asked for would have changed something, and was refused. path is
	 * as the client wrote it, cut and terminated; "" when it named none. May be NULL. */
	void (*refused)(void *arg, const char *request, const char *path);
};

#endif
