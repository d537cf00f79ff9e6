/* Files in memory that are handed to another process and cannot be changed by it. 0 or -errno. */
#ifndef CORE_FILE_MEMORY_FILE_H
#define CORE_FILE_MEMORY_FILE_H

/* A descriptor of an empty one, close-on-exec, that nothing can be executed from. */
int memory_file_create(const char *name) __attribute__((warn_unused_result));

/* From now on nobody can change it; the offset is 0. */
int memory_file_seal(int fd) __attribute__((warn_unused_result));

#endif
