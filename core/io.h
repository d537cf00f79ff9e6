/* Small helpers around descriptors. 0 or -errno. */
#ifndef CORE_IO_H
#define CORE_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Closes *fd if it is one and sets it to -1. */
void fd_close(int *fd);
#define FD_AUTO __attribute__((cleanup(fd_close)))

int fd_nonblock(int fd);

/* Writes all of it to a regular file or blocking descriptor. */
int write_all(int fd, const void *data, size_t len) __attribute__((warn_unused_result));

/* Reads a whole file of at most max bytes; *data is malloc'ed, one NUL byte behind it. -EFBIG. */
int read_file(const char *path, size_t max, char **data, size_t *len)
	__attribute__((warn_unused_result));

/* Replaces path: temporary file beside it, fsync, rename. */
int write_file(const char *path, const void *data, size_t len, mode_t mode)
	__attribute__((warn_unused_result));

/* As mkdir -p; every folder that it makes gets mode, whatever the umask. */
int make_dirs(const char *path, mode_t mode) __attribute__((warn_unused_result));

#endif
