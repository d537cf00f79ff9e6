/*
 * What channel.c (life, input) and channel_output.c (output, the end) share. Nobody else includes
 * it.
 */
#ifndef BROKER_CHANNEL_CHANNEL_PRIVATE_H
#define BROKER_CHANNEL_CHANNEL_PRIVATE_H

#include "broker/channel/channel.h"
#include "core/buf.h"
#include "wire/line.h"

struct channel {
	LIST_ENTRY(channel) entry;
	const struct channel_owner *owner;
	struct line line;
	struct loop_io *io;
	struct loop_timer *timer; /* runs until something is asked, and at the end */
	struct loop_timer *again; /* runs while held input waits for channel_resume_later */
	char tag[32];
	const struct channel_ops *ops;
	void *policy;
	struct buf out, err, held;
	struct channel_window window;
	int pty, shown, files_refused;
	const struct guest *guest;
	unsigned needs;   /* rights on the guest, or on the host */
	int begun;        /* channel_begin has been called */
	int blocked;      /* channel_send was refused: writable() is owed */
	int paused, hung; /* channel_pause; the door is gone */
	int resume_due;   /* as soon as the client has taken some text */
	int input_ended, end_told;
	int exiting, exit_sent, closed;
	int cut;                        /* text was left out: there was too much of it */
	uint64_t flushed, flushed_seen; /* messages sent; at the last look */
	struct wire_exit exit;
	char *reason;
	struct audit_trail trail;
};

/* Whether the client has taken enough of what he was told to be heard again. */
int channel_is_heard(const struct channel *c);
/* What the line is to be watched for: a pure function of the channel. */
void channel_update_events(struct channel *c);

/* channel.c: the policy lets go. */
void channel_end_policy(struct channel *c);

/* channel_output.c */
void channel_flush(struct channel *c);
/* Nothing was asked; or at the end the line is not taken, or not closed. */
void channel_on_timer(void *arg);

#endif
