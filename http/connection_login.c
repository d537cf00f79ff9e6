/* Task: who the client is: what a request brings of that, and the broker's verdict. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/exchange/authorization.h"
#include "http/connection_private.h"

#define HOST_LOGIN "vmconsole"

/* enum wire_https_auth: by what this request's client may be known. A certificate does wherever
 * nothing does. */
static unsigned ways(const struct connection *c)
{
	const struct wire_settings *s = &c->context->settings;
	const unsigned of[] = {[ROUTE_CONSOLE] = s->console_auth,
		[ROUTE_DUMP] = s->dump_auth,
		[ROUTE_RPC] = s->rpc_auth};
	unsigned found = of[route_group(c->route)];

	if (found & WIRE_BY_NOTHING)
		found |= WIRE_BY_CERTIFICATE;
	if (!(s->methods & WIRE_CAN_PASSWORD))
		found &= ~(unsigned)WIRE_BY_TICKET;
	if (c->raw)
		found &= WIRE_BY_CERTIFICATE;
	return client_is_plain(&c->client) ? found & ~(unsigned)WIRE_BY_CERTIFICATE : found;
}

/* The field that says who it is; NULL: it has none, or it is not for us. */
static const char *authorization(const struct connection *c)
{
	if (!(ways(c) & WIRE_BY_TICKET))
		return NULL;
	return http_request_field(&c->request, "Authorization");
}

static void ask_for_credentials(struct connection *c, const char *text)
{
	bool by_ticket = ways(c) & WIRE_BY_TICKET;

	connection_answer(c, by_ticket ? 401 : 403,
		by_ticket ? "WWW-Authenticate: Basic realm=\"vmconsoled\"\r\n" : NULL, text);
}

static void ask_for_more(struct connection *c)
{
	const unsigned by = ways(c);

	if (by & WIRE_BY_TICKET)
		ask_for_credentials(
			c, by & WIRE_BY_CERTIFICATE
				   ? "log in with a client certificate, or with a ticket"
				   : "log in with a ticket");
	else if (by & WIRE_BY_CERTIFICATE)
		ask_for_credentials(c, "log in with a client certificate");
	else
		ask_for_credentials(c, client_is_plain(&c->client)
					       ? "this needs a client certificate, which plain "
						 "http cannot show: ask by https"
					       : "nobody may ask for this");
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

static int keep_credentials(struct connection *c, const char *field, const char *vm)
{
	connection_forget_credentials(c);
	c->credentials = strdup(field);
	c->ticket_vm = strdup(vm);
	return c->credentials && c->ticket_vm ? 0 : -ENOMEM;
}

static int ask_by_ticket(struct connection *c, const char *field)
{
	const char *vm = c->route ? route_vm(c->route, &c->target) : NULL;
	struct authorization given;
	int r = authorization_parse(field, vm, &given);

	if (r < 0)
		return r;
	if (strlen(given.user) > WIRE_LOGIN_MAX)
		r = -EINVAL;
	if (!r)
		r = keep_credentials(c, field, given.user);
	if (!r)
		r = send_auth(
			c, WIRE_AUTH_PASSWORD, given.user, given.password, strlen(given.password));
	explicit_bzero(&given, sizeof(given));
	if (r < 0)
		connection_forget_credentials(c);
	c->by = WIRE_BY_TICKET;
	return r;
}

static int ask_by_certificate(struct connection *c)
{
	size_t len = 0;
	uint8_t *der = client_certificate(&c->client, &len);
	int r;

	if (!der)
		return -ENOENT;
	r = len > WIRE_PROOF_MAX ? -EMSGSIZE
				 : send_auth(c, WIRE_AUTH_CERTIFICATE, HOST_LOGIN, der, len);
	free(der);
	return r;
}

/*
 * A page of another site whose name leads to the loopback is no foreign page to a browser (DNS
 * rebinding), and there is no certificate to tell it by: who shows nothing asks for this host by
 * its own name.
 */
static bool asks_for_this_host(const struct connection *c)
{
	static const char name[] = "localhost";
	const size_t len = sizeof(name) - 1;
	const char *host = c->request.host;

	if (!client_is_plain(&c->client) || !host || *host == '[' ||
		host[strspn(host, "0123456789.")] == '\0' ||
		host[strspn(host, "0123456789.")] == ':')
		return true;
	return strncasecmp(host, name, len) == 0 && (!host[len] || host[len] == ':');
}

/* 0; -ENOENT: it has nothing that is taken here; -EINVAL, -EMSGSIZE and others: why not. */
static int ask(struct connection *c)
{
	const char *field = authorization(c);
	unsigned by = ways(c);
	int r = -ENOENT;

	if (field)
		return ask_by_ticket(c, field);
	c->by = WIRE_BY_CERTIFICATE;
	if (by & WIRE_BY_CERTIFICATE)
		r = ask_by_certificate(c);
	if (r != -ENOENT || !(by & WIRE_BY_NOTHING))
		return r;
	if (!asks_for_this_host(c))
		return -EHOSTUNREACH;
	c->by = WIRE_BY_NOTHING;
	return send_auth(c, WIRE_AUTH_NONE, HOST_LOGIN, NULL, 0);
}

void connection_log_in(struct connection *c)
{
	char text[160];
	int r = ask(c);

	switch (r) {
	case 0:
		c->state = CONNECTION_ASKING;
		loop_timer_stop(c->timer);
		break;
	case -ENOENT:
		ask_for_more(c);
		break;
	case -EINVAL:
		connection_answer(c, 400, NULL, "malformed Authorization");
		break;
	case -EDESTADDRREQ:
		connection_answer(c, 400, NULL, "a bearer's ticket needs a VM in the path");
		break;
	case -EHOSTUNREACH:
		connection_answer(c, 403, NULL,
			"who shows nothing asks plain http for an address or localhost");
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

bool connection_is_for_another(const struct connection *c, const char *vm)
{
	return c->ticket_vm && strcmp(c->ticket_vm, vm) != 0;
}

/* One connection is one login: another needs another. */
static bool is_somebody_else(const struct connection *c)
{
	const char *field = authorization(c);

	if (!c->credentials)
		return field != NULL;
	return !field || strcmp(field, c->credentials) != 0;
}

bool connection_may_ask_this(struct connection *c)
{
	bool another = is_somebody_else(c);

	if (!another && (ways(c) & c->by))
		return true;
	c->request.keep_alive = false;
	if (another)
		ask_for_credentials(c, "another login needs a connection of its own");
	else
		ask_for_more(c);
	return false;
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
	ask_for_credentials(c, "permission denied");
	return false;
}
