/*
 * What those who are logged in do, in the audit. Whoever may come in can make records without end,
 * and have the file roll over that holds what he did before: so the first of a kind in a window are
 * records of their own, the others one record with their count when the window ends. A kind is one
 * event of one verb on one guest, by one identity: many of one kind hide none of another. Owned by
 * the broker.
 */
#ifndef BROKER_AUDIT_DEEDS_H
#define BROKER_AUDIT_DEEDS_H

#include <stdbool.h>

#include "broker/audit/audit.h"

struct deeds;

#define DEEDS_WINDOW_US (60 * LOOP_SECOND)
#define DEEDS_SINGLE 120      /* of one kind in a window */
#define DEEDS_SINGLE_ON 12    /* while it goes on: more than that were made in the window before */
#define DEEDS_SINGLE_ALL 1200 /* of one identity in a window, of all kinds */
#define DEEDS_SINGLE_ALL_ON 120
#define DEEDS_KINDS 512  /* of one identity, told apart in a window */
#define DEEDS_DOERS 1024 /* identities at once; records of others are written as they come */

int deeds_create(
	struct loop *loop, struct audit *audit, uint64_t window_us, struct deeds **out) MUST_CHECK;
/* Writes what has been counted. */
void deeds_destroy(struct deeds **out);

/* One without an identity is written as it is. is_known: the verb is one of ours, and no word that
 * the client made up. */
void deeds_write(struct deeds *d, const struct audit_record *record, bool is_known);

#endif
