/*
 * What the audit keeps of one channel: the verb, the guest, bytes, time, and how it ended. A value
 * inside the channel.
 */
#ifndef BROKER_AUDIT_AUDIT_TRAIL_H
#define BROKER_AUDIT_AUDIT_TRAIL_H

#include <stdint.h>

#include "wire/status.h"
#include "core/uuid.h"

struct channel;
struct guest;

#define AUDIT_VERB_MAX 64

struct audit_trail {
	char verb[AUDIT_VERB_MAX]; /* "" : nothing was asked yet */
	char vm_uuid[UUID_TEXT];   /* "" : no guest */
	char *vm_name;
	char *device;
	uint64_t begun; /* loop time */
	uint64_t bytes_in, bytes_out;
	int is_session, ended;
};

/* Something was asked: the word, as the client wrote it. Begins the time. */
void audit_trail_verb(struct channel *channel, const char *verb);
/* It is about this guest. */
void audit_trail_guest(struct channel *channel, const struct guest *guest);
/* It is a console session now; that is recorded. */
void audit_trail_session(struct channel *channel, const struct guest *guest, const char *device);
/* The last word; recorded once. */
void audit_trail_end(struct channel *channel, enum status status, const char *reason);
void audit_trail_finish(struct audit_trail *trail);

#endif
