/*
 * Among the files of a connection.
 */
#ifndef HTTP_CONNECTION_PRIVATE_H
#define HTTP_CONNECTION_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "core/buf.h"
#include "core/loop.h"
#include "http/exchange/collect.h"
#include "http/client.h"
#include "http/connection.h"
#include "http/download.h"
#include "http/exchange/exchange.h"
#include "http/forward/forward.h"
#include "http/parse/request.h"
#include "http/parse/target.h"
#include "http/exchange/route.h"
#include "wire/line.h"

enum connection_state {
	CONNECTION_HANDSHAKE,
	CONNECTION_HEAD,       /* waits for a request */
	CONNECTION_ASKING,     /* the broker decides who it is */
	CONNECTION_COLLECTING, /* the body of its request, to know what it asks for */
	CONNECTION_ANSWERING,  /* an exchange is under way */
	CONNECTION_DELIVERING, /* its answer is whole, and the client has not taken all of it */
	CONNECTION_FLUSHING,   /* the last words go out */
	CONNECTION_LINGERING,  /* all is said; what the client still sends is dropped */
	CONNECTION_DEAD,
};

struct connection {
	TAILQ_ENTRY(connection) entry;
	struct http_context *context;
	char tag[24];
	enum connection_state state;
	int fd;
	struct client client;
	struct loop_io *io;
	struct line login;
	struct loop_io *login_io;
	struct loop_timer *timer;
	uint64_t begun;          /* loop time */
	struct buf in, out;      /* may hold tickets and tokens, and are wiped */
	size_t searched;         /* of in, for the end of a head */
	bool begun_tls;          /* the first byte has been looked at */
	bool input_ended;        /* the client has closed its side */
	bool known;              /* the broker has let it in */
	enum wire_https_auth by; /* what it has shown for that */
	char *credentials; /* the Authorization field it was let in with; NULL: by certificate */
	char *ticket_vm;   /* whose ticket was in it; NULL: there was none */
	struct collect collect;    /* CONNECTION_COLLECTING */
	struct buf body;           /* what has been collected; the same */
	struct exchange *exchange; /* while it answers: one of these */
	struct forward *forward;
	struct download *download;
	const struct route *route; /* NULL: the request is for the upstream */
	bool raw;                  /* it is STOMP, and no request of HTTP */
	bool cut; /* its answer is not whole: nothing may look like the end of one */
	struct http_target target;
	struct http_request request;
	void (*wake)(void *arg); /* as exchange_options; arg is the connection */
};

/* --- connection_answer.c: short answers, and the end --- */

void connection_forget_credentials(struct connection *c);
void connection_close(struct connection *c, const char *why);
/* What is in the output buffer still goes out. */
void connection_flush(struct connection *c);
void connection_next_request(struct connection *c);
/* The answer to c->request. fields: more of the head, each with its CR LF, or NULL. */
void connection_answer(struct connection *c, unsigned status, const char *fields, const char *text);
/* The answer to a head that is not understood. */
void connection_refuse_head(struct connection *c, unsigned status, const char *reason);

/* --- connection_login.c: who it is --- */

/* Asks the broker about what c->request brings, or the client for more. */
void connection_log_in(struct connection *c);
/* Whether the ticket that it was let in with is for another VM than this one. */
bool connection_is_for_another(const struct connection *c, const char *vm);
/* Whether c->request is of the connection's login, and that is enough for it; it is answered if
 * not. */
bool connection_may_ask_this(struct connection *c);
/* True: it has just been let in. */
bool connection_take_verdict(struct connection *c, const struct line_message *m);

/* --- connection_request.c: one request --- */

/* Begins with what c->request asks for. */
void connection_begin(struct connection *c);
/* True: something happened that may let more happen. */
bool connection_go_on(struct connection *c);
/* The client has closed its side, which may be the end of the body. Whether its answer goes on. */
bool connection_answers_on(struct connection *c);

#endif
