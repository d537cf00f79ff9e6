/* Task: record what was done on a channel. Owner: the channel, of which it knows nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/audit/audit_trail.h"

void audit_trail_fill(const struct audit_trail *t, struct audit_record *r)
{
	*r = (struct audit_record){.session = t->session,
		.verb = t->verb,
		.vm_uuid = *t->vm_uuid ? t->vm_uuid : NULL,
		.vm_name = t->vm_name,
		.device = t->device};
	t->who(t->who_arg, r);
}

void audit_trail_init(struct audit_trail *t, struct loop *loop, struct deeds *deeds,
	const char *session, audit_who_fn who, void *who_arg)
{
	*t = (struct audit_trail){
		.loop = loop, .deeds = deeds, .session = session, .who = who, .who_arg = who_arg};
}

void audit_trail_verb(struct audit_trail *t, const char *verb)
{
	snprintf(t->verb, sizeof(t->verb), "%s", verb);
	t->begun = loop_now(t->loop);
}

void audit_trail_unknown(struct audit_trail *t)
{
	t->is_unknown = true;
}

void audit_trail_guest(struct audit_trail *t, const char *uuid, const char *name)
{
	snprintf(t->vm_uuid, sizeof(t->vm_uuid), "%s", uuid);
	free(t->vm_name);
	t->vm_name = strdup(name);
}

void audit_trail_session(
	struct audit_trail *t, const char *uuid, const char *name, const char *device)
{
	struct audit_record r;

	audit_trail_guest(t, uuid, name);
	free(t->device);
	t->device = strdup(device);
	t->is_session = 1;
	if (!*t->verb) /* out of the menu */
		audit_trail_verb(t, "attach");
	audit_trail_fill(t, &r);
	r.event = "session-begin";
	deeds_write(t->deeds, &r, !t->is_unknown);
}

void audit_trail_file(struct audit_trail *t, const struct audit_record *record)
{
	struct audit_record r;

	audit_trail_fill(t, &r);
	r.event = record->event;
	r.vm_uuid = record->vm_uuid;
	r.vm_name = record->vm_name;
	r.file = record->file;
	r.ranges = record->ranges;
	r.sha256 = record->sha256;
	r.reason = record->reason;
	r.has_end = record->has_end;
	r.status = record->status;
	r.duration_us = record->duration_us;
	r.bytes_out = record->bytes_out;
	deeds_write(t->deeds, &r, !t->is_unknown);
}

void audit_trail_deed(struct audit_trail *t, const char *verb, int status, const char *reason)
{
	struct audit_record r;

	audit_trail_fill(t, &r);
	r.event = "verb";
	r.verb = verb;
	r.has_end = 1;
	r.status = status;
	r.reason = reason;
	deeds_write(t->deeds, &r, !t->is_unknown);
}

void audit_trail_end(struct audit_trail *t, int status, const char *reason)
{
	struct audit_record r;

	if (t->ended || !*t->verb)
		return;
	t->ended = 1;
	audit_trail_fill(t, &r);
	r.event = t->is_session ? "session-end" : "verb";
	r.has_end = 1;
	r.status = status;
	r.duration_us = loop_now(t->loop) - t->begun;
	r.bytes_in = t->bytes_in;
	r.bytes_out = t->bytes_out;
	r.reason = reason;
	deeds_write(t->deeds, &r, !t->is_unknown);
}

void audit_trail_finish(struct audit_trail *t)
{
	free(t->vm_name);
	free(t->device);
	t->vm_name = t->device = NULL;
}
