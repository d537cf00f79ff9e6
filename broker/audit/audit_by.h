/*
 * Who had something done that is recorded later, when he may have gone: copies of what a record
 * says of him.
 */
#ifndef BROKER_AUDIT_AUDIT_BY_H
#define BROKER_AUDIT_AUDIT_BY_H

#include "broker/audit/audit.h"

struct audit_by {
	char *session, *source, *login, *identity, *fingerprint;
};

/* 0; -ENOMEM, and *by is empty. */
int audit_by_copy(struct audit_by *by, const struct audit_record *from) MUST_CHECK;
/* Into a record, which borrows it. */
void audit_by_fill(const struct audit_by *by, struct audit_record *record);
void audit_by_finish(struct audit_by *by);

#endif
