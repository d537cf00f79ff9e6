/*
 * How long the dumps of the store are kept: [dump] size, total and age. The only one who removes
 * any, and of no other folder; a dump that is being read stays. Each removal is logged and in the
 * audit. Owned by the broker.
 *
 * It looks into the store every KEEPING_EVERY_US, when a dump has been made, when one is to be made
 * and when the configuration has changed. What blocks is in threads.
 */
#ifndef BROKER_KEEP_KEEPING_H
#define BROKER_KEEP_KEEPING_H

#include "broker/audit/audit.h"
#include "broker/keep/dump_plan.h"
#include "core/job.h"

struct config;
struct directory;
struct file_store;
struct keeping;

#define KEEPING_EVERY_US (600 * LOOP_SECOND)
#define KEEPING_BATCH 32 /* files that are removed in one turn */

struct keeping_services {
	struct loop *loop;
	struct file_store *files;
	const struct directory *directory;
	struct audit *audit;
};

int keeping_create(const struct keeping_services *services, const struct config *config,
	struct keeping **out) MUST_CHECK;
/* What is asked for is not answered any more. NULL inside is fine. */
void keeping_destroy(struct keeping **out);

/* The one in force: borrowed. */
void keeping_configure(struct keeping *k, const struct config *config);

/* The store has more than before. */
void keeping_check(struct keeping *k);

/*
 * Asking. done is called later: error is 0 or -errno, why in words for people, freed the bytes of
 * what went.
 */
struct keeping_request;
typedef void (*keeping_done_fn)(void *arg, int error, const char *why, uint64_t freed);

/* Room for a dump that is to be made: of what the limits allow, not of the disk's. -EDQUOT or
 * -ENOSPC when there is none and removing does not help; nothing is removed then. */
int keeping_room(struct keeping *k, const struct dump_want *want, keeping_done_fn done, void *arg,
	struct keeping_request **out) MUST_CHECK;

/* Removes one that was found in the store. by: session, source, login, identity: copied. -EBUSY: it
 * is being read. It is done and recorded though nobody waits for it any more. */
int keeping_remove(struct keeping *k, const struct dump_file *file, const struct audit_record *by,
	keeping_done_fn done, void *arg, struct keeping_request **out) MUST_CHECK;

/* Its done will not come. NULL inside is fine. */
void keeping_forget(struct keeping_request **request);

#endif
