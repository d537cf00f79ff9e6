/*
 * How fast a guest is fed: pure, no clock of its own.
 *
 * What a guest has not read waits in its terminal, which takes some 19 KB, and nobody can see how
 * much it is. But between two moments in which the terminal was full, the guest has read what it
 * was given. So feeding gets faster until a guest has once not kept up; then its speed is known,
 * and it is fed a little slower than that, so that its terminal is seldom full again.
 */
#ifndef CONSOLE_HEALTH_FEED_H
#define CONSOLE_HEALTH_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FEED_BURST 4096       /* bytes at once, far less than any terminal holds */
#define FEED_RATE_FIRST 32768 /* bytes per second */
#define FEED_RATE_MIN 4096
#define FEED_RATE_MAX 262144              /* more than an emulated serial port takes */
#define FEED_HALF 12288                   /* less than any terminal holds */
#define FEED_TERMINAL 24576               /* more than any terminal holds */
#define FEED_MEMORY_US UINT64_C(10000000) /* older knowledge of a guest is worth nothing */

struct feed {
	uint64_t rate;
	uint64_t clear; /* when what was given would be through at this rate */
	uint64_t since; /* what follows was given after it */
	size_t given;
	bool was_full;    /* at that time */
	bool known;       /* the rate comes from the guest's speed */
	bool full;        /* nothing was taken any more, and nothing since */
	uint64_t read_at; /* when it was last known to have read; 0 */
};

void feed_init(struct feed *f);
/* How many microseconds from now len bytes may be given; 0 at once. len is at most FEED_BURST. */
uint64_t feed_wait(const struct feed *f, uint64_t now, size_t len);
/* They were. stood: there was no room for them at first. */
void feed_given(struct feed *f, uint64_t now, size_t len, int stood);
/* Its terminal is full: when it takes something again, the guest has read. */
void feed_full(struct feed *f, uint64_t now);
/* Whether so much was given that the terminal will be full soon, unless the guest reads. */
bool feed_is_risky(const struct feed *f, uint64_t now);
/* Whether the guest is known to have read lately. */
bool feed_is_read(const struct feed *f, uint64_t now);

#endif
