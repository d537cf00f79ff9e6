/*
 * One request that the broker answers: its channel line at one end, the buffers of the connection
 * at the other. What the client sends is typed, and what the guest prints goes out, both at once.
 *
 * Bounded: the line is read only while the output buffer has room, and the input buffer is emptied
 * only as fast as the line takes it.
 */
#ifndef HTTP_EXCHANGE_EXCHANGE_H
#define HTTP_EXCHANGE_EXCHANGE_H

#include <stdbool.h>

#include "core/buf.h"
#include "core/loop.h"
#include "http/parse/request.h"
#include "http/exchange/route.h"
#include "wire/line.h"

struct exchange;

#define EXCHANGE_OUT_MAX ((size_t)64 << 10) /* in the output buffer before the line waits */

#define EXCHANGE_HELD_MAX ((size_t)64 << 10) /* of the answer of a ROUTE_VERB */

enum exchange_state {
	EXCHANGE_RUNS,
	EXCHANGE_ENDED, /* the answer is whole */
	EXCHANGE_CUT,   /* it is not, and the client must see that: close */
};

struct exchange_options {
	struct loop *loop;
	struct line *login;
	const struct http_request *request; /* stays valid */
	const struct route *route;
	const char *command;
	bool json;
	bool notices;         /* the answer's last line says why it ended */
	struct buf *in, *out; /* the connection's */
	/* There is something to do: exchange_input and exchange_output are due. */
	void (*wake)(void *arg);
	void *arg;
};

int exchange_create(const struct exchange_options *options, struct exchange **out) MUST_CHECK;
void exchange_destroy(struct exchange *e); /* NULL allowed */

/* Takes of the input buffer what belongs to the body. 0, or -EBADMSG: the body is malformed, and it
 * is too late to say so. */
int exchange_input(struct exchange *e) MUST_CHECK;
/* The client has closed its side. True: the answer goes on: that is the end of the body, or it ends
 * by itself. What waits for a guest ends with the client. */
bool exchange_input_ended(struct exchange *e);
/* Puts into the output buffer what has come. */
void exchange_output(struct exchange *e);

enum exchange_state exchange_state(const struct exchange *e);
/* Whether the body has been read to its end, so that another request can follow. */
bool exchange_body_read(const struct exchange *e);

#endif
