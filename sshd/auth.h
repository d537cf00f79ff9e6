/*
 * The login of one connection: turns queued SSH authentication requests into questions to the
 * broker and its verdicts into answers. RFC 4252, 4256.
 *
 * libssh's callbacks want an answer at once; so none are set while nobody is known, requests queue
 * up, and one is held until the broker has decided. One question is under way at a time.
 *
 * What libssh drops without a word (sshd/hearing.h) is told to the broker as what it was, and
 * refused as any other; when nothing was refused before, there is no message to do that with, and
 * the connection is ended with the reason.
 */
#ifndef SSHD_AUTH_H
#define SSHD_AUTH_H

#include <stdbool.h>

#include "sshd/context.h"
#include "wire/line.h"

#define AUTH_REASON_MAX 160

/* What came of a step. */
enum auth_step {
	AUTH_GOING_ON, /* waits for the client */
	AUTH_ASKING,   /* waits for the broker: nothing more is to be read from the client */
	AUTH_ACCEPTED, /* the caller prepares for channels, then calls auth_succeed */
	AUTH_OVER,     /* the connection is to be ended; auth_reason says why */
};

struct auth {
	struct context *context;
	ssh_session ssh;
	struct line *line; /* the login line; its state is kept here */
	ssh_message held;  /* the request that waits for a verdict; NULL for one that is lost */
	ssh_message spare; /* a refused one: by it others are refused that libssh has dropped */
	bool asked;        /* a verdict is due */
	enum wire_method method;
	unsigned methods;         /* that can go on, enum wire_methods */
	unsigned guesses, offers; /* refused */
	bool has_asked;           /* what there is: the method "none", refused and not counted */
	char *login;              /* of a keyboard-interactive exchange under way */
	bool begun;               /* the client has been let at logging in */
	unsigned came, taken;     /* requests that libssh has begun with, and handed over */
	struct heard_login last;
	bool introduced;
	bool may_pty;
	const char *reason;
	char lost_reason[AUTH_REASON_MAX];
};

void auth_init(struct auth *auth, struct context *context, ssh_session ssh, struct line *line);

/* Before the session is freed: it holds a message of it. */
void auth_finish(struct auth *auth);

/* Around what lets libssh take in packets before somebody is known. */
void auth_hear(struct auth *auth);
void auth_heard(struct auth *auth);

/* Takes the queued requests until one has to wait. Call after libssh has run. */
enum auth_step auth_requests(struct auth *auth);

/* The broker's answer. */
enum auth_step auth_verdict(struct auth *auth, const struct line_message *message);

/* Tells the client that it is in. */
void auth_succeed(struct auth *auth);

/* auth_proof.c: whether we take keys of this type at all; no DSA, and nothing we do not know. */
bool auth_key_type_known(enum ssh_keytypes_e type);

/* The key in SSH wire form, a certificate complete, malloc'ed. 0, -EINVAL, -ENOMEM. */
int auth_key_blob(ssh_key key, unsigned char **blob, size_t *len) MUST_CHECK;

#endif
