/*
 * A pace: so many at once, then one a period. The generic cell rate algorithm (ITU-T I.371, virtual
 * scheduling): one number says when all that was taken would be due at an even pace.
 *
 * Zero-initialised, everything may be taken. Times are of one monotonic clock, in any one unit.
 */
#ifndef CORE_PACE_H
#define CORE_PACE_H

#include <stdint.h>

struct pace {
	uint64_t due;
};

/* How long to wait for the next one; 0: it may be taken now. burst is at least 1. */
static inline uint64_t pace_wait(
	const struct pace *p, uint64_t now, uint64_t period, unsigned burst)
{
	uint64_t limit = now + (burst - 1) * period;

	return p->due > limit ? p->due - limit : 0;
}

/* Takes one. What is taken too early does not make the next one later than a period. */
static inline void pace_take(struct pace *p, uint64_t now, uint64_t period, unsigned burst)
{
	uint64_t latest = now + burst * period;

	p->due = (p->due > now ? p->due : now) + period;
	if (p->due > latest)
		p->due = latest;
}

/* All at once again. */
static inline void pace_reset(struct pace *p)
{
	p->due = 0;
}

#endif
