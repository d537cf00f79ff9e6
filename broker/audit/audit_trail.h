/*
 * What the audit keeps of one channel: the verb, the guest, bytes, time, and how it ended. A value
 * inside the channel.
 */
#ifndef BROKER_AUDIT_AUDIT_TRAIL_H
#define BROKER_AUDIT_AUDIT_TRAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/audit/audit.h"
#include "broker/audit/deeds.h"
#include "core/text/uuid.h"

#define AUDIT_VERB_MAX 64

/* Fills in who it is, as of now: source, login, identity, fingerprint. */
typedef void (*audit_who_fn)(void *arg, struct audit_record *r);

struct audit_trail {
	struct loop *loop;
	struct deeds *deeds;
	const char *session; /* "c12.0" */
	audit_who_fn who;
	void *who_arg;
	char verb[AUDIT_VERB_MAX]; /* "" : nothing was asked yet */
	char vm_uuid[UUID_TEXT];   /* "" : no guest */
	char *vm_name;
	char *device;
	uint64_t begun; /* loop time */
	uint64_t bytes_in, bytes_out;
	int is_session, ended;
	bool is_unknown; /* the verb is none of ours */
};

/* session is borrowed, and goes into each record. */
void audit_trail_init(struct audit_trail *t, struct loop *loop, struct deeds *deeds,
	const char *session, audit_who_fn who, void *who_arg);
void audit_trail_finish(struct audit_trail *t);

/* Something was asked: the word, as the client wrote it. Begins the time. */
void audit_trail_verb(struct audit_trail *t, const char *verb);
/* There is no such verb. */
void audit_trail_unknown(struct audit_trail *t);
/* It is about this guest. */
void audit_trail_guest(struct audit_trail *t, const char *uuid, const char *name);
/* It is a console session now; that is recorded. */
void audit_trail_session(
	struct audit_trail *t, const char *uuid, const char *name, const char *device);
/* A file on it: the record says what, and is filled in with who it is. */
void audit_trail_file(struct audit_trail *t, const struct audit_record *record);
/* Something was done in a session that is a verb else; its end. */
void audit_trail_deed(struct audit_trail *t, const char *verb, int status, const char *reason);
/* What every record of it has: who it is, and the verb and the guest as far as they are known. */
void audit_trail_fill(const struct audit_trail *t, struct audit_record *r);
/* The last word; recorded once. status: the caller's exit status. */
void audit_trail_end(struct audit_trail *t, int status, const char *reason);

#endif
