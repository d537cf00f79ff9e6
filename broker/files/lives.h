/*
 * Which guest had which domain number, and when: what a dump file's name tells no more.
 *
 * libvirt gives numbers anew after its host's restart, so a life has a beginning and an end. Kept
 * in STATE_DIR/lives, written some seconds after a change by a thread. Belongs to one loop.
 */
#ifndef BROKER_FILES_LIVES_H
#define BROKER_FILES_LIVES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/job.h"
#include "core/text/uuid.h"

struct lives;

#define LIVES_MAX 20000 /* the oldest that have ended go */
#define LIVES_KEEP_S (INT64_C(400) * 24 * 3600)
#define LIVES_NAME_MAX 256
/* A dump may be finished some time after its guest has gone. */
#define LIVES_LATE_S 3600

int lives_create(struct loop *loop, const char *state_dir, struct lives **out) MUST_CHECK;
void lives_destroy(struct lives **lives); /* writes what is due */

/* It runs under that number at this hypervisor: said at every change; only a new life counts. */
void lives_running(struct lives *l, const char *hypervisor, int id, const struct uuid *uuid,
	const char *name, int64_t now);
/* It does not run there now. */
void lives_stopped(struct lives *l, const char *hypervisor, const struct uuid *uuid, int64_t now);

/* The connection is there, and all that run have been told: ends those that do not. Until when they
 * did is not known if the hypervisor was not watched; up to then they did. */
void lives_review(struct lives *l, const char *hypervisor,
	bool (*runs)(void *arg, const struct uuid *uuid), void *arg, int64_t now);

/* The connection is lost. */
void lives_lost(struct lives *l, const char *hypervisor, int64_t now);

/*
 * Whose a file named by this number and short name is, that was last changed then. 0; -ENOENT:
 * nobody's that is known, or nobody watched then: another guest may have had the number; -ENOTUNIQ:
 * it could be of several.
 */
int lives_find(const struct lives *l, int id, const char *short_name, int64_t when,
	struct uuid *out) MUST_CHECK;

#endif
