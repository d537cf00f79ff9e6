/*
 * An open file of the tree: bytes that are in memory at once, others by a thread, holes without
 * reading them.
 *
 * A file is read in pieces. tree_file_read gives what can be had without waiting; the rest of a
 * piece is fetched: by a job for a descriptor, by questions to the tree for a file without one. One
 * fetch at a time.
 */
#ifndef CORE_FILE_TREE_FILE_H
#define CORE_FILE_TREE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/job.h"

struct tree_file;

#define TREE_RANGES_MAX 128 /* ranges with data that are looked up at once */

struct tree_range {
	uint64_t offset, len;
};

/* Takes fd over; -1: the tree reads. size: what can be read. NULL: no memory, fd is closed. */
struct tree_file *tree_file_create(int fd, uint64_t size);

/* A fetch under way ends by itself and tells nobody. */
void tree_file_destroy(struct tree_file **file);

/* Whether the tree has to be asked for the bytes. */
bool tree_file_asks(const struct tree_file *file);

/* Bytes got without waiting, 0 to len; or -errno. offset + len <= size. */
ssize_t tree_file_read(struct tree_file *file, uint64_t offset, uint8_t *to, size_t len) MUST_CHECK;

/* The end of a fetch: error is 0 or -errno; data, the whole piece, is lent for the call. */
typedef void (*tree_file_fn)(void *arg, int error, const uint8_t *data, size_t len);

/*
 * The whole piece, of which the first got bytes are there already. fn is called later, on the loop
 * of the pool; not for a file that was destroyed. For a file without a descriptor (jobs is NULL
 * then) the caller asks the tree for the rest and hands it to tree_file_add.
 * 0; -EAGAIN: the pool is full; -ENOMEM.
 */
int tree_file_fetch(struct tree_file *file, struct job_pool *jobs, uint64_t offset,
	const uint8_t *have, size_t got, size_t len, tree_file_fn fn, void *arg) MUST_CHECK;

/*
 * A part of what the tree was asked for. True: the fetch has ended and fn was called, with an error
 * when more came than was asked for, when last came too early, or error is one.
 */
bool tree_file_add(struct tree_file *file, int error, const void *data, size_t len, bool last);

/*
 * The ranges with data from offset on, len bytes long, none beyond the file's size. fn is called
 * later with an array of struct tree_range as data, len its count. 0 or -errno as above.
 */
int tree_file_ranges(struct tree_file *file, struct job_pool *jobs, uint64_t offset, uint64_t len,
	tree_file_fn fn, void *arg) MUST_CHECK;

#endif
