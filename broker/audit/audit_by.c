/* Task: see audit_by.h. Owner: who copies. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "broker/audit/audit_by.h"

static char *copy(const char *text, bool *failed)
{
	char *made = text ? strdup(text) : NULL;

	*failed |= text && !made;
	return made;
}

int audit_by_copy(struct audit_by *by, const struct audit_record *from)
{
	bool failed = false;

	by->session = copy(from->session, &failed);
	by->source = copy(from->source, &failed);
	by->login = copy(from->login, &failed);
	by->identity = copy(from->identity, &failed);
	by->fingerprint = copy(from->fingerprint, &failed);
	if (failed)
		audit_by_finish(by);
	return failed ? -ENOMEM : 0;
}

void audit_by_fill(const struct audit_by *by, struct audit_record *record)
{
	record->session = by->session;
	record->source = by->source;
	record->login = by->login;
	record->identity = by->identity;
	record->fingerprint = by->fingerprint;
}

void audit_by_finish(struct audit_by *by)
{
	free(by->session);
	free(by->source);
	free(by->login);
	free(by->identity);
	free(by->fingerprint);
	*by = (struct audit_by){0};
}
