/* One record of the audit as a line of JSON, and as fields of the journal. Pure but for sending. */
#ifndef BROKER_AUDIT_AUDIT_RECORD_H
#define BROKER_AUDIT_AUDIT_RECORD_H

#include <stddef.h>

#include "broker/audit/audit.h"

/* A value; {0} begins it. */
struct audit_line {
	char *text; /* with its newline */
	size_t len;
	char **fields; /* "VMC_EVENT=login"; NULL when there is no journal */
	size_t field_count;
};

/* 0, -ENOMEM. */
int audit_line_make(
	const struct audit_record *record, uint64_t seq, struct audit_line *line) MUST_CHECK;
void audit_line_finish(struct audit_line *line);

/* Sends it to the journal, if it has fields. Blocking. */
void audit_line_journal(const struct audit_line *line);

#endif
