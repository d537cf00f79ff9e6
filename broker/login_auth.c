/*
 * Task: the course of a login: a proof is judged, recorded, delayed when it must be, answered; and
 * a second factor asked for where rules require one. Owner: the login.
 *
 * An attempt is judged when it comes and answered when it is due. A failure counts from the moment
 * it is judged, so that many attempts at once wait as long as many one after another.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth/throttle.h"
#include "broker/audit.h"
#include "broker/broker.h"
#include "broker/login_private.h"

#define BY_KEY                                                                                     \
	(FACT_BIT(FACT_KEY) | FACT_BIT(FACT_CERT) | FACT_BIT(FACT_PRINCIPAL) |                     \
		FACT_BIT(FACT_ENTITY) | FACT_BIT(FACT_ENTITY_ID) | FACT_BIT(FACT_ACCESS))

#define KEY_DELAY_MAX_US LOOP_SECOND /* nobody guesses a key, and many clients offer several */

/* --- the answer --- */

static int is_ticket(enum wire_method method)
{
	return method == WIRE_AUTH_PASSWORD || method == WIRE_AUTH_INTERACTIVE;
}

static const char *method_name(enum wire_method method)
{
	switch (method) {
	case WIRE_AUTH_NONE:
		return "none";
	case WIRE_AUTH_PROBE:
	case WIRE_AUTH_PUBLICKEY:
	case WIRE_AUTH_FORGED:
		return "publickey";
	case WIRE_AUTH_PASSWORD:
		return "password";
	case WIRE_AUTH_INTERACTIVE:
		return "keyboard-interactive";
	case WIRE_AUTH_PEER:
		return "peer";
	}
	return "unknown";
}

static void drop_attempt(struct login *login)
{
	struct attempt *a = &login->attempt;

	if (a->proof) {
		explicit_bzero(a->proof, a->proof_len);
		free(a->proof);
	}
	identity_destroy(a->identity);
	console_list_unref(a->consoles);
	*a = (struct attempt){0};
}

/* What may go on: once a factor is proved, only what is still missing. */
static unsigned methods_left(const struct login *login)
{
	return login->more ? login->more : broker_methods(login->options.broker);
}

static void say(struct login *login)
{
	struct attempt *a = &login->attempt;
	struct wire_verdict_msg m = {
		.verdict = (uint8_t)a->verdict, .methods = (uint8_t)methods_left(login)};
	const char *reason = login_is_local(login) ? a->why : "";
	int is_in = a->verdict == WIRE_ACCEPTED && a->method != WIRE_AUTH_PROBE, r;

	if (is_in)
		m.may_pty = login->identity->pty_allowed;
	r = line_send(&login->line, WIRE_VERDICT, &m, reason, strlen(reason));
	drop_attempt(login);
	if (r < 0)
		login_close(login, "door does not listen");
	else if (login_is_local(login) && !is_in)
		login_close(login, "refused"); /* the kernel's word will not change */
	else
		login->line.state = is_in ? WIRE_RUNNING : WIRE_FRESH;
}

void login_auth_on_verdict(void *arg)
{
	say(arg);
}

static void say_when_due(struct login *login)
{
	struct attempt *a = &login->attempt;
	uint64_t now = loop_now(login_loop(login));

	if (a->due <= now) {
		say(login);
		return;
	}
	a->state = ATTEMPT_DELAYED;
	loop_timer_set(login->verdict, a->due - now, LOOP_MSEC);
}

/* --- the record --- */

static void fill_record(
	const struct login *login, struct audit_record *r, const struct identity *identity)
{
	*r = (struct audit_record){.session = login->tag,
		.source = login->address,
		.login = login->name,
		.method = method_name(login->attempt.method),
		.client = login->client};
	if (identity) {
		r->identity = identity->text;
		r->fingerprint = *identity->fingerprint ? identity->fingerprint : NULL;
	}
}

/* Also of a key that is not known, so that one can see whose it was. */
static void record_refusal(struct login *login)
{
	const struct attempt *a = &login->attempt;
	char fingerprint[PUBKEY_FINGERPRINT_ROOM];
	struct audit_record r;

	fill_record(login, &r, a->identity);
	r.event = "login-refused";
	r.reason = a->why;
	if (!r.fingerprint && a->proof_len && !is_ticket(a->method)) {
		pubkey_fingerprint((struct span){a->proof, a->proof_len}, fingerprint);
		r.fingerprint = fingerprint;
	}
	audit_write(broker_audit(login->options.broker), &r);
	log_write(LOG_LEVEL_INFO, login->tag, "login as %s from %s refused: %s", login->name,
		login->address, a->why);
}

void login_auth_foreign(struct login *login)
{
	char why[LOGIN_WHY_MAX] = "";
	struct identity *identity = login_is_local(login) ? login_judge_peer(login, why) : NULL;
	struct audit_record r = {.event = "login-refused",
		.session = login->tag,
		.source = login->address,
		.login = login->name,
		.identity = identity ? identity->text : NULL,
		.client = login->client,
		.reason = "a way to log in that does not belong there"};

	audit_write(broker_audit(login->options.broker), &r);
	identity_destroy(identity);
}

/* --- guessing --- */

static int source_of(const struct login *login, struct net_address *source)
{
	return login->options.address ? address_parse(login->address, source) : -ENOENT;
}

static int64_t now_ms(const struct login *login)
{
	return (int64_t)(loop_now(login_loop(login)) / LOOP_MSEC);
}

/* What earlier failures from there cost this attempt, whatever comes of it. */
static uint64_t delay_us(const struct login *login)
{
	struct net_address source;

	if (source_of(login, &source) < 0)
		return 0;
	return throttle_delay(broker_throttle(login->options.broker), &source, now_ms(login)) *
	       LOOP_MSEC;
}

static void count_failure(const struct login *login)
{
	struct net_address source;

	if (source_of(login, &source) == 0)
		throttle_failed(broker_throttle(login->options.broker), &source, now_ms(login));
}

/* --- refused, or in --- */

static void refuse(struct login *login)
{
	struct attempt *a = &login->attempt;

	record_refusal(login);
	a->verdict = WIRE_DENIED;
	if (is_ticket(a->method)) {
		count_failure(login);
	} else {
		/* Clients offer all keys they have: a connection counts once, at its end. */
		uint64_t delay = delay_us(login);

		login->refused_keys++;
		a->due = loop_now(login_loop(login)) +
			 (delay < KEY_DELAY_MAX_US ? delay : KEY_DELAY_MAX_US);
	}
	say_when_due(login);
}

__attribute__((format(printf, 2, 3))) static void refuse_because(
	struct login *login, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(login->attempt.why, LOGIN_WHY_MAX, format, args);
	va_end(args);
	refuse(login);
}

static int set_who(struct login *login)
{
	const struct identity *id = login->identity;

	free(login->who);
	if (asprintf(&login->who, *id->comment ? "%s (%s)" : "%s", id->text, id->comment) < 0)
		login->who = NULL;
	return login->who ? 0 : -ENOMEM;
}

static void keep_key(struct login *login)
{
	struct attempt *a = &login->attempt;

	if (a->method != WIRE_AUTH_PUBLICKEY)
		return;
	free(login->key);
	login->key = a->proof;
	login->key_len = a->proof_len;
	a->proof = NULL;
}

static void let_in(struct login *login)
{
	struct attempt *a = &login->attempt;

	login->identity = a->identity;
	login->consoles = a->consoles;
	a->identity = NULL;
	a->consoles = NULL;
	keep_key(login);
	if (set_who(login) < 0 || login_make_grant(login) < 0) {
		login_close(login, "out of memory");
		return;
	}
	login->state = LOGIN_KNOWN;
	loop_timer_stop(login->timer);
	login->since = time(NULL);
	log_write(LOG_LEVEL_INFO, login->tag, "%s logged in as %s from %s, client %s", login->who,
		login->name, login->address, login->client);
	if (login->options.authenticated)
		login->options.authenticated(login->options.arg);
	a->verdict = WIRE_ACCEPTED;
	say_when_due(login);
}

static void on_recorded(void *arg, int error)
{
	struct login *login = arg;

	if (error < 0)
		refuse_because(login, "the audit's record cannot be written: %s", strerror(-error));
	else
		let_in(login);
}

static void record_and_let_in(struct login *login)
{
	struct audit_record r;

	fill_record(login, &r, login->attempt.identity);
	r.event = "login";
	login->attempt.state = ATTEMPT_RECORDING;
	audit_write_then(broker_audit(login->options.broker), &r, on_recorded, login);
}

/* A first factor, where some rule wants another one with it. */
static void ask_more(struct login *login, unsigned methods)
{
	struct attempt *a = &login->attempt;
	struct audit_record r;

	fill_record(login, &r, a->identity);
	r.event = "login-partial";
	audit_write(broker_audit(login->options.broker), &r);
	keep_key(login);
	identity_destroy(login->proved);
	login->proved = a->identity;
	a->identity = NULL;
	login->more = methods;
	a->verdict = WIRE_PARTIAL;
	say_when_due(login);
}

static unsigned methods_for(unsigned facts)
{
	unsigned methods = 0;

	if (facts & FACT_BIT(FACT_TICKET))
		methods |= WIRE_CAN_PASSWORD | WIRE_CAN_INTERACTIVE;
	if (facts & BY_KEY)
		methods |= WIRE_CAN_PUBLICKEY;
	return methods;
}

/* --- the judgement --- */

/* Puts what was proved before to what is proved now. */
static int join_factors(struct login *login)
{
	struct attempt *a = &login->attempt;
	struct identity *both;

	if (!login->proved)
		return 0;
	both = login_join(login->proved, a->identity, a->why);
	if (!both)
		return -EACCES;
	identity_destroy(a->identity);
	a->identity = both;
	return 0;
}

void login_auth_judged(struct login *login)
{
	const struct rules *rules = broker_access(login->options.broker)->rules;
	struct attempt *a = &login->attempt;
	unsigned methods;

	if (!a->identity || join_factors(login) < 0) {
		refuse(login);
		return;
	}
	if (!login_command_is_verb(a->identity)) {
		refuse_because(
			login, "the command of this key is no verb: %.120s", a->identity->command);
		return;
	}
	methods = methods_for(rules_missing_factors(rules, a->identity));
	if (rules_any(rules, a->identity) == 0 && methods == 0) {
		refuse_because(login, "%.140s: no [access] section is for it", a->identity->text);
		return;
	}
	if (a->method == WIRE_AUTH_PROBE) {
		a->verdict = WIRE_ACCEPTED;
		say_when_due(login);
	} else if (rules_any(rules, a->identity) == 0) {
		ask_more(login, methods);
	} else {
		record_and_let_in(login);
	}
}

/* --- keys --- */

static const char *fact_of(const struct identity *identity, enum fact_kind kind)
{
	size_t i;

	for (i = 0; i < identity->fact_count; i++) {
		if (identity->facts[i].kind == kind)
			return identity->facts[i].value;
	}
	return NULL;
}

static void on_consoles(void *arg, struct console_list *list)
{
	struct login *login = arg;

	if (!list) {
		refuse_because(login, "console_command gave no answer");
		return;
	}
	login->attempt.consoles = list;
	login_auth_judged(login);
}

static void judge_key(void *arg)
{
	struct login *login = arg;
	struct attempt *a = &login->attempt;
	struct external *external = broker_external(login->options.broker);
	const char *entity, *id;

	a->identity =
		login_judge_key(login, (struct span){a->proof, a->proof_len}, time(NULL), a->why);
	entity = a->identity ? fact_of(a->identity, FACT_ENTITY) : NULL;
	id = a->identity ? fact_of(a->identity, FACT_ENTITY_ID) : NULL;
	if (entity && id && a->method == WIRE_AUTH_PUBLICKEY && external_has_consoles(external))
		external_want_consoles(external, entity, id, on_consoles, login);
	else
		login_auth_judged(login);
}

/* --- the question --- */

static int set_name(struct login *login, const struct line_message *m, size_t len)
{
	free(login->name);
	login->name = NULL;
	if (len == 0 || memchr(m->payload, '\0', len))
		return -EINVAL;
	login->name = strndup((const char *)m->payload, len);
	return login->name ? 0 : -ENOMEM;
}

/* Takes the proof out of the line's buffer, where a password would lie about. */
static int set_proof(struct attempt *a, const struct line_message *m, size_t name_len)
{
	unsigned char *from = (unsigned char *)(uintptr_t)m->payload + name_len;

	a->proof_len = m->payload_len - name_len;
	a->proof = malloc(a->proof_len + 1);
	if (a->proof)
		memcpy(a->proof, from, a->proof_len);
	if (is_ticket(a->method))
		explicit_bzero(from, a->proof_len);
	return a->proof ? 0 : -ENOMEM;
}

static void judge(struct login *login)
{
	struct attempt *a = &login->attempt;
	struct broker *b = login->options.broker;

	switch (a->method) {
	case WIRE_AUTH_PEER:
		a->identity = login_judge_peer(login, a->why);
		login_auth_judged(login);
		break;
	case WIRE_AUTH_PROBE:
	case WIRE_AUTH_PUBLICKEY:
		if (external_has_keys(broker_external(b)))
			external_want_keys(broker_external(b), judge_key, login);
		else
			judge_key(login);
		break;
	case WIRE_AUTH_FORGED:
		refuse_because(login, "the signature is wrong");
		break;
	case WIRE_AUTH_PASSWORD:
	case WIRE_AUTH_INTERACTIVE:
		a->due = loop_now(login_loop(login)) + TICKET_ANSWER_US + delay_us(login);
		login_judge_ticket(login);
		break;
	case WIRE_AUTH_NONE: /* how a client asks what there is: no attempt */
		a->verdict = WIRE_DENIED;
		say(login);
		break;
	}
}

void login_auth_message(struct login *login, const struct line_message *m)
{
	struct attempt *a = &login->attempt;
	struct wire_auth auth;

	memcpy(&auth, m->fixed, sizeof(auth));
	if (login->state != LOGIN_UNKNOWN || a->state != ATTEMPT_NONE)
		return; /* it ends */
	a->state = ATTEMPT_JUDGING;
	a->method = auth.method;
	if (set_name(login, m, auth.login_len) < 0) {
		a->verdict = WIRE_DENIED;
		snprintf(a->why, LOGIN_WHY_MAX, "bad login name");
		say(login);
	} else if (set_proof(a, m, auth.login_len) < 0) {
		login_close(login, "out of memory");
	} else if (is_ticket(a->method) &&
		   !(broker_methods(login->options.broker) & WIRE_CAN_PASSWORD)) {
		refuse_because(login, "tickets are not in use");
	} else {
		judge(login);
	}
}

/* --- the end --- */

void login_auth_finish(struct login *login)
{
	struct broker *b = login->options.broker;

	if (login->attempt.state == ATTEMPT_JUDGING) {
		external_forget(broker_external(b), login);
		login_ticket_finish(login);
	}
	if (login->attempt.state == ATTEMPT_RECORDING)
		audit_forget(broker_audit(b), login);
	if (!login->identity && login->refused_keys)
		count_failure(login);
	drop_attempt(login);
	identity_destroy(login->proved);
	login->proved = NULL;
}

/* --- later --- */

/*
 * A key that was taken away or revoked is not accepted now, nor would it have been then. One that
 * has merely expired would, and a session outlives its certificate.
 */
static struct identity *judge_again(struct login *login, char why[LOGIN_WHY_MAX])
{
	struct span blob = {login->key, login->key_len};
	struct identity *identity = login_judge_key(login, blob, time(NULL), why);
	char other[LOGIN_WHY_MAX];

	return identity ? identity : login_judge_key(login, blob, login->since, other);
}

int login_judge_again(struct login *login, char why[LOGIN_REASON_MAX])
{
	struct identity *identity;
	char text[LOGIN_WHY_MAX] = "";

	/* An entity's keys come and go with the answers of the command. */
	if (!login->identity || !login->key || fact_of(login->identity, FACT_ENTITY))
		return 0;
	identity = judge_again(login, text);
	if (!identity) {
		snprintf(why, LOGIN_REASON_MAX, "your key is no longer accepted");
		log_write(LOG_LEVEL_INFO, login->tag, "%s is no longer accepted: %s",
			login_who(login), text);
		return -EACCES;
	}
	if (fact_of(login->identity, FACT_TICKET)) {
		identity_destroy(identity);
		return 0;
	}
	identity_destroy(login->identity);
	login->identity = identity;
	return 0;
}
