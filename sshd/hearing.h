/*
 * What libssh tells nobody but its log, heard there while it takes in what a client has sent:
 *
 * - A request for a line break (RFC 4335) is handed over as a request without a name, like any
 *   other that it does not know; the name stands only in the log.
 * - A login with a wrong signature, with an algorithm that is not accepted or a key of an unknown
 *   type is dropped: no message, no answer. The client would wait for ever.
 *
 * It rests on libssh's words, the same since 0.5 and 0.6; tests with real clients see if they
 * change.
 */
#ifndef SSHD_HEARING_H
#define SSHD_HEARING_H

#include <stdbool.h>

#include "wire/msg.h"

#define HEARING_WORD_MAX 64

/* A request to log in, as far as the log has told of it. Foreign text in it. */
struct heard_login {
	char login[WIRE_LOGIN_MAX + 1];
	char method[HEARING_WORD_MAX];
	char algorithm[HEARING_WORD_MAX]; /* of a signature that is not accepted; or "" */
	bool wrong_signature;
};

struct hearing {
	bool a_break;
	unsigned logins; /* requests to log in that have come since hearing_begin */
	struct heard_login last;
};

/* For the thread that calls; hearing must outlive its use of libssh. */
void hearing_init(struct hearing *hearing);

/* Around the call that lets libssh take in packets. login: nobody is known yet. */
void hearing_begin(struct hearing *hearing, bool login);
void hearing_end(void);

/* Inside the callback for a request without a name: whether it is a break. */
bool hearing_take_break(struct hearing *hearing);

#endif
