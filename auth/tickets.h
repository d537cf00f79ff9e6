/*
 * Tickets: passwords for one guest, good for some uses and some time, in memory only.
 *
 * A ticket is a token (core/text/token.h). The table keeps a keyed
 * hash of it. Checking one takes the same steps whatever is presented and whatever the table
 * holds of it. Times are seconds of one clock that only goes forward, given by the caller.
 */
#ifndef AUTH_TICKETS_H
#define AUTH_TICKETS_H

#include <stddef.h>
#include <stdint.h>

#include "core/text/token.h"

#define TICKET_LENGTH TOKEN_LENGTH
#define TICKET_ROOM TOKEN_ROOM
#define TICKETS_MAX 1024      /* alive at a time */
#define TICKET_TTL_MAX 604800 /* seconds: a week */
#define TICKET_USES_MAX 1000
#define TICKET_MAKER_MAX 256 /* bytes of who made it, terminator included; longer is cut */
#define TICKET_HASH 32

struct tickets;

/* 0, -ENOMEM, -EIO (the system's generator gives nothing). */
int tickets_create(struct tickets **out) __attribute__((warn_unused_result));
void tickets_destroy(struct tickets *t);

/* Who made it: a word for the audit, and something of the caller's that is given to drop (both may
 * be NULL) when the ticket is gone; at once, when none is made. */
struct ticket_maker {
	const char *text;
	void *by;
	void (*drop)(void *by);
};

/*
 * Makes a ticket for the guest. The caller wipes text when it has been
 * given away. 0; -EINVAL (ttl 1..TICKET_TTL_MAX, uses 1..TICKET_USES_MAX, uuid), -ENOSPC, -EIO.
 */
int tickets_make(struct tickets *t, const char *uuid, const struct ticket_maker *maker,
	unsigned ttl, unsigned uses, int64_t now, char text[TICKET_ROOM])
	__attribute__((warn_unused_result));

/* One ticket that was presented: names it without being it. A value. */
struct ticket_claim {
	uint8_t hash[TICKET_HASH];
};

/*
 * Whether presented (of len bytes, hostile) is a ticket for this guest; uuid is NULL when there is
 * no such guest, which takes as long. Nothing is used yet. 0 with who made it, and a claim for
 * tickets_use; -EACCES whatever is wrong.
 */
int tickets_find(const struct tickets *t, const char *uuid, const char *presented, size_t len,
	int64_t now, char maker[TICKET_MAKER_MAX], struct ticket_claim *claim)
	__attribute__((warn_unused_result));

/* Takes one use. -EACCES: the last one went to somebody else, it was revoked, or its time is over.
 */
int tickets_use(struct tickets *t, const struct ticket_claim *claim, int64_t now)
	__attribute__((warn_unused_result));

/* What its maker gave with it; NULL: nothing, or it is gone. Good until the table changes. */
void *tickets_by(const struct tickets *t, const struct ticket_claim *claim);

/* Gives that use back: nobody got in by it. */
void tickets_give_back(struct tickets *t, const struct ticket_claim *claim);

#endif
