/*
 * The audit's file: whole lines appended, one file of them after another. Blocking: for one thread
 * at a time, which is not the loop's.
 */
#ifndef BROKER_AUDIT_AUDIT_FILE_H
#define BROKER_AUDIT_AUDIT_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define AUDIT_FILE_MODE 0600

/* A plain value; {.fd = -1} and a path begin it. */
struct audit_file {
	const char *path; /* borrowed */
	int fd;           /* -1: not open */
	uint64_t size;
	int torn; /* the last line is not whole, and could not be taken back */
};

/* Opens or makes it, 0600 whatever it was, whole lines in it. 0, -errno; -EINVAL: no plain file. */
int audit_file_open(struct audit_file *f) __attribute__((warn_unused_result));
void audit_file_close(struct audit_file *f);

/*
 * Appends lines (with their newlines): all of them or, as far as the file system lets us take back,
 * none. sync: they are on the disk when it returns 0. A file that somebody moved away is begun
 * anew. 0, -errno.
 */
int audit_file_append(struct audit_file *f, const char *lines, size_t len, int sync)
	__attribute__((warn_unused_result));

/* path.1 becomes path.2 and so on up to path.KEEP, path becomes path.1, and a new file is open. */
int audit_file_rotate(struct audit_file *f, unsigned keep) __attribute__((warn_unused_result));

/* "PATH" of 0, "PATH.N" of N; malloc'ed or NULL. */
char *audit_file_name(const char *path, unsigned number);

/* The number of the last record there is ("seq" of the last line that has one), 0 when none. */
uint64_t audit_file_last(const char *path);

#endif
