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
#define KEEPING_WHY_MAX 1024
#define KEEPING_LEAP_S 3600 /* that the clock goes forward in no time: it was set, or is wrong */
#define KEEPING_DOUBT_US (UINT64_C(24) * 3600 * LOOP_SECOND) /* then nothing goes for its age */

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

struct keeping_removal {
	const struct dump_file *file;  /* that was found in the store */
	const struct audit_record *by; /* session, source, login, identity */
	/* Asked when its turn has come, since others may be before it: 0, or -errno and why. */
	int (*may)(void *arg, char why[KEEPING_WHY_MAX]);
};

/* Removes one. What is in removal is copied. -EBUSY: it is being read. Nothing is removed for who
 * does not wait for it when its turn has come; what a thread is at then is done and recorded. */
int keeping_remove(struct keeping *k, const struct keeping_removal *removal, keeping_done_fn done,
	void *arg, struct keeping_request **out) MUST_CHECK;

/* Its done will not come. NULL inside is fine. */
void keeping_forget(struct keeping_request **request);

#endif
