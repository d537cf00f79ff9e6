/*
 * The file of a dump while it is being made: hidden in the store, and shown when it is complete.
 *
 * It is made here and written by the hypervisor, which may be another user's, and could give it to
 * root (libvirt 9.0 does not); so this user's right to read it is an ACL, and its descriptor is
 * kept. Blocking: for job threads.
 */
#ifndef BROKER_DUMP_PARTIAL_H
#define BROKER_DUMP_PARTIAL_H

#include <limits.h>
#include <stdint.h>

#include "broker/files/dump_name.h"

struct uuid;

#define PARTIAL_NAME_MAX 80
#define PARTIAL_WHY_MAX 1024
/* Names of one second; a guest has one dump at a time. */
#define PARTIAL_TRIES 30

struct partial {
	char path[PATH_MAX]; /* absolute */
	char name[PARTIAL_NAME_MAX];
	int folder, fd;      /* -1: none */
	uint64_t free_space; /* of the file system, as it was */
	char why[PARTIAL_WHY_MAX];
};

/* Makes the store if it is not there, and the file. 0; -errno and why in words; then, too,
 * partial_finish follows. */
int partial_create(struct partial *p, const char *store, const char *name)
	__attribute__((warn_unused_result));

/* What the hypervisor has written is on the disk and has its name, which is in out. 0; -errno and
 * why. */
int partial_publish(struct partial *p, const char *guest, const struct uuid *uuid, int64_t when,
	const char *kind, char out[DUMP_FILE_MAX], uint64_t *size)
	__attribute__((warn_unused_result));

/* Removes the file unless it has been published. */
void partial_remove(struct partial *p);
void partial_finish(struct partial *p);

/* Removes what earlier runs of the service have left; theirs begin with another word than this. */
void partial_sweep(const char *store, const char *word);

#endif
