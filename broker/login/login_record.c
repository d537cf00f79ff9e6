/* Task: the audit's records of a login, and its lines in the log. Owner: the login. Judges nothing.
 */
#include <stdbool.h>
#include <stdio.h>

#include "broker/login/login_private.h"
#include "broker/audit/deeds.h"
#include "broker/audit/refusals.h"
#include "config/config.h"

bool login_is_ticket(enum wire_method method)
{
	return method == WIRE_AUTH_PASSWORD || method == WIRE_AUTH_INTERACTIVE;
}

void login_record_who(void *arg, struct audit_record *r)
{
	const struct login *login = arg;
	const struct identity *identity = login->identity;

	r->source = login->address;
	r->login = login_name(login);
	r->identity = identity ? identity->text : NULL;
	r->fingerprint = identity && *identity->fingerprint ? identity->fingerprint : NULL;
}

static void fill(const struct login *login, const struct identity *identity, struct audit_record *r)
{
	*r = (struct audit_record){.session = login->tag,
		.protocol = login_kind_name(login->options.kind),
		.source = login->address,
		.login = login->name,
		.client = login->client};
	if (identity) {
		r->identity = identity->text;
		r->fingerprint = *identity->fingerprint ? identity->fingerprint : NULL;
	}
}

static void fill_attempt(const struct login *login, const char *event, struct audit_record *r)
{
	const struct attempt *a = &login->attempt;

	fill(login, a->identity ? a->identity : a->factor.identity, r);
	r->method = a->method == WIRE_AUTH_UNUSABLE ? NULL /* the reason says what it was */
						    : login_method_name(a->method);
	r->event = event;
}

void login_count(const struct login *login, enum login_result result)
{
	login_counts_add(
		login->options.context->counts, login->options.kind, login->attempt.method, result);
}

void login_record_partial(struct login *login)
{
	struct audit_record r;

	fill_attempt(login, "login-partial", &r);
	deeds_write(login->options.context->deeds, &r, true);
	login_count(login, LOGIN_PARTIAL);
}

void login_record_then(struct login *login, audit_done_fn done)
{
	struct audit_record r;

	fill_attempt(login, "login", &r);
	if (login->options.context->config->audit.strict) {
		audit_write_then(login->options.context->audit, &r, done, login);
		return;
	}
	deeds_write(login->options.context->deeds, &r, true);
	done(login, 0);
}

#define SOURCE_ROOM 64

static const char *source_of(const struct login *login, char room[SOURCE_ROOM])
{
	if (!login_is_local(login))
		return login->address;
	snprintf(room, SOURCE_ROOM, "uid %u", (unsigned)login->peer.uid);
	return room;
}

/* Anybody can make any number of them. True: it is worth a line in the log. */
static bool add_refusal(const struct login *login, const struct audit_record *r)
{
	char room[SOURCE_ROOM];

	return refusals_add(login->options.context->refusals, source_of(login, room), r);
}

/* The cure once for each key and source: an agent offers all its keys again and again. */
static void log_refusal(const struct login *login, const char *fingerprint)
{
	struct refusals *refusals = login->options.context->refusals;
	char cure[LOGIN_CURE_MAX], room[SOURCE_ROOM];

	login_cure(login, fingerprint, cure);
	if (*cure && !refusals_is_new(refusals, source_of(login, room), cure))
		cure[0] = '\0';
	log_write(LOG_LEVEL_INFO, login->tag, "login as %s from %s refused: %s%s%s%s%s",
		login->name, login->address, login->attempt.why, fingerprint ? "; key " : "",
		fingerprint ? fingerprint : "", *cure ? "; " : "", cure);
}

void login_record_refusal(struct login *login)
{
	const struct attempt *a = &login->attempt;
	char fingerprint[PUBKEY_FINGERPRINT_ROOM];
	struct audit_record r;

	fill_attempt(login, "login-refused", &r);
	login_count(login, LOGIN_REFUSED);
	r.reason = a->why;
	if (!r.fingerprint && a->proof_len && login_method_is_key(a->method)) {
		pubkey_fingerprint((struct span){a->proof, a->proof_len}, fingerprint);
		r.fingerprint = fingerprint;
	}
	if (add_refusal(login, &r))
		log_refusal(login, r.fingerprint);
}

void login_record_foreign(struct login *login)
{
	char why[LOGIN_WHY_MAX] = "";
	const struct login_origin from = login_origin_of(login);
	struct identity *identity = login_is_local(login) ? login_judge_peer(&from, why) : NULL;
	struct audit_record r;

	fill(login, identity, &r);
	r.event = "login-refused";
	r.reason = "a way to log in that does not belong there";
	(void)add_refusal(login, &r);
	identity_destroy(identity);
}

void login_record_end(struct login *login, const char *why)
{
	const struct identity *identity =
		login->identity ? login->identity : login->factors[0].identity;
	struct audit_record r;

	fill(login, identity, &r);
	r.event = "login-ended";
	r.reason = why;
	deeds_write(login->options.context->deeds, &r, true);
	log_write(LOG_LEVEL_INFO, login->tag, "%s is no longer accepted: %s",
		login->who ? login->who : identity->text, why);
}
