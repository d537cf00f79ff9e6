/*
 * Refused logins in the audit, of which anybody can make any number: the first few of a source in a
 * window are records of their own, the others one record with their count when the window ends.
 * While a source goes on, one of each later window is a record of its own. Owned by the broker.
 */
#ifndef BROKER_AUDIT_REFUSALS_H
#define BROKER_AUDIT_REFUSALS_H

#include <stdbool.h>

#include "broker/audit/audit.h"

struct refusals;

#define REFUSALS_WINDOW_US (60 * LOOP_SECOND)
#define REFUSALS_SINGLE 20      /* of one source in its first window */
#define REFUSALS_SINGLE_ALL 600 /* of all sources in one window */
#define REFUSALS_SOURCES 256    /* told apart; what comes from others then is one */
#define REFUSALS_KEY_MAX 64

int refusals_create(struct loop *loop, struct audit *audit, uint64_t window_us,
	struct refusals **out) MUST_CHECK;
/* Writes what has been counted. */
void refusals_destroy(struct refusals **out);

/*
 * Takes a record of a refusal. key names its source: a numeric address, of which IPv6 ones of one
 * /64 are the same, or anything else, such as "uid 1000". True: it is a record of its own, and
 * worth a line in the log.
 */
bool refusals_add(struct refusals *r, const char *key, const struct audit_record *record);

/*
 * Whether a text about this source is worth saying: true once in REFUSALS_SAID_US, as long as no
 * more than REFUSALS_SAID others have been said since.
 */
#define REFUSALS_SAID 256
#define REFUSALS_SAID_US (3600 * LOOP_SECOND)
bool refusals_is_new(struct refusals *r, const char *key, const char *text);

#endif
