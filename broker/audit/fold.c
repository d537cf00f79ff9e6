/* Task: see fold.h. Knows nothing of who makes the records. */
#include <stdio.h>

#include "broker/audit/fold.h"

static void keep(char *out, size_t room, const char *text)
{
	snprintf(out, room, "%s", text ? text : "");
}

static const char *text_or_null(const char *text)
{
	return *text ? text : NULL;
}

void fold_add(struct fold *f, const struct audit_record *record)
{
	f->count++;
	f->event = record->event;
	f->method = record->method;
	keep(f->source, sizeof(f->source), record->source);
	keep(f->login, sizeof(f->login), record->login);
	keep(f->identity, sizeof(f->identity), record->identity);
	keep(f->client, sizeof(f->client), record->client);
	keep(f->reason, sizeof(f->reason), record->reason);
	keep(f->verb, sizeof(f->verb), record->verb);
	keep(f->vm_uuid, sizeof(f->vm_uuid), record->vm_uuid);
	keep(f->vm_name, sizeof(f->vm_name), record->vm_name);
}

bool fold_notify(struct fold *f, struct audit *audit, const char *whose, const char *source)
{
	char reason[FOLD_TEXT_MAX + 64];
	const struct audit_record record = {.event = f->event,
		.source = source ? source : text_or_null(f->source),
		.login = text_or_null(f->login),
		.identity = text_or_null(f->identity),
		.method = f->method,
		.client = text_or_null(f->client),
		.verb = text_or_null(f->verb),
		.vm_uuid = text_or_null(f->vm_uuid),
		.vm_name = text_or_null(f->vm_name),
		.reason = reason,
		.count = f->count};

	if (!f->count)
		return false;
	snprintf(reason, sizeof(reason), "so many more %s%s%s", whose,
		*f->reason ? "; the last one: " : "", f->reason);
	audit_write(audit, &record);
	f->count = 0;
	return true;
}
