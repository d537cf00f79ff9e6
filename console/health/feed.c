/* Task: see feed.h. */
#include <stdbool.h>

#include "console/health/feed.h"

#define SECOND UINT64_C(1000000)

void feed_init(struct feed *f)
{
	*f = (struct feed){.rate = FEED_RATE_FIRST};
}

static uint64_t time_of(const struct feed *f, size_t len)
{
	return len * SECOND / f->rate;
}

uint64_t feed_wait(const struct feed *f, uint64_t now, size_t len)
{
	uint64_t end = (f->clear > now ? f->clear : now) + time_of(f, len);
	uint64_t allowed = now + time_of(f, FEED_BURST);

	return end > allowed ? end - allowed : 0;
}

static void forget_old(struct feed *f, uint64_t now)
{
	if (f->read_at && now - f->read_at > FEED_MEMORY_US)
		f->read_at = 0;
	if (now - f->since <= FEED_MEMORY_US)
		return;
	f->since = now;
	f->given = 0;
	f->was_full = false;
	if (!f->read_at) {
		f->known = false;
		f->rate = FEED_RATE_FIRST;
	}
}

static void set_rate(struct feed *f, uint64_t rate)
{
	if (rate < FEED_RATE_MIN)
		rate = FEED_RATE_MIN;
	f->rate = rate < FEED_RATE_MAX ? rate : FEED_RATE_MAX;
}

/* What was given since the terminal was full is what the guest has read, or more, if it was not;
 * and less than it can read, if there was not always something. It may read half of what it has
 * before it gets more. */
static void learn(struct feed *f, uint64_t now)
{
	size_t spare = f->was_full || f->given < FEED_HALF ? 0 : FEED_HALF;
	uint64_t rate = now > f->since ? (f->given - spare) * SECOND / (now - f->since) : 0;

	rate -= rate / 8;
	set_rate(f, rate > f->rate / 2 ? rate : f->rate / 2);
	f->clear = now + time_of(f, FEED_HALF);
	f->since = f->read_at = now;
	f->given = 0;
	f->was_full = f->known = true;
}

/* So much has gone through that the guest keeps up. */
static void speed_up(struct feed *f, uint64_t now)
{
	f->read_at = f->since = now;
	f->given = 0;
	f->was_full = false;
	set_rate(f, f->known ? f->rate + f->rate / 4 : f->rate * 2);
}

void feed_given(struct feed *f, uint64_t now, size_t len, int stood)
{
	if (f->full)
		f->read_at = now; /* or there would be no room */
	forget_old(f, now);
	if (f->clear < now)
		f->clear = now;
	f->clear += time_of(f, len);
	f->given += len;
	f->full = false;
	if (stood)
		learn(f, now);
	else if (f->given >= FEED_TERMINAL)
		speed_up(f, now);
}

void feed_full(struct feed *f, uint64_t now)
{
	*f = (struct feed){.rate = FEED_RATE_FIRST,
		.clear = now,
		.since = now,
		.was_full = true,
		.full = true};
}

bool feed_is_risky(const struct feed *f, uint64_t now)
{
	return (f->full || f->given >= FEED_HALF) && now - f->since <= FEED_MEMORY_US &&
	       !feed_is_read(f, now);
}

bool feed_is_read(const struct feed *f, uint64_t now)
{
	return (f->read_at && now - f->read_at <= FEED_MEMORY_US) ||
	       (f->given > FEED_TERMINAL && now - f->since <= FEED_MEMORY_US);
}
