/* Task: see connection.h. Owner: the door. Knows no verb and no rule. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/io.h"
#include "core/log.h"
#include "http/answer.h"
#include "http/basic.h"
#include "http/connection.h"
#include "http/download.h"
#include "http/exchange.h"
#include "http/forward.h"
#include "http/parse/target.h"
#include "wire/line.h"

#define ROUNDS 16 /* of reading and answering in one turn */
#define HOST_LOGIN "vmconsole"

enum connection_state {
	CONNECTION_HANDSHAKE,
	CONNECTION_HEAD,      /* waits for a request */
	CONNECTION_ASKING,    /* the broker decides who it is */
	CONNECTION_ANSWERING, /* an exchange is under way */
	CONNECTION_FLUSHING,  /* the last answer goes out */
	CONNECTION_LINGERING, /* all is said; what the client still sends is dropped */
	CONNECTION_DEAD,
};

struct connection {
	TAILQ_ENTRY(connection) entry;
	struct http_context *context;
	char tag[24];
	enum connection_state state;
	int fd;
	struct tls_connection *tls;
	struct loop_io *io;
	struct line login;
	struct loop_io *login_io;
	struct loop_timer *timer;
	uint64_t begun; /* loop time */
	struct buf in, out;
	size_t searched;   /* of in, for the end of a head */
	bool begun_tls;    /* the first byte has been looked at */
	bool input_ended;  /* the client has closed its side */
	bool known;        /* the broker has let it in */
	char *credentials; /* the Authorization field it was let in with; NULL: by certificate */
	struct exchange *exchange; /* CONNECTION_ANSWERING: one of these */
	struct forward *forward;
	struct download *download;
	const struct route *route; /* NULL: the request is for the upstream */
	struct http_target target;
	struct http_request request;
};

static void pump(struct connection *c);

/* --- the end --- */

static void free_connection(void *arg)
{
	free(arg);
}

static void forget_credentials(struct connection *c)
{
	if (c->credentials)
		explicit_bzero(c->credentials, strlen(c->credentials));
	free(c->credentials);
	c->credentials = NULL;
}

static void close_now(struct connection *c, const char *why)
{
	struct http_context *context = c->context;

	if (c->state == CONNECTION_DEAD)
		return;
	c->state = CONNECTION_DEAD;
	log_write(LOG_LEVEL_DEBUG, c->tag, "closed: %s", why);
	exchange_destroy(c->exchange);
	forward_destroy(c->forward);
	download_destroy(c->download);
	tls_free(c->tls);
	loop_io_del(&c->io);
	loop_io_del(&c->login_io);
	loop_timer_del(&c->timer);
	line_finish(&c->login);
	close(c->fd);
	buf_finish(&c->in);
	buf_finish(&c->out);
	forget_credentials(c);
	explicit_bzero(&c->request, sizeof(c->request));
	TAILQ_REMOVE(&context->connections, c, entry);
	loop_defer(context->loop, free_connection, c);
	context->closed(context->arg);
}

static void flush_and_close(struct connection *c)
{
	c->state = CONNECTION_FLUSHING;
	loop_timer_set(c->timer, CONNECTION_FLUSH_US, LOOP_SECOND);
}

/* Bytes that are unread at a close, or come behind it, are answered with a reset, which may take
 * the answer along (RFC 9112 §9.6). */
static void linger(struct connection *c)
{
	if (c->input_ended || shutdown(c->fd, SHUT_WR) < 0) {
		close_now(c, "answered");
		return;
	}
	c->state = CONNECTION_LINGERING;
	loop_io_del(&c->login_io);
	loop_timer_set(c->timer, CONNECTION_LINGER_US, LOOP_SECOND);
	loop_io_set(c->io, EPOLLIN);
}

static void drop_input(struct connection *c)
{
	char unread[4096];
	ssize_t n = 1;
	int i;

	for (i = 0; i < ROUNDS && n > 0; i++)
		n = read(c->fd, unread, sizeof(unread));
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		close_now(c, "answered");
}

/* --- short answers --- */

static void next_request(struct connection *c)
{
	c->state = CONNECTION_HEAD;
	c->searched = 0;
	loop_timer_set(
		c->timer, c->known ? CONNECTION_IDLE_US : CONNECTION_UNKNOWN_US, LOOP_SECOND);
}

/* One that nobody knows goes before the broker takes it for somebody who never says who he is. */
static bool may_stay(const struct connection *c)
{
	return c->known || loop_now(c->context->loop) - c->begun < CONNECTION_UNKNOWN_US;
}

/* The body of a request that is refused is not waited for. */
static void answer(struct connection *c, unsigned status, const char *fields, const char *text)
{
	bool stays = c->request.keep_alive && c->request.body == HTTP_BODY_NONE && status < 500 &&
		     may_stay(c);

	if (answer_text(&c->out, &c->request, status, fields, text, stays) < 0)
		stays = false;
	if (stays)
		next_request(c);
	else
		flush_and_close(c);
}

static void refuse_head(struct connection *c, unsigned status, const char *reason)
{
	(void)!answer_text(&c->out, NULL, status, NULL, reason, false);
	flush_and_close(c);
}

/* --- who it is --- */

static bool may_use_tickets(const struct connection *c)
{
	return c->context->settings.methods & WIRE_CAN_PASSWORD;
}

static void ask_for_credentials(struct connection *c, const char *text)
{
	bool basic = may_use_tickets(c);

	answer(c, basic ? 401 : 403,
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

static void ask(struct connection *c)
{
	const char *field = http_request_field(&c->request, "Authorization");
	int r = field && may_use_tickets(c) ? ask_by_ticket(c, field) : ask_by_certificate(c);

	switch (r) {
	case 0:
		c->state = CONNECTION_ASKING;
		loop_timer_stop(c->timer);
		break;
	case -ENOENT:
		ask_for_credentials(c, "log in with a client certificate, or with a ticket");
		break;
	case -EINVAL:
		answer(c, 400, NULL, "malformed Authorization");
		break;
	default:
		answer(c, 500, NULL, strerror(-r));
		break;
	}
}

/* --- a request --- */

static bool wants_json(const struct connection *c)
{
	const char *accept = http_request_field(&c->request, "Accept");

	return c->route->json && accept && strstr(accept, "application/json");
}

static void on_exchange(void *arg)
{
	pump(arg);
}

/* Expect is answered by us, and at once. */
static int tell_to_continue(struct connection *c)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";

	return c->request.expects_continue ? buf_add(&c->out, text, strlen(text)) : 0;
}

static void begin_answering(struct connection *c)
{
	c->state = CONNECTION_ANSWERING;
	loop_timer_set(c->timer, CONNECTION_STALL_US, LOOP_SECOND);
}

/* A ticket is for one VM: the login names it, the request to the broker does not. */
static bool is_for_another(struct connection *c, const char *vm)
{
	if (!c->credentials || !vm || basic_user_is(c->credentials, vm))
		return false;
	answer(c, 403, NULL, "the ticket is for another VM");
	return true;
}

static void begin_exchange(struct connection *c)
{
	const char *vm = route_vm(c->route, &c->target), *culprit = "";
	char command[ROUTE_COMMAND_MAX], text[256];
	struct exchange_options o = {.loop = c->context->loop,
		.login = &c->login,
		.request = &c->request,
		.route = c->route,
		.command = command,
		.json = wants_json(c),
		.notices = route_wants(&c->target, "notices"),
		.in = &c->in,
		.out = &c->out,
		.wake = on_exchange,
		.arg = c};
	int r;

	if (is_for_another(c, vm))
		return;
	r = route_command(
		c->route, &c->target, c->credentials ? NULL : vm, o.json, command, &culprit);
	if (r < 0) {
		snprintf(text, sizeof(text), "bad parameter %.100s", culprit);
		answer(c, 400, NULL, text);
		return;
	}
	r = tell_to_continue(c);
	if (!r)
		r = exchange_create(&o, &c->exchange);
	if (r < 0)
		answer(c, 503, NULL, strerror(-r));
	else
		begin_answering(c);
}

static void begin_forward(struct connection *c)
{
	const struct forward_options o = {.loop = c->context->loop,
		.login = &c->login,
		.request = &c->request,
		.keeps_credentials = !c->credentials,
		.timeout_us = c->context->settings.upstream_ms * LOOP_MSEC,
		.in = &c->in,
		.out = &c->out,
		.wake = on_exchange,
		.arg = c};
	int r;

	if (c->request.body == HTTP_BODY_CLOSE) {
		answer(c, 411, NULL, "give the Content-Length of the body");
		return;
	}
	r = tell_to_continue(c);
	if (!r)
		r = forward_create(&o, &c->forward);
	if (r < 0)
		answer(c, 503, NULL, strerror(-r));
	else
		begin_answering(c);
}

static void begin_download(struct connection *c)
{
	const char *vm = route_vm(c->route, &c->target);
	char path[ROUTE_FILE_MAX + 1];
	const struct download_options o = {.loop = c->context->loop,
		.jobs = c->context->jobs,
		.login = &c->login,
		.request = &c->request,
		.path = path,
		.out = &c->out,
		.wake = on_exchange,
		.arg = c};
	int r;

	if (is_for_another(c, vm))
		return;
	if (c->target.parameter_count > 0) {
		answer(c, 400, NULL, "a file has no parameters");
		return;
	}
	if (route_file(c->route, &c->target, c->credentials ? NULL : vm, path) < 0) {
		answer(c, 404, NULL, "there is no such VM or file");
		return;
	}
	r = download_create(&o, &c->download);
	if (r < 0)
		answer(c, 503, NULL, strerror(-r));
	else
		begin_answering(c);
}

static void begin(struct connection *c)
{
	if (c->route && c->route->kind == ROUTE_FILE)
		begin_download(c);
	else if (c->route)
		begin_exchange(c);
	else
		begin_forward(c);
}

/* A page of another site may not make the browser of a certificate's holder type into guests. */
static bool is_foreign_page(const struct connection *c)
{
	const char *origin = http_request_field(&c->request, "Origin");

	if (!origin || c->request.method == HTTP_METHOD_GET ||
		c->request.method == HTTP_METHOD_HEAD)
		return false;
	return strncmp(origin, "https://", 8) != 0 || !c->request.host ||
	       strcasecmp(origin + 8, c->request.host) != 0;
}

/* One connection is one login: another needs another. */
static bool is_somebody_else(const struct connection *c)
{
	const char *field = http_request_field(&c->request, "Authorization");

	if (!c->known)
		return false;
	if (!c->credentials)
		return field && may_use_tickets(c);
	return !field || strcmp(field, c->credentials) != 0;
}

static void serve(struct connection *c)
{
	bool has_upstream = c->context->settings.upstream_ms > 0;
	int parsed = http_target_parse(&c->target, c->request.target);
	const char *allow = "";
	char fields[64];

	/* A path of more parts than any of ours is the upstream's. */
	if (parsed < 0 && !(parsed == -E2BIG && has_upstream)) {
		answer(c, 400, NULL, "malformed request target");
		return;
	}
	c->route = parsed ? NULL : route_find(c->request.method, &c->target, &allow);
	if (!c->route && !*allow && !has_upstream) {
		answer(c, 404, NULL, "there is nothing at this path");
	} else if (!c->route && *allow) {
		snprintf(fields, sizeof(fields), "Allow: %s\r\n", allow);
		answer(c, 405, fields, "method not allowed here");
	} else if (c->route && c->route->kind == ROUTE_HEALTH) {
		answer(c, 200, NULL, "ok");
	} else if (is_foreign_page(c)) {
		answer(c, 403, NULL, "a page of another site may not do this");
	} else if (is_somebody_else(c)) {
		c->request.keep_alive = false;
		ask_for_credentials(c, "another login needs a connection of its own");
	} else if (c->known) {
		begin(c);
	} else {
		ask(c);
	}
}

/* True: a request was there. */
static bool take_head(struct connection *c)
{
	const char *reason;
	unsigned status;
	long len;

	/* A CR LF that an old client puts behind a body (RFC 9112 §2.2). */
	if (c->searched == 0 && buf_len(&c->in) >= 2 && memcmp(buf_data(&c->in), "\r\n", 2) == 0)
		buf_drop(&c->in, 2);
	len = http_head_end(buf_data(&c->in), buf_len(&c->in), c->searched);
	if (len == 0) {
		if (c->searched == 0 && buf_len(&c->in) > 0)
			loop_timer_set(c->timer, CONNECTION_HEAD_US, LOOP_SECOND);
		c->searched = buf_len(&c->in);
		return false;
	}
	if (len < 0) {
		refuse_head(c, 431, "request head too large");
		return true;
	}
	status = http_request_parse(&c->request, buf_data(&c->in), (size_t)len, &reason);
	/* It may hold a ticket. */
	explicit_bzero((void *)(uintptr_t)buf_data(&c->in), (size_t)len);
	buf_drop(&c->in, (size_t)len);
	c->searched = 0;
	if (status)
		refuse_head(c, status, reason);
	else
		serve(c);
	return true;
}

static bool may_go_on(const struct connection *c)
{
	if (c->download)
		return download_state(c->download) == EXCHANGE_ENDED &&
		       download_may_stay(c->download);
	if (c->forward)
		return forward_state(c->forward) == EXCHANGE_ENDED && forward_may_stay(c->forward);
	return exchange_state(c->exchange) == EXCHANGE_ENDED && exchange_body_read(c->exchange);
}

static void end_exchange(struct connection *c)
{
	bool stays = may_go_on(c) && c->request.keep_alive && c->request.minor == 1;

	exchange_destroy(c->exchange);
	forward_destroy(c->forward);
	download_destroy(c->download);
	c->exchange = NULL;
	c->forward = NULL;
	c->download = NULL;
	if (stays)
		next_request(c);
	else
		flush_and_close(c);
}

/* Takes of the body, and adds to the answer. */
static enum exchange_state work(struct connection *c)
{
	if (c->download) {
		download_output(c->download);
		return download_state(c->download);
	}
	if (c->forward) {
		forward_input(c->forward);
		forward_output(c->forward);
		return forward_state(c->forward);
	}
	if (exchange_input(c->exchange) < 0) {
		log_write(LOG_LEVEL_INFO, c->tag, "malformed body");
		return EXCHANGE_CUT;
	}
	exchange_output(c->exchange);
	return exchange_state(c->exchange);
}

/* True: something happened that may let more happen. */
static bool go_on(struct connection *c)
{
	size_t before = buf_len(&c->in) + buf_len(&c->out);

	switch (c->state) {
	case CONNECTION_HEAD:
		return take_head(c);
	case CONNECTION_ANSWERING:
		switch (work(c)) {
		case EXCHANGE_RUNS:
			break;
		case EXCHANGE_CUT:
		case EXCHANGE_ENDED:
			end_exchange(c);
			return true;
		}
		return before != buf_len(&c->in) + buf_len(&c->out);
	case CONNECTION_HANDSHAKE:
	case CONNECTION_ASKING:
	case CONNECTION_FLUSHING:
	case CONNECTION_LINGERING:
	case CONNECTION_DEAD:
		return false;
	}
	return false;
}

/* --- TLS --- */

/* TLS begins with another byte than any letter. */
static bool speaks_plainly(const struct connection *c)
{
	unsigned char first = 0;

	return recv(c->fd, &first, 1, MSG_PEEK | MSG_DONTWAIT) == 1 && first >= 'A' && first <= 'Z';
}

static void answer_plainly(struct connection *c)
{
	log_write(LOG_LEVEL_DEBUG, c->tag, "plain HTTP");
	if (answer_text(&c->out, NULL, 400, NULL, "this port speaks TLS: ask it with https://",
		    false) == 0 &&
		write(c->fd, buf_data(&c->out), buf_len(&c->out)) > 0)
		linger(c);
	else
		close_now(c, "plain HTTP");
}

static void do_handshake(struct connection *c)
{
	if (!c->begun_tls && speaks_plainly(c)) {
		answer_plainly(c);
		return;
	}
	c->begun_tls = true;
	switch (tls_handshake(c->tls)) {
	case TLS_DONE:
		c->state = CONNECTION_HEAD;
		loop_timer_set(c->timer, CONNECTION_HEAD_US, LOOP_SECOND);
		break;
	case TLS_WAIT:
		break;
	case TLS_CLOSED:
	case TLS_FAILED:
		close_now(c, "handshake failed");
		break;
	}
}

static void on_client_end(struct connection *c)
{
	c->input_ended = true;
	if (c->state == CONNECTION_ANSWERING) {
		/* What it still sent comes first; then it is the end of the body, or the end. */
		if (!c->exchange || exchange_input(c->exchange) < 0 ||
			!exchange_input_ended(c->exchange))
			close_now(c, "the client left");
	} else if (c->state != CONNECTION_FLUSHING) {
		close_now(c, "the client left");
	}
}

static void read_client(struct connection *c)
{
	if (c->input_ended || c->state == CONNECTION_FLUSHING)
		return;
	switch (tls_read(c->tls, &c->in)) {
	case TLS_DONE: /* full: what is there must go first */
	case TLS_WAIT:
		break;
	case TLS_CLOSED:
		on_client_end(c);
		break;
	case TLS_FAILED:
		close_now(c, "the connection broke");
		break;
	}
}

/* True: there is room again, for what was not read while there was none. */
static bool write_client(struct connection *c)
{
	size_t before = buf_len(&c->out);

	if (before == 0)
		return false;
	switch (tls_write(c->tls, &c->out)) {
	case TLS_DONE:
	case TLS_WAIT:
		break;
	case TLS_CLOSED:
	case TLS_FAILED:
		close_now(c, "the connection broke");
		return false;
	}
	if (c->state != CONNECTION_ANSWERING || buf_len(&c->out) == before)
		return false;
	loop_timer_set(c->timer, CONNECTION_STALL_US, LOOP_SECOND);
	return true;
}

static uint32_t wanted(const struct connection *c)
{
	uint32_t events = tls_events(c->tls) & EPOLLOUT;

	if (c->state == CONNECTION_HANDSHAKE)
		return tls_events(c->tls);
	if (!c->input_ended && c->state != CONNECTION_FLUSHING && buf_room(&c->in) > 0)
		events |= EPOLLIN;
	return events;
}

static void finish_round(struct connection *c)
{
	if (c->state == CONNECTION_FLUSHING && buf_len(&c->out) == 0) {
		tls_end(c->tls);
		linger(c);
	} else if (c->state == CONNECTION_ANSWERING && buf_len(&c->out) == 0) {
		/* Nothing waits for the client: a silent console is no stalled client. */
		loop_timer_stop(c->timer);
	} else if (c->state == CONNECTION_ANSWERING && !loop_timer_armed(c->timer)) {
		loop_timer_set(c->timer, CONNECTION_STALL_US, LOOP_SECOND);
	}
}

static void pump(struct connection *c)
{
	bool more = true;
	int i;

	if (c->state == CONNECTION_HANDSHAKE)
		do_handshake(c);
	if (c->state == CONNECTION_LINGERING) {
		drop_input(c);
		return;
	}
	for (i = 0; i < ROUNDS && more && c->state > CONNECTION_HANDSHAKE; i++) {
		if (c->state != CONNECTION_DEAD)
			read_client(c);
		more = c->state != CONNECTION_DEAD && go_on(c);
		if (c->state != CONNECTION_DEAD)
			more |= write_client(c);
		if (c->state == CONNECTION_DEAD)
			return;
	}
	if (c->state == CONNECTION_DEAD)
		return;
	finish_round(c);
	if (c->state == CONNECTION_LINGERING || c->state == CONNECTION_DEAD)
		return;
	loop_io_set(c->io, wanted(c));
	if (more && c->state > CONNECTION_HANDSHAKE)
		loop_io_set(c->io, wanted(c) | EPOLLOUT); /* another turn */
}

static void on_io(void *arg, uint32_t revents)
{
	pump(arg);
}

/* --- the login line --- */

static void take_verdict(struct connection *c, const struct line_message *m)
{
	struct wire_verdict_msg verdict;

	memcpy(&verdict, m->fixed, sizeof(verdict));
	if (c->state != CONNECTION_ASKING)
		return;
	if (verdict.verdict == WIRE_ACCEPTED) {
		c->known = true;
		c->login.state = WIRE_RUNNING;
		begin(c);
		return;
	}
	/* Refused, or more factors wanted, which one request does not give. */
	c->login.state = WIRE_FRESH;
	c->request.keep_alive = false;
	forget_credentials(c);
	ask_for_credentials(c, "permission denied");
}

static void on_login(void *arg, uint32_t revents)
{
	struct connection *c = arg;
	struct line_message m;
	int r = line_receive(&c->login, &m);

	if (r == -EAGAIN)
		return;
	if (r != 1) {
		close_now(c, "the broker has ended it");
		return;
	}
	if (m.type == WIRE_VERDICT)
		take_verdict(c, &m);
	else if (m.type == WIRE_BYE)
		connection_say_goodbye(c);
	line_message_finish(&m);
	if (c->state != CONNECTION_DEAD)
		pump(c);
}

/* --- life --- */

static void on_timer(void *arg)
{
	struct connection *c = arg;

	if (c->state == CONNECTION_HEAD && buf_len(&c->in) > 0) {
		refuse_head(c, 408, "the request took too long");
		pump(c);
	} else {
		close_now(c, "too slow");
	}
}

void connection_say_goodbye(struct connection *c)
{
	switch (c->state) {
	case CONNECTION_HANDSHAKE:
	case CONNECTION_HEAD:
	case CONNECTION_ASKING:
		if (buf_len(&c->out) == 0) {
			tls_end(c->tls);
			close_now(c, "nothing is under way");
		} else {
			flush_and_close(c);
			pump(c);
		}
		break;
	case CONNECTION_ANSWERING:
		/* The broker ends the exchange; its last words go out. */
		c->request.keep_alive = false;
		loop_timer_set(c->timer, CONNECTION_FLUSH_US, LOOP_SECOND);
		break;
	case CONNECTION_LINGERING:
		loop_timer_set(c->timer, LOOP_SECOND, LOOP_SECOND);
		break;
	case CONNECTION_FLUSHING:
	case CONNECTION_DEAD:
		break;
	}
}

struct connection *connection_next(struct connection *c)
{
	return TAILQ_NEXT(c, entry);
}

int connection_create(struct http_context *context, uint64_t id, int socket_fd, int login_fd)
{
	struct connection *c = calloc(1, sizeof(*c));
	int r;

	if (!c) {
		close(socket_fd);
		close(login_fd);
		return -ENOMEM;
	}
	c->context = context;
	c->fd = socket_fd;
	c->begun = loop_now(context->loop);
	line_init(&c->login, login_fd, WIRE_HTTPS, WIRE_DOOR);
	buf_init(&c->in, CONNECTION_IN_MAX);
	buf_init(&c->out, CONNECTION_OUT_MAX);
	snprintf(c->tag, sizeof(c->tag), "c%llu", (unsigned long long)id);
	TAILQ_INSERT_TAIL(&context->connections, c, entry);
	r = fd_nonblock(socket_fd);
	if (!r)
		r = tls_accept(context->tls, socket_fd, &c->tls);
	if (!r)
		r = loop_timer_add(context->loop, &c->timer, on_timer, c);
	if (!r)
		r = loop_io_add(context->loop, &c->io, socket_fd, EPOLLIN, on_io, c);
	if (!r)
		r = loop_io_add(context->loop, &c->login_io, login_fd, EPOLLIN, on_login, c);
	if (r < 0) {
		close_now(c, strerror(-r));
		return r;
	}
	loop_timer_set(c->timer, CONNECTION_HEAD_US, LOOP_SECOND);
	return 0;
}
