/*
 * One job of matching: the output of a console goes in, and the first match comes out.
 *
 * Output is read as text (worker/match/read.h), or with raw as bytes. Each line is looked at when
 * it ends. The unfinished last line, where a prompt stands, is looked at as soon as more bytes are
 * not there yet: what it holds counts at once when no byte to come can change the match, else when
 * the caller says that the output rests. So what is found does not depend on how the output was cut
 * into pieces. With multi, lines are not taken apart, and a match may span MATCH_WINDOW_MAX bytes.
 *
 * Pure: knows no console, no clock but the processor time of a look, and no descriptor. Belongs to
 * one thread.
 */
#ifndef WORKER_MATCH_MATCH_H
#define WORKER_MATCH_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/match/pattern.h"

struct match;

struct match_words {
	const char *text; /* borrowed for the call */
	size_t len;
};

struct match_options {
	const struct match_words *patterns;
	size_t count;
	bool raw, multi;
	uint64_t offset; /* of the first byte to come */
	bool begins;     /* a line begins there, as at 0; else the first line's start is unknown */
	uint64_t from;   /* a match begins here or later; what comes before is looked at as the
			  * rest of its line, and as what a sequence began with */
};

enum match_state {
	MATCH_READING,
	MATCH_HOLDING, /* something was found in a line that goes on */
	MATCH_FOUND,   /* match_result has it */
	MATCH_STOPPED, /* given up: match_why says why */
};

/* 0; -EINVAL: why->text names the pattern and what is wrong with it, in one line; -ENOMEM. */
int match_create(struct match_room *room, const struct match_options *options, struct match **out,
	struct match_refusal *why) __attribute__((warn_unused_result));
void match_destroy(struct match **match);

/* For a limit that the caller keeps: the line for the user, as match_create would have it. */
void match_refuse(struct match_refusal *why, enum match_limit limit);

/*
 * Reads on at data[0..len), len at least 1, whose first byte has this offset. Returns after one
 * look at most, so that the caller can see to others: *used says how much was read, and the call is
 * to be made again with the rest while the state is MATCH_READING or MATCH_HOLDING. When offset is
 * not where the last call ended, output is missing in between. 0 or -ENOMEM.
 */
int match_step(struct match *m, uint64_t offset, const uint8_t *data, size_t len, size_t *used)
	__attribute__((warn_unused_result));

/* The output rests, or has ended: what stands in the last line is looked at as it is. */
void match_rest(struct match *m);

/* Holding has lasted long enough: the result is what is there. */
void match_release(struct match *m);

enum match_state match_state(const struct match *m);

/* Another job with the same patterns and from finds the same when it gets the output from this
 * offset on. *begins goes into its options. */
uint64_t match_again(const struct match *m, bool *begins);

/* Valid until match_destroy. */
struct match_result {
	unsigned pattern; /* from 0, in the order given */
	uint64_t start, end;
	const char *text; /* the line, or lines, that hold it; not terminated */
	size_t len;
	bool cut; /* text is not all of that */
};
void match_result(const struct match *m, struct match_result *result);

const char *match_why(const struct match *m);

#endif
