/*
 * Task: the course of a login: a proof is judged, recorded, delayed when it must be, answered; and
 * a second factor asked for where rules require one. Owner: the login.
 *
 * An attempt is judged when it comes and answered when it is due. A guess counts from the moment it
 * is judged, so that many at once wait as long as many one after another. A key is no guess: who
 * offers one shows what everybody may know, and who signs with one has it.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth/throttle.h"
#include "broker/access/access.h"
#include "broker/login/login_private.h"
#include "config/config.h"

/* --- the answer --- */

static void drop_attempt(struct login *login)
{
	struct attempt *a = &login->attempt;

	if (a->proof) {
		explicit_bzero(a->proof, a->proof_len);
		free(a->proof);
	}
	factor_finish(&a->factor);
	identity_destroy(a->identity);
	*a = (struct attempt){0};
}

/* What may go on: once a factor is proved, only what is still missing. */
static unsigned methods_left(const struct login *login)
{
	return login->more ? login->more : access_methods(login->options.context->access);
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
		login_close(login, "the door does not answer");
	else if (login_is_local(login) && !is_in)
		login_close(login, "refused"); /* the kernel's word will not change */
	else
		login->line.state = is_in ? WIRE_RUNNING : WIRE_FRESH;
}

void login_auth_on_verdict(void *arg)
{
	struct login *login = arg;

	if (login->attempt.state == ATTEMPT_DELAYED)
		say(login);
	else
		login_ticket_late(login);
}

static void say_when_due(struct login *login)
{
	struct attempt *a = &login->attempt;
	uint64_t now = loop_now(login_loop(login));

	loop_timer_stop(login->verdict);
	if (a->due <= now) {
		say(login);
		return;
	}
	a->state = ATTEMPT_DELAYED;
	loop_timer_set(login->verdict, a->due - now, LOOP_MSEC);
}

/* --- guessing --- */

/* Whether who tries this may be guessing. */
static bool is_guess(enum wire_method method)
{
	return login_is_ticket(method) || method == WIRE_AUTH_FORGED;
}

static int64_t now_ms(const struct login *login)
{
	return (int64_t)(loop_now(login_loop(login)) / LOOP_MSEC);
}

/* What earlier failures from there cost this attempt, whatever comes of it. */
static uint64_t delay_us(const struct login *login)
{
	struct net_address source;

	if (login_source(login, &source) < 0)
		return 0;
	return throttle_delay(login->options.context->throttle, &source, now_ms(login)) * LOOP_MSEC;
}

static void count_failure(struct login *login)
{
	struct net_address source;

	login->guesses++;
	if (login_source(login, &source) == 0)
		throttle_failed(login->options.context->throttle, &source, now_ms(login));
}

/* The same for every refused ticket, whatever is wrong and however long it took to see. */
static uint64_t refusal_us(const struct login *login)
{
	if (!login_is_ticket(login->attempt.method))
		return 0;
	return login->options.context->config->auth.vdsm_tickets ? VDSM_ANSWER_US
								 : TICKET_ANSWER_US;
}

/* --- refused, or in --- */

static void refuse(struct login *login)
{
	struct attempt *a = &login->attempt;

	login_record_refusal(login);
	a->verdict = WIRE_DENIED;
	if (is_guess(a->method)) {
		a->due = a->begun + refusal_us(login) + delay_us(login);
		count_failure(login);
	} else {
		login->others++;
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

/* The attempt's proof belongs to the login from now on. */
static void take_factor(struct login *login)
{
	struct attempt *a = &login->attempt;

	login->factors[login->factor_count++] = a->factor;
	a->factor = (struct factor){0};
}

/* What was judged may have been taken back while it was recorded or a helper asked. False: the
 * login has ended. */
static bool is_still_good(struct login *login, enum login_extent extent)
{
	char why[LOGIN_WHY_MAX] = "";

	if (!login->attempt.again || login_renew(login, extent, why) == 0)
		return true;
	login_record_end(login, why);
	login_end(login, STATUS_DENIED, "permission denied");
	return false;
}

static int set_who(struct login *login)
{
	const struct identity *id = login->identity;

	free(login->who);
	if (asprintf(&login->who, *id->comment ? "%s (%s)" : "%s", id->text, id->comment) < 0)
		login->who = NULL;
	return login->who ? 0 : -ENOMEM;
}

static void let_in(struct login *login)
{
	struct attempt *a = &login->attempt;

	take_factor(login);
	if (!is_still_good(login, LOGIN_WHOLE))
		return;
	if (!login->identity) {
		login->identity = a->identity;
		a->identity = NULL;
	}
	if (set_who(login) < 0 || login_make_grant(login) < 0) {
		login_close(login, "out of memory");
		return;
	}
	login->state = LOGIN_KNOWN;
	loop_timer_stop(login->timer);
	login_watch_expiry(login);
	login->since = time(NULL);
	login_count(login, LOGIN_ACCEPTED);
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

	if (error < 0) {
		login_give_back_tickets(login);
		refuse_because(login, "the audit's record cannot be written: %s", strerror(-error));
	} else {
		let_in(login);
	}
}

static void record_and_let_in(struct login *login)
{
	if (login_use_tickets(login) < 0) {
		refuse_because(login, "the ticket has been used meanwhile");
		return;
	}
	login->attempt.state = ATTEMPT_RECORDING;
	login_record_then(login, on_recorded);
}

/* A first factor, where some rule wants another one with it. */
static void ask_more(struct login *login, unsigned methods)
{
	struct attempt *a = &login->attempt;

	login_record_partial(login);
	take_factor(login);
	if (!is_still_good(login, LOGIN_HALF))
		return;
	login_watch_expiry(login);
	login->others++;
	login->more = methods;
	a->verdict = WIRE_PARTIAL;
	say_when_due(login);
}

/* --- the judgement --- */

static void judged(struct login *login)
{
	struct attempt *a = &login->attempt;
	unsigned methods = 0;
	int enough;

	if (a->factor.identity)
		a->identity = login_whole(login->options.context, login->factors,
			login->factor_count, &a->factor, a->why);
	if (!a->identity) {
		refuse(login);
		return;
	}
	enough = login_enough(login, a->identity, &methods);
	if (login_is_ticket(a->method))
		a->due = a->begun + TICKET_ANSWER_US + delay_us(login);
	if (enough < 0) {
		refuse_because(login, "%.80s: no [access] section is for it%s", a->identity->text,
			login_is_local(login) ? ": call it as root, or add this to who of one"
					      : "");
	} else if (a->method == WIRE_AUTH_PROBE) {
		login->others++;
		a->verdict = WIRE_ACCEPTED;
		say_when_due(login);
	} else if (enough == 0) {
		record_and_let_in(login);
	} else if (login->factor_count + 1 < FACTORS_MAX) {
		ask_more(login, methods);
	} else {
		refuse_because(login, "too many factors");
	}
}

/* --- keys --- */

static void on_consoles(void *arg, struct ovirt_consoles *list)
{
	struct login *login = arg;

	if (!list) {
		refuse_because(login, "console_command gave no answer");
		return;
	}
	login->attempt.factor.identity->consoles = list;
	judged(login);
}

static int take_key(struct attempt *a)
{
	a->factor.key = malloc(a->proof_len + 1);
	if (!a->factor.key)
		return -ENOMEM;
	memcpy(a->factor.key, a->proof, a->proof_len);
	a->factor.key_len = a->proof_len;
	return 0;
}

static void judge_key(void *arg)
{
	struct login *login = arg;
	struct attempt *a = &login->attempt;
	struct external *external = login->options.context->external;
	const struct login_origin from = login_origin_of(login);
	const char *entity = NULL, *id = NULL;

	a->factor.identity =
		login_judge_key(&from, (struct span){a->proof, a->proof_len}, time(NULL), a->why);
	if (a->factor.identity && take_key(a) < 0) {
		login_close(login, "out of memory");
		return;
	}
	if (a->factor.identity) {
		entity = identity_fact(a->factor.identity, FACT_ENTITY);
		id = identity_fact(a->factor.identity, FACT_ENTITY_ID);
	}
	if (entity && id && a->method == WIRE_AUTH_PUBLICKEY && external_has_consoles(external))
		external_want_consoles(external, entity, id, on_consoles, login);
	else
		judged(login);
}

static void judge_certificate(struct login *login)
{
	struct attempt *a = &login->attempt;
	const struct login_origin from = login_origin_of(login);

	a->factor.identity = login_judge_certificate(
		&from, (struct span){a->proof, a->proof_len}, time(NULL), a->why);
	a->factor.by_certificate = 1;
	if (a->factor.identity && take_key(a) < 0)
		login_close(login, "out of memory");
	else
		judged(login);
}

/* --- the question --- */

static void drop_factors(struct login *login)
{
	while (login->factor_count > 0)
		factor_finish(&login->factors[--login->factor_count]);
	login->more = 0;
}

/* Who says another name begins anew (RFC 4252 section 5). */
static int set_name(struct login *login, const struct line_message *m, size_t len)
{
	char *name;

	if (len == 0 || memchr(m->payload, '\0', len))
		return -EINVAL;
	name = strndup((const char *)m->payload, len);
	if (!name)
		return -ENOMEM;
	if (login->name && strcmp(login->name, name) != 0)
		drop_factors(login);
	free(login->name);
	login->name = name;
	return 0;
}

/* Takes the proof out of the line's buffer, where a password would lie about. */
static int set_proof(struct attempt *a, const struct line_message *m, size_t name_len)
{
	unsigned char *from = (unsigned char *)(uintptr_t)m->payload + name_len;

	a->proof_len = m->payload_len - name_len;
	a->proof = malloc(a->proof_len + 1);
	if (a->proof)
		memcpy(a->proof, from, a->proof_len);
	if (login_is_ticket(a->method))
		explicit_bzero(from, a->proof_len);
	return a->proof ? 0 : -ENOMEM;
}

static void judge(struct login *login)
{
	struct attempt *a = &login->attempt;
	const struct broker_context *context = login->options.context;
	const struct login_origin from = login_origin_of(login);

	switch (a->method) {
	case WIRE_AUTH_PEER:
		a->factor.identity = login_judge_peer(&from, a->why);
		judged(login);
		break;
	case WIRE_AUTH_PROBE:
	case WIRE_AUTH_PUBLICKEY:
		if (external_has_keys(context->external))
			external_want_keys(context->external, judge_key, login);
		else
			judge_key(login);
		break;
	case WIRE_AUTH_CERTIFICATE:
		if (login->options.kind == LOGIN_HTTP) /* a door that says so is broken */
			refuse_because(login, "plain http shows no certificate");
		else
			judge_certificate(login);
		break;
	case WIRE_AUTH_FORGED:
		refuse_because(login, "the signature is wrong");
		break;
	case WIRE_AUTH_UNUSABLE:
		refuse_because(login, "%.*s", (int)a->proof_len, (const char *)a->proof);
		break;
	case WIRE_AUTH_PASSWORD:
	case WIRE_AUTH_INTERACTIVE:
		login_judge_ticket(login);
		break;
	case WIRE_AUTH_NONE:
		if (login_is_web(login)) {
			a->factor.identity = login_judge_nobody(&from, a->why);
			judged(login);
			break;
		}
		/* How a client of ssh asks what there is: no attempt. */
		login->others++;
		a->verdict = WIRE_DENIED;
		say(login);
		break;
	}
}

/* --- beginning --- */

static void cancel(struct login *login)
{
	const struct broker_context *context = login->options.context;

	switch (login->attempt.state) {
	case ATTEMPT_JUDGING:
		external_forget(context->external, login);
		break;
	case ATTEMPT_QUEUED:
	case ATTEMPT_ASKED:
		login_ticket_cancel(login);
		break;
	case ATTEMPT_RECORDING:
		audit_forget(context->audit, login);
		break;
	case ATTEMPT_NONE:
	case ATTEMPT_DELAYED:
		break;
	}
	loop_timer_stop(login->verdict);
	drop_attempt(login);
}

/* A door ends the connection itself after so many refused ones. This ends the line of one that does
 * not, and of a client that goes on with what is not refused and lets nobody in: each such attempt
 * is judged, and some are recorded. */
static bool has_tried_enough(const struct login *login)
{
	return login->guesses >= login->options.context->config->ssh.max_auth_tries ||
	       login->others >= WIRE_ATTEMPTS_MAX;
}

void login_auth_message(struct login *login, const struct line_message *m)
{
	struct attempt *a = &login->attempt;
	struct wire_auth auth;

	memcpy(&auth, m->fixed, sizeof(auth));
	if (login->state != LOGIN_UNKNOWN || a->state != ATTEMPT_NONE)
		return; /* it ends */
	if (has_tried_enough(login)) {
		login_close(login, "too many attempts to log in");
		return;
	}
	a->state = ATTEMPT_JUDGING;
	a->judged = judged;
	a->cancel = cancel;
	a->method = auth.method;
	a->begun = loop_now(login_loop(login));
	if (set_name(login, m, auth.login_len) < 0) {
		login->others++;
		a->verdict = WIRE_DENIED;
		snprintf(a->why, LOGIN_WHY_MAX, "bad login name");
		say(login);
	} else if (set_proof(a, m, auth.login_len) < 0) {
		login_close(login, "out of memory");
	} else if (login_is_ticket(a->method) &&
		   !(access_methods(login->options.context->access) & WIRE_CAN_PASSWORD)) {
		refuse_because(login, "tickets are not in use");
	} else {
		judge(login);
	}
}
