/*
 * One session channel of a connection and its line to the broker. RFC 4254 §5, §6.
 *
 * libssh's callbacks only note what happened and pass bytes on; everything that makes descriptors
 * or frees anything is done by channel_update, which the session calls after libssh has run. A
 * channel never ends its session: it says what it found, through the wake function and
 * channel_update's answer.
 *
 * Nothing is queued without a bound: towards the client at most one batch (the rest waits in the
 * line, which stops the broker); towards the broker what libssh's window lets the client send.
 */
#ifndef SSHD_CHANNEL_H
#define SSHD_CHANNEL_H

#include <stdbool.h>
#include <sys/queue.h>

#include <libssh/callbacks.h>

#include "core/buf.h"
#include "core/pace.h"
#include "sshd/backlog.h"
#include "sshd/context.h"
#include "wire/line.h"

/* What libssh may hold of an honest client: 0.10 opens the window to 1,280,000 bytes whenever fewer
 * than 640,000 are open or unread, later ones see to it that both together are never more. */
#define INPUT_MAX ((size_t)2 * 1024 * 1024)

/* Two runs of a batch and their heads. */
#define CHANNEL_REST_MAX (2 * (SCRATCH_SIZE + sizeof(uint32_t)))

enum channel_state {
	CHANNEL_FRESH,    /* open, nothing requested yet */
	CHANNEL_STARTING, /* shell or exec accepted; channel_update makes the line */
	CHANNEL_RUNNING,
	CHANNEL_ENDING,   /* the line is shut; what it still holds can be read */
	CHANNEL_ORPHANED, /* the line has ended without a word: that of a broker that dies, perhaps
			   */
	CHANNEL_EXITING,  /* the broker has said the last word; what is left goes to the client */
	CHANNEL_CLOSING,  /* exit status and CLOSE are sent; waits for the client's CLOSE */
};

/* What the session is told; the last one stays. */
enum channel_finding {
	CHANNEL_GOES_ON,
	CHANNEL_GONE,    /* the client's CLOSE has come */
	CHANNEL_FLOODED, /* more input than the window allows */
};

/* What the client sends. */
enum channel_input_state {
	CHANNEL_INPUT_FLOWS,
	CHANNEL_INPUT_ENDED, /* the client sends no more */
	CHANNEL_INPUT_TOLD,  /* and the broker knows */
};

/* What the client gets. */
enum channel_output_state {
	CHANNEL_OUTPUT_FLOWS,
	CHANNEL_OUTPUT_HELD,      /* on the context's list, for a moment */
	CHANNEL_OUTPUT_DISCARDED, /* the client takes no more */
};

/* What a channel needs of its session. */
struct channel_owner {
	struct context *context;
	ssh_session ssh;
	struct line *login;
	const struct ssh_counter_struct *bytes;   /* of the connection */
	const struct ssh_counter_struct *packets; /* and what they hold */
	struct backlog *backlog;
	const char *tag;
	bool may_pty;
	bool *files_refused; /* on this connection: the broker is told with each request */
	/* The broker's side of a channel had something; libssh has run, channel_update is due. */
	void (*wake)(void *arg);
	void *arg;
};

struct files;

struct channel {
	TAILQ_ENTRY(channel) entry;
	LIST_ENTRY(channel) held_entry;
	const struct channel_owner *owner;
	ssh_channel ssh;
	struct ssh_channel_callbacks_struct callbacks;
	enum channel_state state;
	enum channel_finding finding;
	enum channel_input_state input_state;
	enum channel_output_state output_state;

	struct line line;
	struct loop_io *io;
	struct wire_request request;
	char *term, *command; /* command NULL: a shell */
	char *lease;          /* NULL: none; wiped when the broker has it */
	struct files *files;  /* of a file client; the line's messages and all input are its */

	struct buf input;  /* taken from libssh, not yet by the broker */
	size_t unread;     /* left in libssh */
	struct buf rest;   /* pieces not yet taken by the client, see channel_output.c */
	struct pace pace;  /* of output */
	size_t last_batch; /* bytes */
	uint64_t written;  /* bytes given to libssh */
	uint64_t deadline; /* loop time by which the client must have taken some; 0: none */
	uint64_t seen_written, seen_sent; /* at the last deadline */
	int status;                       /* for the client, when EXITING */

	bool pty : 1;
	bool sftp : 1;      /* the subsystem was asked for */
	bool resized : 1;   /* a WINSIZE is due */
	bool break_due : 1; /* a BREAK */
	bool full : 1;      /* the line took no more; EPOLLOUT ends it */
};
TAILQ_HEAD(channel_list, channel);

/* --- for the session --- */

/* Inside libssh's callback for a new session channel. NULL: refuse. */
struct channel *channel_create(const struct channel_owner *owner);

/* After libssh has run: starts, passes on, ends. Frees nothing. */
enum channel_finding channel_update(struct channel *channel);

/* Inside libssh's callback for a break: 0 when it is passed on, -ENOTCONN nobody is there. */
int channel_break(struct channel *channel) MUST_CHECK;

/* The end of the connection has begun: a line without a last word ends with this status. */
void channel_say_goodbye(struct channel *channel, int status);

/* Whether all that will ever be said to the client has been given to libssh. */
bool channel_flushed(const struct channel *channel);

/* Time of the next deadline; UINT64_MAX: none. channel_overdue acts on it. */
uint64_t channel_deadline(const struct channel *channel);
void channel_overdue(struct channel *channel);

/* Lets go of line and libssh's channel; the memory goes after the turn. Not in a callback. When
 * the connection is dead already, libssh is not called for it any more. */
void channel_destroy(struct channel *channel, bool connected);

/* --- among the files of a channel --- */

/* Whether the line is there, to read at least. */
static inline bool channel_has_line(const struct channel *c)
{
	return c->state == CHANNEL_RUNNING || c->state == CHANNEL_ENDING;
}

/* channel_input.c: bytes from the client, taken as far as there is room; returns their number. */
size_t channel_input(struct channel *channel, const unsigned char *data, size_t len);
/* Passes on what was left over. */
void channel_resume_input(struct channel *channel);
bool channel_input_waits(const struct channel *channel);

/* channel_output.c */
void channel_output(struct channel *channel);
bool channel_can_take(const struct channel *channel);
/* Bytes that the client took, to standard error or output; when it is gone, all. */
size_t channel_give(struct channel *channel, bool error, const void *data, size_t len);
void channel_unhold(struct channel *channel);
/* The client gets no more. What the line still holds is read to its end and dropped. */
void channel_drop_output(struct channel *channel);

/* The broker takes no more; what it has said can still be read. */
void channel_line_ends(struct channel *channel);

/* The line's next message, which the caller finishes. False: there is none for now, or the line has
 * ended, which ends the channel too. */
bool channel_receive(struct channel *channel, struct line_message *message);

/* The line ends here, with or without a last word. */
void channel_begin_exit(struct channel *channel, int status);

/* The held_timer of the context, arg. */
void channel_release_held(void *arg);

#endif
