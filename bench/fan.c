/*
 * Task: when the flood begins and ends, and what each viewer had of it. Owner: bench/run.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fan.h"
#include "probe.h"

#define AGAIN 20 /* commands until all see the guest */
#define QUIET_MS 500
#define STALL_MS 10000

int fan_init(struct fan *fan, size_t count)
{
	fan->count = count;
	fan->viewers = calloc(count, sizeof(*fan->viewers));
	return fan->viewers ? 0 : -1;
}

void fan_finish(struct fan *fan)
{
	free(fan->viewers);
}

void fan_take(struct fan_viewer *viewer, const char *data, size_t len)
{
	viewer->last = now_ns();
	viewer->pieces++;
	lines_take(&viewer->lines, data, len);
}

static size_t have_seen(const struct fan *fan, uint64_t lines)
{
	size_t i, count = 0;

	for (i = 0; i < fan->count; i++)
		count += fan->viewers[i].lines.next >= lines;
	return count;
}

static int drain(struct fan *fan)
{
	int r;

	while ((r = fan->wait(fan, QUIET_MS)) > 0)
		;
	return r;
}

/* A guest that answers one after another, until none is left. */
static int wake(struct fan *fan)
{
	int i;

	for (i = 0; i < AGAIN && have_seen(fan, 1) < fan->count; i++) {
		if (fan->type(fan, "pat 1\r") < 0 || drain(fan) < 0)
			return -1;
	}
	return have_seen(fan, 1) == fan->count ? 0 : -1;
}

static void reset(struct fan *fan)
{
	size_t i;

	for (i = 0; i < fan->count; i++)
		fan->viewers[i] = (struct fan_viewer){0};
}

static int flood(struct fan *fan, uint64_t lines)
{
	char command[64];

	(void)snprintf(command, sizeof(command), "pat %llu\r", (unsigned long long)lines);
	if (fan->type(fan, command) < 0)
		return -1;
	while (have_seen(fan, lines) < fan->count && fan->wait(fan, STALL_MS) > 0)
		;
	return 0;
}

static void report(const struct fan *fan, uint64_t begun)
{
	size_t i;

	for (i = 0; i < fan->count; i++) {
		const struct fan_viewer *v = &fan->viewers[i];

		(void)printf("%llu %llu %llu %llu %llu\n", (unsigned long long)v->lines.bytes,
			(unsigned long long)(v->last ? v->last - begun : 0),
			(unsigned long long)v->lines.good, (unsigned long long)v->lines.damaged,
			(unsigned long long)v->pieces);
	}
	(void)fflush(stdout);
}

int fan_run(struct fan *fan, uint64_t count)
{
	uint64_t begun;

	if (wake(fan) < 0) {
		(void)fprintf(stderr, "%zu of %zu viewers see the guest\n", have_seen(fan, 1),
			fan->count);
		return -1;
	}
	reset(fan);
	(void)puts("ready");
	(void)fflush(stdout);
	if (getchar() == EOF)
		return -1;
	begun = now_ns();
	if (flood(fan, count) < 0)
		return -1;
	report(fan, begun);
	while (getchar() != EOF)
		;
	return 0;
}
