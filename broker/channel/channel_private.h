/*
 * What channel.c (life, input) and channel_output.c (output, the end) share. Nobody else includes
 * it.
 */
#ifndef BROKER_CHANNEL_CHANNEL_PRIVATE_H
#define BROKER_CHANNEL_CHANNEL_PRIVATE_H

#include "broker/channel/channel.h"
#include "core/buf.h"
#include "wire/line.h"

enum channel_state {
	CHANNEL_OPEN,   /* something is asked, heard and said */
	CHANNEL_ENDING, /* the last word was said: what is queued goes out, then EXIT */
	CHANNEL_SAID,   /* EXIT has gone out: the door closes its end */
	CHANNEL_LOST,   /* the line is dead: it is closed after the turn */
	CHANNEL_CLOSED, /* all is let go of; the memory goes after the turn */
};

enum channel_input {
	CHANNEL_INPUT_COMES,
	CHANNEL_INPUT_ENDED, /* what is held goes to the handler first */
	CHANNEL_INPUT_TOLD,  /* the handler knows */
};

enum channel_reading {
	CHANNEL_READS,
	CHANNEL_PAUSED,        /* the handler wants no message now */
	CHANNEL_READS_THE_END, /* the door is gone: nothing pauses any more */
};

struct channel {
	LIST_ENTRY(channel) entry;
	enum channel_state state; /* changed by channel_enter alone */
	enum channel_input input;
	enum channel_reading reading;
	const struct channel_owner *owner;
	struct line line;
	struct loop_io *io;
	struct loop_timer *timer; /* runs until something is asked, and at the end */
	struct loop_timer *again; /* runs while held input waits for channel_resume_later */
	char tag[32];
	const struct channel_ops *ops;
	void *handler;
	struct buf out, err, held;
	struct channel_window window;
	bool pty, shown, files_refused; /* as was asked */
	bool polled;                    /* channel_set_polled */
	char lease[WIRE_LEASE_MAX + 1]; /* "": none; wiped at the end */
	const struct guest *guest;
	unsigned needs;                 /* rights on the guest, or on the host */
	bool begun;                     /* channel_begin has been called */
	bool blocked;                   /* channel_send was refused: writable() is owed */
	bool resume_due;                /* as soon as the client has taken some text */
	bool cut;                       /* text was left out: there was too much of it */
	uint64_t flushed, flushed_seen; /* messages sent; at the last look */
	struct wire_exit exit;
	char *reason;
	struct audit_trail trail;
};

/* The one place where the state changes; it only goes forward. False: it is there, or further. */
bool channel_enter(struct channel *c, enum channel_state state);
/* Whether the line is read: a pure function of the channel. */
bool channel_reads(const struct channel *c);
/* Whether the client has taken enough of what he was told to be heard again. */
bool channel_is_heard(const struct channel *c);
/* What the line is to be watched for: a pure function of the channel. */
void channel_update_events(struct channel *c);

/* channel.c: the handler lets go. */
void channel_end_handler(struct channel *c);

/* channel_output.c */
void channel_flush(struct channel *c);
/* Nothing was asked; or at the end the line is not taken, or not closed. */
void channel_on_timer(void *arg);

#endif
