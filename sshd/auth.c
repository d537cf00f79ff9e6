/*
 * Task: the conversation of a login. Owner: the session.
 * Decides nothing: who may come in is the broker's to say.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "sshd/auth.h"

void auth_init(struct auth *auth, struct context *context, ssh_session ssh, struct line *line)
{
	memset(auth, 0, sizeof(*auth));
	auth->context = context;
	auth->ssh = ssh;
	auth->line = line;
	auth->methods = context->settings.methods;
}

static void forget(ssh_message *message)
{
	if (*message)
		ssh_message_free(*message); /* wipes a password */
	*message = NULL;
}

static void forget_held(struct auth *auth)
{
	forget(&auth->held);
}

/* The first refused one is kept: any can be refused with it. */
static void keep_spare(struct auth *auth)
{
	char *password;

	if (auth->spare || !auth->held) {
		forget_held(auth);
		return;
	}
	password = (char *)(uintptr_t)ssh_message_auth_password(auth->held);
	if (password)
		explicit_bzero(password, strlen(password));
	auth->spare = auth->held;
	auth->held = NULL;
}

/* libssh keeps the answers until the next exchange; wipe them where they lie. */
static void wipe_answers(struct auth *auth)
{
	int i, n = ssh_userauth_kbdint_getnanswers(auth->ssh);

	for (i = 0; i < n; i++) {
		char *answer =
			(char *)(uintptr_t)ssh_userauth_kbdint_getanswer(auth->ssh, (unsigned)i);

		if (answer)
			explicit_bzero(answer, strlen(answer));
	}
}

void auth_finish(struct auth *auth)
{
	forget_held(auth);
	forget(&auth->spare);
	free(auth->login);
	auth->login = NULL;
}

static enum auth_step over(struct auth *auth, const char *reason)
{
	forget_held(auth);
	auth->reason = reason;
	return AUTH_OVER;
}

static void set_methods(struct auth *auth, unsigned methods)
{
	int list = 0;

	auth->methods = methods;
	if (methods & WIRE_CAN_PUBLICKEY)
		list |= SSH_AUTH_METHOD_PUBLICKEY;
	if (methods & WIRE_CAN_PASSWORD)
		list |= SSH_AUTH_METHOD_PASSWORD;
	if (methods & WIRE_CAN_INTERACTIVE)
		list |= SSH_AUTH_METHOD_INTERACTIVE;
	ssh_set_auth_methods(auth->ssh, list);
}

/* Whether who tries this may be guessing. A key that is offered, or signed with, is no guess. */
static bool is_guess(enum wire_method method)
{
	return method == WIRE_AUTH_PASSWORD || method == WIRE_AUTH_INTERACTIVE ||
	       method == WIRE_AUTH_FORGED;
}

/* Refuses the held request, and counts it as what it was. An agent may hold many keys, of which the
 * last one is right; and clients begin with asking what there is, which takes no place of a key. */
static enum auth_step refuse(struct auth *auth)
{
	if (is_guess(auth->method))
		auth->guesses++;
	else if (auth->method == WIRE_AUTH_NONE && !auth->has_asked)
		auth->has_asked = true;
	else
		auth->offers++;
	if (auth->guesses >= auth->context->settings.max_auth_tries)
		return over(auth, "too many authentication failures");
	if (auth->offers > WIRE_OFFERS_MAX)
		return over(auth, "too many keys were offered");
	if (!auth->methods) /* libssh would take an empty list for a default one */
		return over(auth, "no authentication method left");
	if (!auth->held && !auth->spare)
		return over(auth, auth->lost_reason);
	ssh_message_reply_default(auth->held ? auth->held : auth->spare);
	keep_spare(auth);
	return AUTH_GOING_ON;
}

/* Once, before the first question and the first answer. */
static int introduce(struct auth *auth)
{
	const char *version = ssh_get_clientbanner(auth->ssh);
	size_t len = version ? strlen(version) : 0;

	if (auth->introduced)
		return 0;
	auth->introduced = true;
	set_methods(auth, auth->methods);
	if (auth->context->banner)
		ssh_send_issue_banner(auth->ssh, auth->context->banner);
	return line_send(auth->line, WIRE_CLIENT, NULL, version,
		len > WIRE_VERSION_MAX ? WIRE_VERSION_MAX : len);
}

static enum auth_step ask(struct auth *auth, const char *login, const void *proof, size_t len)
{
	struct wire_auth question = {.method = (uint8_t)auth->method};
	size_t login_len = strlen(login);

	if (login_len > WIRE_LOGIN_MAX || len > WIRE_PROOF_MAX)
		return refuse(auth);
	question.login_len = (uint16_t)login_len;
	if (line_send2(auth->line, WIRE_AUTH, &question, login, login_len, proof, len) < 0)
		return over(auth, "the broker does not listen");
	auth->asked = true;
	return AUTH_ASKING;
}

/* What no broker can judge: it records why it is refused. */
__attribute__((format(printf, 3, 4))) static enum auth_step ask_unusable(
	struct auth *auth, const char *login, const char *format, ...)
{
	char why[AUTH_REASON_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	auth->method = WIRE_AUTH_UNUSABLE;
	return ask(auth, *login ? login : "?", why, strlen(why));
}

static enum auth_step ask_publickey(struct auth *auth, const char *login)
{
	ssh_key key = ssh_message_auth_pubkey(auth->held);
	unsigned char *blob;
	enum auth_step step;
	size_t len;

	/* libssh has checked the signature; what was wrong with one never gets here. */
	if (!auth_key_type_known(ssh_key_type(key)))
		return ask_unusable(auth, login, "keys of type %s are not accepted",
			ssh_key_type_to_char(ssh_key_type(key)));
	auth->method = ssh_message_auth_publickey_state(auth->held) == SSH_PUBLICKEY_STATE_VALID
			       ? WIRE_AUTH_PUBLICKEY
			       : WIRE_AUTH_PROBE;
	if (auth_key_blob(key, &blob, &len) < 0)
		return refuse(auth);
	step = ask(auth, login, blob, len);
	free(blob);
	return step;
}

static enum auth_step prompt(struct auth *auth, const char *login)
{
	/* Programs that give passwords away wait for "assword". */
	const char *prompts[] = {"Password (ticket): "};
	char echo[] = {0};

	auth->method = WIRE_AUTH_INTERACTIVE;
	if (!(auth->methods & WIRE_CAN_INTERACTIVE))
		return ask_unusable(auth, login, "tickets are not in use");
	free(auth->login);
	auth->login = strdup(login);
	if (!auth->login || ssh_message_auth_interactive_request(
				    auth->held, "", "", 1, prompts, echo) != SSH_OK)
		return over(auth, "out of memory");
	forget_held(auth);
	return AUTH_GOING_ON;
}

static enum auth_step answered(struct auth *auth)
{
	const char *answer = NULL;
	enum auth_step step;

	auth->method = WIRE_AUTH_INTERACTIVE;
	if (ssh_userauth_kbdint_getnanswers(auth->ssh) == 1)
		answer = ssh_userauth_kbdint_getanswer(auth->ssh, 0);
	if (!auth->login || !answer)
		step = refuse(auth);
	else
		step = ask(auth, auth->login, answer, strlen(answer));
	wipe_answers(auth);
	free(auth->login);
	auth->login = NULL;
	return step;
}

/* Of keyboard-interactive: another message than the request. */
static bool is_response(ssh_message message)
{
	return ssh_message_subtype(message) == SSH_AUTH_METHOD_INTERACTIVE &&
	       ssh_message_auth_kbdint_is_response(message);
}

static enum auth_step take_auth(struct auth *auth)
{
	const char *login = ssh_message_auth_user(auth->held);
	const char *password;

	if (introduce(auth) < 0)
		return over(auth, "the broker does not listen");
	if (is_response(auth->held))
		return answered(auth);
	if (!login)
		return over(auth, "malformed authentication request");
	switch (ssh_message_subtype(auth->held)) {
	case SSH_AUTH_METHOD_NONE:
		auth->method = WIRE_AUTH_NONE;
		return ask(auth, login, NULL, 0);
	case SSH_AUTH_METHOD_PUBLICKEY:
		return ask_publickey(auth, login);
	case SSH_AUTH_METHOD_PASSWORD:
		auth->method = WIRE_AUTH_PASSWORD;
		password = ssh_message_auth_password(auth->held);
		return password ? ask(auth, login, password, strlen(password)) : refuse(auth);
	case SSH_AUTH_METHOD_INTERACTIVE:
		return prompt(auth, login);
	default: /* hostbased and whatever else there is */
		return ask_unusable(auth, login, "the method is not offered");
	}
}

static enum auth_step take_message(struct auth *auth)
{
	switch (ssh_message_type(auth->held)) {
	case SSH_REQUEST_AUTH:
		auth->taken += !is_response(auth->held);
		return take_auth(auth);
	case SSH_REQUEST_SERVICE:
		if (strcmp(ssh_message_service_service(auth->held), "ssh-userauth") != 0)
			return over(auth, "unknown service requested");
		ssh_message_reply_default(auth->held); /* accepts */
		forget_held(auth);
		auth->begun = true;
		return AUTH_GOING_ON;
	default:
		ssh_message_reply_default(auth->held); /* refuses */
		forget_held(auth);
		return AUTH_GOING_ON;
	}
}

/* --- what libssh has dropped --- */

/* Not during the key exchange, of which libssh has much to tell. */
void auth_hear(struct auth *auth)
{
	if (auth->begun)
		hearing_begin(&auth->context->hearing, true);
}

void auth_heard(struct auth *auth)
{
	const struct hearing *hearing = &auth->context->hearing;

	if (!auth->begun)
		return;
	hearing_end();
	auth->came += hearing->logins;
	if (hearing->logins)
		auth->last = hearing->last;
}

/* Looks at the socket as well when nothing is queued. */
static ssh_message next_message(struct auth *auth)
{
	ssh_message message;

	auth_hear(auth);
	message = ssh_message_get(auth->ssh);
	auth_heard(auth);
	return message;
}

/* One that libssh began with and handed over no message for. */
static enum auth_step take_lost(struct auth *auth)
{
	const struct heard_login *last = &auth->last;

	auth->taken++;
	if (introduce(auth) < 0)
		return over(auth, "the broker does not listen");
	if (*last->algorithm) {
		snprintf(auth->lost_reason, sizeof(auth->lost_reason),
			"signatures by %.40s are not accepted%s", last->algorithm,
			strncmp(last->algorithm, "ssh-rsa", 7) == 0
				? " (SHA-1): the client has to use rsa-sha2-256 or rsa-sha2-512"
				: "");
	} else if (last->wrong_signature) {
		snprintf(auth->lost_reason, sizeof(auth->lost_reason), "the signature is wrong");
		auth->method = WIRE_AUTH_FORGED;
		return ask(auth, *last->login ? last->login : "?", NULL, 0);
	} else if (strcmp(last->method, "publickey") == 0) {
		snprintf(auth->lost_reason, sizeof(auth->lost_reason),
			"keys of its type are not known here, or it is malformed");
	} else {
		snprintf(auth->lost_reason, sizeof(auth->lost_reason),
			"the request by method %.40s is malformed", last->method);
	}
	return ask_unusable(auth, last->login, "%s", auth->lost_reason);
}

/* libssh has nothing more; what it began with and did not hand over is lost. */
static enum auth_step take_all_lost(struct auth *auth)
{
	enum auth_step step = AUTH_GOING_ON;

	while (step == AUTH_GOING_ON && auth->taken < auth->came)
		step = take_lost(auth);
	/* Those that came before anybody listened. */
	if (auth->taken > auth->came)
		auth->came = auth->taken;
	return step;
}

enum auth_step auth_requests(struct auth *auth)
{
	enum auth_step step = AUTH_GOING_ON;

	if (auth->asked)
		return AUTH_ASKING;
	while (step == AUTH_GOING_ON) {
		auth->held = next_message(auth);
		if (!auth->held)
			return take_all_lost(auth);
		step = take_message(auth);
	}
	return step;
}

enum auth_step auth_verdict(struct auth *auth, const struct line_message *message)
{
	struct wire_verdict_msg verdict;

	memcpy(&verdict, message->fixed, sizeof(verdict));
	auth->line->state = WIRE_FRESH;
	if (!auth->asked || (!auth->held && verdict.verdict != WIRE_DENIED))
		return over(auth, "verdict without a question");
	auth->asked = false;
	switch (verdict.verdict) {
	case WIRE_ACCEPTED:
		if (auth->method == WIRE_AUTH_PROBE) {
			ssh_message_auth_reply_pk_ok_simple(auth->held);
			forget_held(auth);
			return auth_requests(auth);
		}
		auth->line->state = WIRE_RUNNING;
		auth->may_pty = verdict.may_pty != 0;
		return AUTH_ACCEPTED;
	case WIRE_PARTIAL:
		set_methods(auth, verdict.methods);
		if (!auth->methods)
			return over(auth, "no authentication method left");
		ssh_message_auth_reply_success(auth->held, 1);
		forget_held(auth);
		return auth_requests(auth);
	case WIRE_DENIED:
		set_methods(auth, verdict.methods);
		if (refuse(auth) == AUTH_OVER)
			return AUTH_OVER;
		return auth_requests(auth);
	default:
		return over(auth, "unknown verdict");
	}
}

void auth_succeed(struct auth *auth)
{
	ssh_message late;

	ssh_message_auth_reply_success(auth->held, 0);
	forget_held(auth);
	forget(&auth->spare);
	/* Requests sent before the answer came are to be ignored (RFC 4252 §5.1). */
	while ((late = ssh_message_get(auth->ssh)))
		ssh_message_free(late);
}
