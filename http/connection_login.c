/* Task: who the client is: what a request brings of that, and the broker's verdict. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/exchange/basic.h"
#include "http/connection_private.h"

#define HOST_LOGIN "vmconsole"

static bool may_use_tickets(const struct connection *c)
{
	return c->context->settings.methods & WIRE_CAN_PASSWORD;
}

void connection_ask_for_credentials(struct connection *c, const char *text)
{
	bool basic = may_use_tickets(c);

	connection_answer(c, basic ? 401 : 403,
		basic ? "WWW-Authenticate: Basic realm=\"vmconsoled\"\r\n" : NULL, text);
}

static int send_auth(struct connection *c, enum wire_method method, const char *name,
	const void *proof, size_t proof_len)
{
	struct wire_auth auth = {.method = (uint8_t)method, .login_len = (uint16_t)strlen(name)};
	const char *agent = http_request_field(&c->request, "User-Agent");
	int r = 0;

	if (agent && *agent)
		r = line_send(
			&c->login, WIRE_CLIENT, NULL, agent, strnlen(agent, WIRE_VERSION_MAX));
	return r ? r
		 : line_send2(&c->login, WIRE_AUTH, &auth, name, auth.login_len, proof, proof_len);
}

static int ask_by_ticket(struct connection *c, const char *field)
{
	struct basic basic;
	int r = basic_parse(field, &basic);

	if (r < 0)
		return r;
	if (strlen(basic.user) > WIRE_LOGIN_MAX)
		r = -EINVAL;
	if (!r)
		r = send_auth(
			c, WIRE_AUTH_PASSWORD, basic.user, basic.password, strlen(basic.password));
	explicit_bzero(&basic, sizeof(basic));
	if (r < 0)
		return r;
	c->credentials = strdup(field);
	return c->credentials ? 0 : -ENOMEM;
}

static int ask_by_certificate(struct connection *c)
{
	size_t len = 0;
	uint8_t *der = tls_peer_certificate(c->tls, &len);
	int r;

	if (!der)
		return -ENOENT;
	r = len > WIRE_PROOF_MAX ? -EMSGSIZE
				 : send_auth(c, WIRE_AUTH_CERTIFICATE, HOST_LOGIN, der, len);
	free(der);
	return r;
}

void connection_log_in(struct connection *c)
{
	const char *field = http_request_field(&c->request, "Authorization");
	char text[160];
	int r = field && may_use_tickets(c) ? ask_by_ticket(c, field) : ask_by_certificate(c);

	switch (r) {
	case 0:
		c->state = CONNECTION_ASKING;
		loop_timer_stop(c->timer);
		break;
	case -ENOENT:
		connection_ask_for_credentials(
			c, "log in with a client certificate, or with a ticket");
		break;
	case -EINVAL:
		connection_answer(c, 400, NULL, "malformed Authorization");
		break;
	case -EMSGSIZE:
		connection_answer(c, 400, NULL, "the client certificate is longer than 12 KiB");
		break;
	default:
		snprintf(text, sizeof(text),
			"the service cannot take the login now: %s; try again later", strerror(-r));
		connection_answer(c, 503, NULL, text);
		break;
	}
}

/* One connection is one login: another needs another. */
bool connection_is_somebody_else(const struct connection *c)
{
	const char *field = http_request_field(&c->request, "Authorization");

	if (!c->known)
		return false;
	if (!c->credentials)
		return field && may_use_tickets(c);
	return !field || strcmp(field, c->credentials) != 0;
}

bool connection_take_verdict(struct connection *c, const struct line_message *m)
{
	struct wire_verdict_msg verdict;

	memcpy(&verdict, m->fixed, sizeof(verdict));
	if (c->state != CONNECTION_ASKING)
		return false;
	if (verdict.verdict == WIRE_ACCEPTED) {
		c->known = true;
		c->login.state = WIRE_RUNNING;
		return true;
	}
	/* Refused, or more factors wanted, which one request does not give. */
	c->login.state = WIRE_FRESH;
	c->request.keep_alive = false;
	connection_forget_credentials(c);
	connection_ask_for_credentials(c, "permission denied");
	return false;
}
