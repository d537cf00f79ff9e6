/*
 * The SHA-256 of one dump, and what its first bytes say: read by a thread in turns, at idle
 * priority, for a quarter of the time. It ends when the file changes.
 */
#ifndef BROKER_SIDECAR_HASHING_H
#define BROKER_SIDECAR_HASHING_H

#include "broker/files/dump_scan.h"
#include "broker/sidecar/dump_head.h"
#include "core/job.h"

struct hashing;

#define HASHING_TURN ((uint64_t)8 << 20) /* bytes that are read in one turn of the thread */
#define HASHING_REST 3                   /* so many times as long as a turn took it rests */
#define HASHING_TEXT_MAX 65              /* hexadecimal, with its end */

struct hashed {
	char sha256[HASHING_TEXT_MAX];
	struct dump_head head;
};

/* error: 0; -ESTALE: the file is not what was seen any more; -errno. */
typedef void (*hashed_fn)(void *arg, int error, const struct hashed *result);

/* Takes fd over, even when it fails. Of the pool one thread is used, which becomes an idle one. */
int hashing_begin(struct loop *loop, struct job_pool *pool, int fd, const struct dump_file *file,
	hashed_fn done, void *arg, struct hashing **out) MUST_CHECK;
/* Its done will not come. NULL inside is fine. */
void hashing_cancel(struct hashing **hashing);

#endif
