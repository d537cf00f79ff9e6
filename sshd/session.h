/*
 * One SSH connection: pumps libssh, owns the login line and the channels.
 *
 * Pattern: one ssh_event per session, level-triggered; after every call that may have run libssh
 * the session settles: looks whether the connection still lives (libssh closes its descriptor by
 * itself), lets the channels do what callbacks only noted, and asks for the events it needs.
 * The loop watches a duplicate of libssh's descriptor: when libssh closes its own, the loop's entry
 * for it stays whole, and the number cannot come back as another descriptor's under the same entry.
 */
#ifndef SSHD_SESSION_H
#define SSHD_SESSION_H

#include <stdbool.h>
#include <sys/queue.h>

#include "sshd/auth.h"
#include "sshd/channel.h"
#include "sshd/context.h"

enum session_state {
	SESSION_LOGIN,   /* key exchange and authentication, within the grace time */
	SESSION_OPEN,    /* authenticated */
	SESSION_CLOSING, /* says goodbye, at most FLUSH_US */
	SESSION_DEAD,    /* out of all lists; memory goes after the turn */
};

#define SESSION_REASON_MAX 256
#define SESSION_ANSWERS_MAX 256 /* packets not taken by the client: he is not read then */
#define SESSION_TAG_MAX 24

struct session;
TAILQ_HEAD(session_list, session);

struct session {
	TAILQ_ENTRY(session) entry;
	struct context *context;
	struct session_list *list;
	char tag[SESSION_TAG_MAX];
	enum session_state state;

	ssh_session ssh;
	ssh_event event;
	int fd;                 /* a duplicate of libssh's */
	struct loop_io *io;     /* of fd */
	struct gate_entry gate; /* while nobody is known */
	struct ssh_counter_struct bytes, packets;
	uint64_t answered; /* packets sent when the client had last taken all */
	struct backlog backlog;
	struct ssh_server_callbacks_struct callbacks;

	struct line login;
	struct loop_io *login_io;
	struct auth auth;
	bool asking; /* the broker decides; the client is not read */

	struct channel_owner owner;
	struct channel_list channels;
	unsigned channel_count;
	bool files_refused; /* a file client was refused */

	struct loop_timer *timer; /* for whatever is due next: session_timers.c */
	uint64_t timer_due, grace_at, closing_at, keepalive_at, idle_since;
	uint64_t seen_bytes; /* bytes.in_bytes at the last keepalive */
	unsigned silent;     /* keepalives without an answer */

	int bye_status;
	char bye_reason[SESSION_REASON_MAX];
};

/* Takes both descriptors in any case. 0 or -errno; on success the session is on the list until it
 * ends by itself. */
int session_create(struct context *context, struct session_list *list, uint64_t id, int socket_fd,
	int login_fd) MUST_CHECK;

/* The one way out. Says the reason to the client, if it can still be told, and to the log. */
void session_close(struct session *session, const char *reason);

/* Tells every channel to come to its end, then closes; at most FLUSH_US from now. */
void session_say_goodbye(struct session *session, int status, const char *reason);

/* --- among the files of a session --- */

/* After anything that may have run libssh. The session may be dead afterwards. */
void session_update(struct session *session);

/* session_timers.c */
int session_timers_init(struct session *session) MUST_CHECK;
void session_timers_opened(struct session *session);
void session_timers_reload(struct session *session); /* the settings have changed */
void session_timers_set(struct session *session);

#endif
