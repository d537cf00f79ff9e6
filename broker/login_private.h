/*
 * What the parts of a login share: login.c (life, line, channels, rights), login_auth.c (the course
 * of a login), login_proof.c (keys, certificates, peers), login_ticket.c. Nobody else includes it.
 */
#ifndef BROKER_LOGIN_PRIVATE_H
#define BROKER_LOGIN_PRIVATE_H

#include "auth/login.h"
#include "broker/external.h"
#include "broker/login.h"
#include "core/log.h"
#include "wire/line.h"

#define TICKET_ANSWER_US (250 * LOOP_MSEC) /* no answer to a ticket comes sooner than this */

struct hypervisor_question;

enum login_state { LOGIN_UNKNOWN, LOGIN_KNOWN, LOGIN_ENDING, LOGIN_SAID_BYE, LOGIN_CLOSED };

enum attempt_state {
	ATTEMPT_NONE,
	ATTEMPT_JUDGING,   /* waits for a helper command or a hypervisor */
	ATTEMPT_RECORDING, /* waits for the audit's record */
	ATTEMPT_DELAYED,   /* judged; the answer is not due yet */
};

/* One AUTH, from the question to its VERDICT. */
struct attempt {
	enum attempt_state state;
	enum wire_method method;
	uint8_t *proof; /* key or password; wiped when it goes */
	size_t proof_len;
	uint64_t due;              /* loop time before which the answer does not go out */
	struct identity *identity; /* with the factors proved before; NULL: refused */
	struct console_list *consoles;
	struct hypervisor_question *question;
	enum wire_verdict verdict;
	char why[LOGIN_WHY_MAX];
};

struct login {
	LIST_ENTRY(login) entry;
	struct login_options options;
	enum login_state state;
	struct line line;
	struct loop_io *io;
	struct loop_timer *timer;   /* runs until somebody is known, and at the end */
	struct loop_timer *verdict; /* runs while an answer is delayed */
	char tag[LOG_TAG_MAX];
	char address[64];
	struct ucred peer;
	char *name;
	char client[WIRE_VERSION_MAX + 1];
	char *who;
	struct attempt attempt;
	unsigned refused_keys;
	struct identity *proved; /* factors of a login that needs more of them */
	unsigned more;           /* the methods that could prove them; 0: any */
	struct identity *identity;
	struct grant *grant;
	struct console_list *consoles; /* all that its entity may see; NULL: no such limit */
	uint8_t *key;                  /* what it logged in with, for later judgement */
	size_t key_len;
	struct channel_list channels;
	unsigned channel_count, channel_number;
	int64_t since;
	struct wire_bye bye;
	char *bye_reason;
};

/* login.c */
int login_make_grant(struct login *login) MUST_CHECK;

/* login_auth.c */
void login_auth_message(struct login *login, const struct line_message *m);
/* It tried a proof that its kind of line cannot vouch for: that is recorded. */
void login_auth_foreign(struct login *login);
void login_auth_on_verdict(void *arg); /* the timer */
/* The login is closed: nothing comes back to it any more. */
void login_auth_finish(struct login *login);
/* Goes on with an attempt: its identity is set, or the reason stands in why. */
void login_auth_judged(struct login *login);

/* login_proof.c: *identity, or NULL and the reason in why. */
struct identity *login_judge_key(
	struct login *login, struct span blob, int64_t now, char why[LOGIN_WHY_MAX]) MUST_CHECK;
struct identity *login_judge_peer(struct login *login, char why[LOGIN_WHY_MAX]) MUST_CHECK;
/* Whether identity->command is one that verbs_dispatch can run; true without one. */
bool login_command_is_verb(const struct identity *identity) MUST_CHECK;
/* All facts of both, the limits of both; NULL and why when they contradict each other. */
struct identity *login_join(const struct identity *before, const struct identity *more,
	char why[LOGIN_WHY_MAX]) MUST_CHECK;

/* login_ticket.c: judges attempt.proof as a ticket for the guest of the login name, then calls
 * login_auth_judged, now or later. */
void login_judge_ticket(struct login *login);
void login_ticket_finish(struct login *login);

#endif
