/* Task: one request: what it asks for, and who answers it. Knows no socket. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "http/connection_private.h"
#include "http/exchange/verb_body.h"

/* --- its beginning --- */

static bool wants_json(const struct connection *c)
{
	const char *accept = http_request_field(&c->request, "Accept");

	return c->route->kind == ROUTE_VERB ||
	       (c->route->json && accept && strstr(accept, "application/json"));
}

/* Expect is answered by us, and at once. */
static int send_continue(struct connection *c)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
	bool expects = c->request.expects_continue;

	c->request.expects_continue = false;
	return expects ? buf_add(&c->out, text, strlen(text)) : 0;
}

/* error: 0 or -errno, of whoever was to answer. */
static void begun(struct connection *c, int error)
{
	char text[160];

	if (error < 0) {
		snprintf(text, sizeof(text),
			"the service cannot take the request now: %s; try again later",
			strerror(-error));
		connection_answer(c, 503, NULL, text);
		return;
	}
	c->state = CONNECTION_ANSWERING;
	loop_timer_set(c->timer, CONNECTION_STALL_US, LOOP_SECOND);
}

/* A ticket is for one VM: the login names it, the request to the broker does not. */
static bool is_for_another(struct connection *c, const char *vm)
{
	if (!vm || !connection_is_for_another(c, vm))
		return false;
	connection_answer(c, 403, NULL, "the ticket is for another VM");
	return true;
}

/* The command that the broker is to run; false: it cannot be made, and that has been answered. */
static bool make_command(struct connection *c, const char *vm, char command[ROUTE_COMMAND_MAX])
{
	char why[VERB_BODY_WHY_MAX], text[256];
	const char *culprit = "";
	int r = route_command(
		c->route, &c->target, c->credentials ? NULL : vm, wants_json(c), command, &culprit);

	if (r < 0) {
		snprintf(text, sizeof(text), "bad parameter %.100s", culprit);
		connection_answer(c, 400, NULL, text);
		return false;
	}
	if (buf_len(&c->body) == 0)
		return true;
	snprintf(why, sizeof(why), "too many options and arguments");
	r = verb_body_words((const char *)buf_data(&c->body), buf_len(&c->body),
		&(struct command){command + strlen(command), ROUTE_COMMAND_MAX - strlen(command)},
		why);
	buf_finish(&c->body);
	if (r < 0)
		connection_answer(c, 400, NULL, why);
	return r == 0;
}

static void begin_exchange(struct connection *c)
{
	const char *vm = route_vm(c->route, &c->target);
	char command[ROUTE_COMMAND_MAX];
	const struct exchange_options o = {.loop = c->context->loop,
		.login = &c->login,
		.request = &c->request,
		.route = c->route,
		.command = command,
		.json = wants_json(c),
		.notices = route_wants(&c->target, "notices"),
		.in = &c->in,
		.out = &c->out,
		.wake = c->wake,
		.arg = c};
	int r;

	if (is_for_another(c, vm) || !make_command(c, vm, command))
		return;
	r = send_continue(c);
	if (!r)
		r = exchange_create(&o, &c->exchange);
	begun(c, r);
}

/* --- a verb, whose body says what is asked for --- */

/* No page of another site can have a browser send this type without asking first. */
static bool is_json(const struct connection *c)
{
	const char *type = http_request_field(&c->request, "Content-Type");

	return type && strncasecmp(type, "application/json", strlen("application/json")) == 0;
}

static void begin_collecting(struct connection *c)
{
	if (c->request.body == HTTP_BODY_NONE) {
		begin_exchange(c);
	} else if (c->request.body == HTTP_BODY_CLOSE) {
		connection_answer(c, 411, NULL, "give the Content-Length of the body");
	} else if (!is_json(c)) {
		connection_answer(c, 415, NULL, "the body of a verb is application/json");
	} else if (send_continue(c) < 0) {
		connection_answer(c, 503, NULL, "out of memory");
	} else {
		collect_init(&c->collect, &c->request);
		c->state = CONNECTION_COLLECTING;
		loop_timer_set(c->timer, CONNECTION_HEAD_US, LOOP_SECOND);
	}
}

/* True: something happened. */
static bool go_on_collecting(struct connection *c)
{
	switch (collect_read(&c->collect, &c->in, &c->body)) {
	case 0:
		return false;
	case 1:
		begin_exchange(c);
		break;
	case -EBADMSG:
		connection_answer(c, 400, NULL, "malformed body");
		break;
	case -ENOBUFS:
		connection_answer(c, 413, NULL, "the body of a verb has 16 KiB at most");
		break;
	default:
		connection_answer(c, 503, NULL, "out of memory");
		break;
	}
	return true;
}

static void begin_forward(struct connection *c)
{
	const struct forward_options o = {.loop = c->context->loop,
		.login = &c->login,
		.request = &c->request,
		.raw = c->raw,
		.keeps_credentials = !c->credentials,
		.timeout_us = c->context->settings.upstream_ms * LOOP_MSEC,
		.in = &c->in,
		.out = &c->out,
		.wake = c->wake,
		.arg = c};
	int r;

	if (c->request.body == HTTP_BODY_CLOSE) {
		connection_answer(c, 411, NULL, "give the Content-Length of the body");
		return;
	}
	r = send_continue(c);
	if (!r)
		r = forward_create(&o, &c->forward);
	begun(c, r);
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
		.wake = c->wake,
		.arg = c};

	if (is_for_another(c, vm))
		return;
	if (c->target.parameter_count > 0) {
		connection_answer(c, 400, NULL, "a file has no parameters");
		return;
	}
	if (route_file(c->route, &c->target, c->credentials ? NULL : vm, path) < 0) {
		connection_answer(c, 404, NULL, "there is no such VM or file");
		return;
	}
	begun(c, download_create(&o, &c->download));
}

void connection_begin(struct connection *c)
{
	if (c->route && c->route->kind == ROUTE_FILE)
		begin_download(c);
	else if (c->route && c->route->kind == ROUTE_VERB)
		begin_collecting(c);
	else if (c->route)
		begin_exchange(c);
	else
		begin_forward(c);
}

/* --- its head --- */

/* A page of another site may not make the browser of a certificate's holder type into guests. */
static bool is_foreign_page(const struct connection *c)
{
	const char *scheme = client_is_plain(&c->client) ? "http://" : "https://";
	const char *origin = http_request_field(&c->request, "Origin");

	if (!origin || c->request.method == HTTP_METHOD_GET ||
		c->request.method == HTTP_METHOD_HEAD)
		return false;
	return strncmp(origin, scheme, strlen(scheme)) != 0 || !c->request.host ||
	       strcasecmp(origin + strlen(scheme), c->request.host) != 0;
}

static void serve(struct connection *c)
{
	bool has_upstream = c->context->settings.upstream_ms > 0;
	int parsed = http_target_parse(&c->target, c->request.target);
	const char *allow = "";
	char fields[64];

	c->route = parsed == -EINVAL ? NULL : route_find(c->request.method, &c->target, &allow);
	/* A path of more parts than any of ours is the upstream's; one of ours stays ours. */
	if (parsed == -EINVAL || (parsed < 0 && (c->route || *allow || !has_upstream))) {
		c->route = NULL;
		connection_answer(c, 400, NULL, "malformed request target");
	} else if (!c->route && !*allow && !has_upstream) {
		connection_answer(c, 404, NULL, "there is nothing at this path");
	} else if (!c->route && *allow) {
		snprintf(fields, sizeof(fields), "Allow: %s\r\n", allow);
		connection_answer(c, 405, fields, "method not allowed here");
	} else if (c->route && c->route->kind == ROUTE_HEALTH) {
		connection_answer(c, 200, NULL, "ok");
	} else if (is_foreign_page(c)) {
		connection_answer(c, 403, NULL, "a page of another site may not do this");
	} else if (!c->known) {
		connection_log_in(c);
	} else if (connection_may_ask_this(c)) {
		connection_begin(c);
	}
}

/* The first frame of STOMP 1.x: a command, and the end of its line. No request of HTTP is so. */
static bool speaks_stomp(const struct connection *c)
{
	static const char *const commands[] = {"CONNECT", "STOMP"};
	const uint8_t *data = buf_data(&c->in);

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		size_t len = strlen(commands[i]);

		if (buf_len(&c->in) > len && memcmp(data, commands[i], len) == 0 &&
			(data[len] == '\n' || data[len] == '\r'))
			return true;
	}
	return false;
}

/* Bytes from here on, for the upstream; who asks needs a certificate, and the right to forward. */
static void serve_stomp(struct connection *c)
{
	c->raw = true;
	c->route = NULL;
	memset(&c->request, 0, sizeof(c->request));
	c->request.method = HTTP_METHOD_POST;
	c->request.method_name = "STOMP";
	c->request.target = "/";
	c->request.body = HTTP_BODY_LENGTH;
	c->request.length = UINT64_MAX;
	connection_log_in(c);
}

/* True: a request was there. */
static bool take_head(struct connection *c)
{
	const char *reason;
	unsigned status;
	long len;

	if (!c->known && c->context->settings.upstream_ms > 0 && speaks_stomp(c)) {
		serve_stomp(c);
		return true;
	}

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
		connection_refuse_head(c, 431, "request head too large");
		return true;
	}
	status = http_request_parse(&c->request, buf_data(&c->in), (size_t)len, &reason);
	buf_drop(&c->in, (size_t)len);
	c->searched = 0;
	if (status)
		connection_refuse_head(c, status, reason);
	else
		serve(c);
	return true;
}

/* --- its answer --- */

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
	bool stays = may_go_on(c) && c->request.keep_alive;

	exchange_destroy(c->exchange);
	forward_destroy(c->forward);
	download_destroy(c->download);
	c->exchange = NULL;
	c->forward = NULL;
	c->download = NULL;
	if (stays)
		connection_next_request(c);
	else
		connection_flush(c);
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

bool connection_answers_on(struct connection *c)
{
	if (c->download)
		return true;
	return c->forward ? forward_input_ended(c->forward) : exchange_input_ended(c->exchange);
}

/* True: something happened that may let more happen. */
bool connection_go_on(struct connection *c)
{
	size_t before = buf_len(&c->in) + buf_len(&c->out);

	switch (c->state) {
	case CONNECTION_HEAD:
		return take_head(c);
	case CONNECTION_COLLECTING:
		return go_on_collecting(c);
	case CONNECTION_ANSWERING:
		switch (work(c)) {
		case EXCHANGE_RUNS:
			break;
		case EXCHANGE_ENDED:
			c->state = CONNECTION_DELIVERING;
			return true;
		case EXCHANGE_CUT:
			c->cut = true;
			end_exchange(c);
			return true;
		}
		return before != buf_len(&c->in) + buf_len(&c->out);
	case CONNECTION_DELIVERING:
		if (buf_len(&c->out) > 0)
			return false;
		end_exchange(c);
		return true;
	case CONNECTION_HANDSHAKE:
	case CONNECTION_ASKING:
	case CONNECTION_FLUSHING:
	case CONNECTION_LINGERING:
	case CONNECTION_DEAD:
		return false;
	}
	return false;
}
