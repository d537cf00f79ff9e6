/*
 * Among the files of a forwarded request.
 */
#ifndef HTTP_FORWARD_FORWARD_PRIVATE_H
#define HTTP_FORWARD_FORWARD_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/loop.h"
#include "http/exchange/broker_line.h"
#include "http/exchange/collect.h"
#include "http/forward/forward.h"
#include "http/parse/chunk.h"
#include "http/parse/response.h"
#include "wire/line.h"

enum forward_step {
	FORWARD_COLLECTS, /* the body, to know its length */
	FORWARD_ASKED,    /* the broker connects */
	FORWARD_HEAD,     /* the request is under way, and its answer has not begun */
	FORWARD_BODY,     /* of the answer */
	FORWARD_DRAINS,   /* the answer is whole; the rest of the request is read and dropped */
	FORWARD_OVER,
};

/* How the upstream has ended, where the broker has to say it: its bytes may end because whoever
 * unwraps them has died. */
enum forward_ending {
	FORWARD_BY_BYTES, /* they say it themselves */
	FORWARD_UNTOLD,
	FORWARD_WHOLE,
	FORWARD_BROKEN,
};

struct forward {
	struct forward_options o;
	enum forward_step step;
	enum exchange_state end; /* FORWARD_OVER */
	struct line line;
	struct loop_io *line_io, *io;
	struct loop_timer *timer;
	int fd; /* -1: not yet */
	struct buf up, down;
	struct collect collect; /* FORWARD_COLLECTS */
	uint64_t body_left;     /* of the request, HTTP_BODY_LENGTH; of the answer after its head */
	uint64_t answer_left;
	enum forward_ending ending;
	bool at_end; /* there are no more bytes */
	bool body_over;
	bool discarding; /* the upstream takes nothing more of the body */
	bool stays;
	bool progress; /* since the timer was set */
	bool chunked;
	struct complaint complaint;
	struct http_response *answer;
};

static inline size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* --- forward_end.c --- */

void forward_finish(struct forward *f, enum exchange_state end);
/* In our own words, or when it is too late for them, by a cut. */
void forward_give_up(struct forward *f, unsigned status, const char *text);

/* --- forward_line.c: the broker, which connects --- */

/* 0 or -errno. */
int forward_ask(struct forward *f) MUST_CHECK;
void forward_read_line(struct forward *f);

/* --- forward_body.c: what goes to the upstream (and forward_input) --- */

void forward_write(struct forward *f);

/* --- forward_answer.c: what comes from the upstream --- */

/* Whether the upstream is read, as far as the output buffer has room. */
bool forward_reads(const struct forward *f);
void forward_read(struct forward *f);
/* The broker has said how it has ended, in f->ending. */
void forward_told(struct forward *f);

#endif
