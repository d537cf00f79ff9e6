/*
 * A channel line in the broker: the mechanism under every session and verb.
 *
 * Output: text is queued (bounded) and goes out as the line takes it; console bytes are sent
 * directly or not at all, so that a slow reader costs no memory. Input: what the handler does not
 * take is held, and the line is not read meanwhile, so that the client's window closes; nor is it
 * while much text waits for a client that takes none, or what he asks for would fill the queue.
 * Exit: after the queue has gone out, EXIT is said once; then the door closes its end.
 *
 * A word may find the line dead. That ends nothing in place: the channel hears and says nothing
 * from then on, and is closed after the loop's turn. Only channel_exit, and channel_close, let go
 * of the handler before they return.
 *
 * Owned by its login. Policies (a verb, a console session) hang on it by channel_ops.
 */
#ifndef BROKER_CHANNEL_CHANNEL_H
#define BROKER_CHANNEL_CHANNEL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "broker/audit/audit_trail.h"
#include "core/log.h"
#include "core/loop.h"
#include "wire/msg.h"
#include "wire/status.h"

struct channel;
struct guest;
struct line_message;
struct login;

#define CHANNEL_TEXT_MAX ((size_t)4 << 20)  /* of a list of all guests */
#define CHANNEL_UNHEARD ((size_t)64 << 10)  /* text not yet taken: no input is read meanwhile */
#define CHANNEL_ASK_US (10 * LOOP_SECOND)   /* for SHELL or EXEC: doors send it at once */
#define CHANNEL_FLUSH_US (30 * LOOP_SECOND) /* to take some of what is queued at the end */
#define CHANNEL_WHERE_MAX 64
#define CHANNEL_SIDE_MAX 1000                /* characters that a terminal is wide or high */
#define CHANNEL_LINGER_US (10 * LOOP_SECOND) /* for the door to close after EXIT */

/* RFC 4254 §6.9: the signals that mean something here. */
enum channel_signal {
	CHANNEL_INTERRUPT, /* INT */
	CHANNEL_LEAVE,     /* TERM, HUP, KILL */
};

/* What a handler does; any may be NULL. */
struct channel_ops {
	/* The client's input. Returns how many bytes were taken; the rest is held until
	 * channel_resume. */
	size_t (*input)(void *handler, const uint8_t *data, size_t len);
	void (*input_end)(void *handler);
	void (*winsize)(void *handler);
	void (*line_break)(void *handler, uint32_t ms); /* RFC 4335; 0: as long as is usual */
	void (*signal)(void *handler, enum channel_signal signal); /* NULL: it ends the channel */
	void (*writable)(void *handler); /* after channel_send has returned 0 */
	/* Rules, or the guest, are others now; what channel_need says is still allowed. */
	void (*rights_changed)(void *handler);
	/* A message about files. It is the handler's during the call. */
	void (*message)(void *handler, struct line_message *m);
	/* The last word will be said. With it the handler stays, for what the door has still to
	 * tell of files, and end comes when the channel is closed. */
	void (*exits)(void *handler, const char *reason);
	/* The last word comes next: puts the terminal in order, and tells in where ("" at first)
	 * what an end from outside is to say besides. */
	void (*leave)(void *handler, char where[CHANNEL_WHERE_MAX]);
	/* The channel is going (client gone, or exit was said): let go of everything. */
	void (*end)(void *handler);
};

struct channel_window {
	unsigned columns, rows; /* CHANNEL_SIDE_MAX at most; 0: not known */
};

/* Whose channel it is, and what it has from there. Outlives its channels. */
struct channel_owner {
	struct login *login; /* not looked into */
	struct loop *loop;
	struct deeds *deeds; /* the audit's */
	const char *tag;     /* "c12" */
	bool is_told_begin;  /* channel_begin has a place in its protocol */
	bool (*may_pty)(const struct login *login);
	/* What was asked; command NULL: a shell. Answers on the channel, and ends it. */
	void (*asked)(struct channel *c, const char *command, size_t len);
	/* A file client: sftp, or (scp) with this command. The same. */
	void (*files_asked)(struct channel *c, unsigned client, const char *command, size_t len);
	audit_who_fn who; /* of the login */
	/* trail: what the channel has come to; gone after the call. */
	void (*closed)(struct login *login, const struct audit_trail *trail);
};

/* Takes over the descriptor. Waits for SHELL or EXEC, CHANNEL_ASK_US at most. */
int channel_accept(const struct channel_owner *owner, int fd, unsigned number,
	struct channel **out) MUST_CHECK;

/* Its door has gone: what it has told of files before counts. */
void channel_hear_out(struct channel *c);

/* Ends at once, without a word; the memory goes after the turn. */
void channel_close(struct channel *c);

void channel_set_handler(struct channel *c, const struct channel_ops *ops, void *handler);
bool channel_has_handler(const struct channel *c);

struct login *channel_login(const struct channel *c);
struct audit_trail *channel_trail(struct channel *c);
const char *channel_tag(const struct channel *c); /* "c12.0" */
/* It asks what is asked every few seconds: worth no line of the log, unless it fails. */
void channel_set_polled(struct channel *c);
/* Of a line that says what goes on here. */
enum log_level channel_log_level(const struct channel *c);
bool channel_has_pty(const struct channel *c);
/* Whether standard output is a terminal: always with a pty, perhaps without. Then what is shown
 * there must not make it type: that would go to the caller's shell. */
bool channel_is_shown(const struct channel *c);
/* Whether a file client was refused on this connection before this was asked. */
int channel_follows_files(const struct channel *c);
struct channel_window channel_window(const struct channel *c);
/* The token of a lease that the client's environment has; NULL: none. */
const char *channel_lease(const struct channel *c);

/* channel_print: text to standard output as it is; foreign bytes in it are escaped by the caller.
 * channel_complain: one line to standard error, escaped here, "vmconsoled: " put before it and a
 * newline behind it. On a pty both become one stream, with CR LF. */
void channel_print(struct channel *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void channel_complain(struct channel *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void channel_vcomplain(struct channel *c, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));
/* As channel_print, of any length. */
void channel_text(struct channel *c, const char *text, size_t len);
/* Raw bytes behind the queued text. 0; -ENOBUFS; -EPIPE: the client has gone. */
int channel_put(struct channel *c, const void *data, size_t len) MUST_CHECK;

/* Console bytes, directly: all of len (≤ WIRE_PAYLOAD_MAX) or, when the line is full or text is
 * still queued, none: 0, and writable() follows. */
size_t channel_send(struct channel *c, const void *data, size_t len) MUST_CHECK;

/* A message about files, with one descriptor or (-1) none, which stays the caller's. 0; -EAGAIN:
 * writable() follows; other -errno: the line is dead. */
int channel_say(struct channel *c, enum wire_type type, const void *fixed, const void *payload,
	size_t len, int fd) MUST_CHECK;
/* While it is on the line is not read; when the door is gone it is read to its end all the same. */
void channel_pause(struct channel *c, int on);

/* The first byte that goes out has this offset: for clients whose protocol has a place for it. */
void channel_begin(struct channel *c, uint64_t offset);

/* Gives an https door a connected socket, which stays the caller's, and header fields that belong
 * to what is asked there. told: whether what comes out of it was all of it is told by
 * channel_exit, with STATUS_OK, and not by its end. 0 or -errno. */
int channel_hand_over(struct channel *c, int fd, const char *fields, bool told) MUST_CHECK;

/* Whether nothing is queued; if something is, writable() follows. */
int channel_ready(struct channel *c) MUST_CHECK;

/* What goes on here is about this guest (NULL: the host) and needs these rights on it. */
void channel_need(struct channel *c, const struct guest *guest, unsigned rights);
const struct guest *channel_guest(const struct channel *c);
unsigned channel_needs(const struct channel *c);
/* Tells the handler that the login's rights may be others now: for its owner. */
void channel_rights_changed(struct channel *c);

/* Gives held input to the handler again, and reads on. */
void channel_resume(struct channel *c);
/* The same after a while: for a handler that has done enough for this client by now. */
void channel_resume_later(struct channel *c, uint64_t delay_us);

/* The one way to end: says the reason on standard error (unless NULL), then EXIT. The handler is
 * let go, unless the line is dead already: then that is still to come. Further calls are ignored.
 */
void channel_exit(struct channel *c, enum status status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* So it is, or was, or its line is dead. */
bool channel_is_exiting(const struct channel *c);

/* List link for the login. */
LIST_HEAD(channel_list, channel);
struct channel *channel_next(const struct channel *c);
void channel_link(struct channel *c, struct channel_list *list);

#endif
