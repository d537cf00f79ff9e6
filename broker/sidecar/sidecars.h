/*
 * What is known of each dump beside its name: SHA-256, kind, the guest's memory, where its console
 * was and the last lines before. Kept in STATE_DIR/sidecars, by what a changed file has no more:
 * inode, size, and the time of its last change, which nobody can set.
 *
 * Every look into the dump folders says which dumps there are; one after the other is read, the
 * newest first (hashing.h). Owned by the broker.
 */
#ifndef BROKER_SIDECAR_SIDECARS_H
#define BROKER_SIDECAR_SIDECARS_H

#include "broker/sidecar/hashing.h"

struct config;
struct directory;
struct file_store;
struct sidecars;

#define SIDECARS_MAX 512  /* dumps of which anything is kept: no further ones are read */
#define SIDECARS_QUEUE 64 /* that wait to be read; further ones come with a later look */
#define SIDECARS_EVERY_US (60 * LOOP_SECOND)

struct sidecar {
	struct hashed sum; /* sha256 "": it could not be read */
	char *text;        /* of the console, a newline behind each line; NULL: not known */
	uint64_t offset;   /* of the console */
};

struct sidecars_services {
	struct loop *loop;
	struct file_store *files;
	const struct directory *directory;
};

int sidecars_create(const struct sidecars_services *services, const struct config *config,
	struct sidecars **out) MUST_CHECK;
/* Before the directory. NULL inside is fine. */
void sidecars_destroy(struct sidecars **out);

/* The configuration in force: borrowed. */
void sidecars_configure(struct sidecars *s, const struct config *config);

/* NULL: not yet, or it has changed since. */
const struct sidecar *sidecars_find(const struct sidecars *s, const struct dump_file *file);

#endif
