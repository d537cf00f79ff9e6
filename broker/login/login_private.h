/*
 * What the parts of a login share. Each needs only those after it: login.c (beginning, line,
 * channels), login_auth.c (the course of a login), login_ticket.c, login_again.c (is it still
 * good), login_end.c, login_record.c (its audit), login_cure.c, login_proof.c (keys, certificates,
 * peers, what all proofs together come to), maker.c (who makes tickets), login_factor.c,
 * login_rights.c, login_facts.c. Nobody else includes it.
 */
#ifndef BROKER_LOGIN_LOGIN_PRIVATE_H
#define BROKER_LOGIN_LOGIN_PRIVATE_H

#include <stdbool.h>

#include "auth/login.h"
#include "auth/tickets.h"
#include "broker/audit/audit.h"
#include "broker/command/external.h"
#include "broker/login/login.h"
#include "broker/login/login_counts.h"
#include "core/log.h"
#include "core/text/net_address.h"
#include "wire/line.h"

#define TICKET_ANSWER_US (250 * LOOP_MSEC) /* no answer to a ticket comes sooner than this */
/* Where libvirt is asked, a refusal comes then: it says nothing about how long libvirt took. */
#define VDSM_ANSWER_US (2 * LOOP_SECOND)
#define FACTORS_MAX 4
#define EXPIRY_LOOK_US (60 * LOOP_SECOND) /* the clock may be set meanwhile */
#define EXPIRY_TICK_US (20 * LOOP_MSEC)

struct hypervisor_query;
struct maker;

enum login_state { LOGIN_UNKNOWN, LOGIN_KNOWN, LOGIN_ENDING, LOGIN_SAID_BYE, LOGIN_CLOSED };

/* One proof that held, kept so that it can be judged again. */
struct factor {
	struct identity *identity;
	uint8_t *key; /* a public key, or a certificate; NULL: neither */
	size_t key_len;
	int by_certificate; /* key is X.509 in DER, shown by TLS */
	int by_ticket;      /* one of ours: claim and maker are set */
	struct ticket_claim claim;
	struct maker *maker; /* of the ticket; a reference */
};

/* Where a proof came from, and what it is judged by. */
struct login_origin {
	const struct broker_context *context;
	enum login_kind kind;
	const char *address; /* numeric; NULL: a unix socket */
	uid_t uid;           /* at the other end of that */
};

enum attempt_state {
	ATTEMPT_NONE,
	ATTEMPT_JUDGING,   /* waits for a helper command */
	ATTEMPT_QUEUED,    /* a ticket: others from its source are asked about before it */
	ATTEMPT_ASKED,     /* a ticket: waits for a hypervisor */
	ATTEMPT_RECORDING, /* waits for the audit's record */
	ATTEMPT_DELAYED,   /* judged; the answer is not due yet */
};

/* One AUTH, from the question to its VERDICT. */
struct attempt {
	enum attempt_state state;
	void (*judged)(struct login *login); /* goes on: factor is set, or the reason is in why */
	void (*cancel)(struct login *login); /* nothing of it comes back to the login any more */
	enum wire_method method;
	uint8_t *proof; /* key or password; wiped when it goes */
	size_t proof_len;
	uint64_t begun;            /* loop time */
	uint64_t due;              /* loop time before which the answer does not go out */
	struct factor factor;      /* without identity: refused */
	struct identity *identity; /* what all factors come to together */
	int again;                 /* keys or rules have changed since it was judged */
	struct hypervisor_query *query;
	struct uuid asked_about; /* the guest; all zero: there is none */
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
	struct loop_timer *verdict; /* runs while an answer is delayed or a hypervisor is asked */
	struct loop_timer *expiry;  /* runs while something that was proved has an end */
	char tag[LOG_TAG_MAX];
	char address[64];
	struct ucred peer;
	char *name;
	char client[WIRE_VERSION_MAX + 1];
	char *who;
	struct attempt attempt;
	unsigned guesses, others; /* attempts that let nobody in: what could be guessed, or not */
	struct factor factors[FACTORS_MAX];
	size_t factor_count; /* not 0, and nobody is known: a login that needs more of them */
	unsigned more;       /* the methods that could prove those; 0: any */
	struct identity *identity;
	struct grant *grant;
	struct channel_owner channel_owner;
	struct channel_list channels;
	unsigned channel_count, channel_number;
	int64_t since;
	struct wire_bye bye;
	char *bye_reason;
};

/* login_rights.c */
int login_make_grant(struct login *login) MUST_CHECK;
void login_forget_rights(struct login *login);

/* login_end.c */
void login_say_bye(struct login *login);
void login_channel_closed(struct login *login, const struct audit_trail *trail);

/* login_facts.c */
/* 0; -ENOENT: it is no address. */
int login_source(const struct login *login, struct net_address *source) MUST_CHECK;

/* login_auth.c */
void login_auth_message(struct login *login, const struct line_message *m);
void login_auth_on_verdict(void *arg); /* the timer */

/* login_cure.c: what would let the attempt in that was refused, a clause for the log; or "".
 * fingerprint: of the key it showed, or NULL. It may hold foreign bytes. */
#define LOGIN_CURE_MAX 768
void login_cure(const struct login *login, const char *fingerprint, char out[LOGIN_CURE_MAX]);

/* Which kind of line it comes over. */
static inline enum wire_line login_kind_line(enum login_kind kind)
{
	static const enum wire_line lines[LOGIN_KINDS] = {[LOGIN_SSH] = WIRE_LOGIN,
		[LOGIN_HTTPS] = WIRE_HTTPS,
		[LOGIN_HTTP] = WIRE_HTTPS,
		[LOGIN_LOCAL] = WIRE_LOCAL};

	return lines[kind];
}

/* login_record.c: the audit's records, and a line in the log */
bool login_is_ticket(enum wire_method method);
void login_record_partial(struct login *login);
/* For the metrics: what has become of the attempt. */
void login_count(const struct login *login, enum login_result result);
void login_record_then(struct login *login, audit_done_fn done);
/* Of the attempt; also of a key that is not known, so that one can see whose it was. */
void login_record_refusal(struct login *login);
/* It tried a proof that its kind of line cannot vouch for. */
void login_record_foreign(struct login *login);
/* Of who was in, or half in, and is not good any more. */
void login_record_end(struct login *login, const char *why);
/* For records of its channels: an audit_who_fn, arg the login. */
void login_record_who(void *arg, struct audit_record *r);

/* login_proof.c: *identity, or NULL and the reason in why. */
struct login_origin login_origin_of(const struct login *login); /* looks into it */
struct identity *login_judge_key(const struct login_origin *from, struct span blob, int64_t now,
	char why[LOGIN_WHY_MAX]) MUST_CHECK;
/* The same for a certificate in DER that a client has shown by TLS. */
struct identity *login_judge_certificate(const struct login_origin *from, struct span der,
	int64_t now, char why[LOGIN_WHY_MAX]) MUST_CHECK;
/* Who shows nothing over https, where that is enough for anything: known by its address. */
struct identity *login_judge_nobody(
	const struct login_origin *from, char why[LOGIN_WHY_MAX]) MUST_CHECK;
struct identity *login_judge_peer(
	const struct login_origin *from, char why[LOGIN_WHY_MAX]) MUST_CHECK;
/* What all of them come to, and more (may be NULL), with the limits of each and of the command. */
struct identity *login_whole(const struct broker_context *context, const struct factor *factors,
	size_t count, const struct factor *more, char why[LOGIN_WHY_MAX]) MUST_CHECK;
/* Whether that is enough: 0; 1: with another factor, by one of *methods; -EPERM: by no rule. */
int login_enough(
	const struct login *login, const struct identity *whole, unsigned *methods) MUST_CHECK;

/* login_factor.c: judges one proof as of now, the maker of a ticket left aside. */
struct identity *login_judge_factor(const struct login_origin *from, const struct factor *f,
	char why[LOGIN_WHY_MAX]) MUST_CHECK;

/* Has the helper commands asked again about the entities in them. */
void factors_ask_again(
	const struct broker_context *context, const struct factor *factors, size_t count);

/* maker.c */
void factor_finish(struct factor *f);
/*
 * Limits the identity of who came by this maker's ticket for a guest to what the maker may now, and
 * to his time. 0; -EACCES: he may make no ticket for it, with the reason in why; -ENOMEM.
 */
int maker_limit(const struct maker *m, struct identity *identity, const struct guest *guest,
	char why[LOGIN_WHY_MAX]) MUST_CHECK;

/* login_ticket.c: judges attempt.proof as a ticket for the guest of the login name, then calls
 * attempt.judged, now or later. */
void login_judge_ticket(struct login *login);
/* Libvirt has not answered in time. */
void login_ticket_late(struct login *login);
void login_ticket_cancel(struct login *login);
/* Takes one use of each ticket among its factors. -EACCES: one has gone meanwhile; none is taken.
 */
int login_use_tickets(struct login *login) MUST_CHECK;
void login_give_back_tickets(struct login *login);

/* login_again.c: judges all factors as of now; LOGIN_WHOLE: they must be enough, and their identity
 * is the login's then. 0; -EACCES: one does not hold, -EPERM: no rule is left, with the reason in
 * why. */
enum login_extent { LOGIN_HALF, LOGIN_WHOLE };
int login_renew(struct login *login, enum login_extent extent, char why[LOGIN_WHY_MAX]) MUST_CHECK;
/* Sets the timer to the earliest end of what was proved. */
void login_watch_expiry(struct login *login);
void login_on_expiry(void *arg);

#endif
