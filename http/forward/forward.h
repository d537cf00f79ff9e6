/*
 * One request that goes to the upstream: the buffers of the connection at one end, a socket at the
 * other, which the broker has connected. The body goes there while the answer comes back.
 *
 * Bounded both ways: the input buffer is emptied only as fast as the upstream takes it, and the
 * upstream is read only while the output buffer has room. A body in chunks is collected first,
 * since not every server takes one without its length.
 */
#ifndef HTTP_FORWARD_FORWARD_H
#define HTTP_FORWARD_FORWARD_H

#include <stdbool.h>

#include "core/buf.h"
#include "core/loop.h"
#include "http/exchange/exchange.h"
#include "http/parse/request.h"
#include "wire/line.h"

struct forward;

#define FORWARD_COLLECT_MAX ((size_t)1 << 20) /* of a body in chunks */
#define FORWARD_UP_MAX ((size_t)64 << 10)     /* on the way to the upstream, beside the head */
#define FORWARD_PIECE ((size_t)16 << 10)      /* read from the upstream at once */

struct forward_options {
	struct loop *loop;
	struct line *login;
	const struct http_request *request; /* stays valid */
	bool raw;                           /* no HTTP: bytes both ways, until one side ends */
	bool keeps_credentials;             /* the Authorization field is for the upstream */
	uint64_t timeout_us;                /* for the upstream, or the body, to go on */
	struct buf *in, *out;               /* the connection's */
	void (*wake)(void *arg);            /* as exchange_options */
	void *arg;
};

/* As those of exchange.h. */
int forward_create(const struct forward_options *options, struct forward **out) MUST_CHECK;
void forward_destroy(struct forward *f); /* NULL allowed */
void forward_input(struct forward *f);
void forward_output(struct forward *f);
/* The client has closed its side. True: the answer goes on. */
bool forward_input_ended(const struct forward *f);
enum exchange_state forward_state(const struct forward *f);
/* Whether another request can follow on the connection. */
bool forward_may_stay(const struct forward *f);

#endif
