/*
 * Who uses what, at one moment: the consoles and the sessions with their counts, and what these
 * have grown by since an earlier moment.
 */
#ifndef BROKER_METRICS_TOP_SAMPLE_H
#define BROKER_METRICS_TOP_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct broker_context;
struct channel;
struct console;
struct login;

#define TOP_KEY_MAX 80

struct top_row {
	char key[TOP_KEY_MAX];         /* what it is found by in the next sample */
	const struct console *console; /* of a session: that it follows, or NULL. Of this turn */
	struct channel *channel;       /* of a session; of this turn */
	const struct login *login;     /* the same */
	uint64_t down, up; /* bytes so far: what comes from the guest, or goes to the client;
			    * the other way */
	uint64_t down_rate, up_rate; /* of a second; 0 when it is new */
	uint64_t lag;                /* bytes that the slowest, or this session, is behind */
};

struct top_list {
	struct top_row *rows;
	size_t count, room;
};

struct top_sample {
	uint64_t time; /* loop time */
	struct top_list consoles, sessions;
};

/* All consoles that are open or watched, all sessions. 0 or -ENOMEM; finished in either case. */
int top_sample_take(const struct broker_context *context, struct top_sample *out)
	__attribute__((warn_unused_result));
/* Fills in the rates, and puts who uses most first. Changes the order of before. */
void top_sample_compare(struct top_sample *now, struct top_sample *before);
/* Takes a zeroed one too. */
void top_sample_finish(struct top_sample *s);

#endif
