/* Task: a connection's short answers, and its end. May not know what a request asks for. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"
#include "http/exchange/answer.h"
#include "http/connection_private.h"

/* --- the end --- */

void connection_forget_credentials(struct connection *c)
{
	if (c->credentials)
		explicit_bzero(c->credentials, strlen(c->credentials));
	free(c->credentials);
	free(c->ticket_vm);
	c->credentials = c->ticket_vm = NULL;
}

void connection_close(struct connection *c, const char *why)
{
	struct http_context *context = c->context;

	if (c->state == CONNECTION_DEAD)
		return;
	c->state = CONNECTION_DEAD;
	log_write(LOG_LEVEL_DEBUG, c->tag, "closed: %s", why);
	exchange_destroy(c->exchange);
	forward_destroy(c->forward);
	download_destroy(c->download);
	client_finish(&c->client);
	loop_io_del(&c->io);
	loop_io_del(&c->login_io);
	loop_timer_del(&c->timer);
	line_finish(&c->login);
	close(c->fd);
	buf_finish(&c->in);
	buf_finish(&c->out);
	buf_finish(&c->body);
	connection_forget_credentials(c);
	explicit_bzero(&c->request, sizeof(c->request));
	TAILQ_REMOVE(&context->connections, c, entry);
	loop_defer(context->loop, free, c);
	context->closed(context->arg);
}

void connection_flush(struct connection *c)
{
	c->state = CONNECTION_FLUSHING;
	loop_timer_set(c->timer, CONNECTION_FLUSH_US, LOOP_SECOND);
}

/* --- short answers --- */

void connection_next_request(struct connection *c)
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
void connection_answer(struct connection *c, unsigned status, const char *fields, const char *text)
{
	bool stays = c->request.keep_alive && c->request.body == HTTP_BODY_NONE && status < 500 &&
		     may_stay(c);
	const struct answer_words a = {.request = &c->request,
		.status = status,
		.fields = fields,
		.text = text,
		.json = c->route && c->route->kind == ROUTE_VERB,
		.keep_alive = stays};

	if (answer_text(&c->out, &a) < 0)
		stays = false;
	if (stays)
		connection_next_request(c);
	else
		connection_flush(c);
}

void connection_refuse_head(struct connection *c, unsigned status, const char *reason)
{
	(void)!answer_text(&c->out, &(struct answer_words){.status = status, .text = reason});
	connection_flush(c);
}
