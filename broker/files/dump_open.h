/*
 * The one way in which files of dump folders are opened: for reading, beneath their folder, and
 * only what is a regular file with one name. Blocking: for job threads.
 */
#ifndef BROKER_FILES_DUMP_OPEN_H
#define BROKER_FILES_DUMP_OPEN_H

#include <stdbool.h>
#include <sys/stat.h>

/* A file whose age cannot be told by a lease counts as growing for so long after its last change.
 */
#define DUMP_SETTLED_S 10

/* The descriptor of a folder, which is the administrator's word; or -errno. */
int dump_open_folder(const char *path) __attribute__((warn_unused_result));

/*
 * The descriptor of a file in it and what it is; or -errno: -ELOOP and others for what is no
 * regular file, which is not opened at all; -EMLINK: it has further names; -ESTALE: it was
 * removed or renamed meanwhile; -EAGAIN: somebody holds
 * a lease for writing on it.
 */
int dump_open_file(int folder, const char *name, struct stat *st)
	__attribute__((warn_unused_result));

/* Whether somebody still writes it. */
bool dump_is_growing(int fd, const struct stat *st);

#endif
