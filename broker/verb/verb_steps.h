/*
 * A long answer of a verb, made in a thread a step at a time. The next step follows when the client
 * has taken what came, so that neither files nor a slow client hold up the loop.
 */
#ifndef BROKER_VERB_VERB_STEPS_H
#define BROKER_VERB_VERB_STEPS_H

#include <stddef.h>
#include <stdio.h>

struct channel;
struct verb_call;

/* What a step has found; either may be NULL. Freed by who asked for the step. */
struct verb_piece {
	char *out, *err; /* for standard output; lines for standard error */
	size_t out_len, err_len;
};

/* Streams into a piece, for one step. 0 or -ENOMEM; verb_piece_close follows in any case. */
int verb_piece_open(struct verb_piece *piece, FILE **out, FILE **err)
	__attribute__((warn_unused_result));
/* r: how the step went. r, or -ENOMEM. */
int verb_piece_close(FILE **out, FILE **err, int r) __attribute__((warn_unused_result));

struct verb_steps_ops {
	/* In a thread. 1: there is more; 0: that was all; -errno. */
	int (*step)(void *source, struct verb_piece *piece);
	/* The end, of which only the verb knows what it means: 0 or -errno. Ends the channel. */
	void (*finish)(void *source, struct channel *channel, int result);
	void (*destroy)(void *source);
};

/* Takes over the source, also when it cannot begin; then it has ended the channel. */
void verb_steps_begin(const struct verb_call *call, const struct verb_steps_ops *ops, void *source);

#endif
