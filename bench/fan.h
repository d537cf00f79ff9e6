/*
 * Many viewers of one console that floods, each of whom has every line checked. How their bytes
 * come is the caller's.
 */
#ifndef BENCH_FAN_H
#define BENCH_FAN_H

#include "lines.h"

#define FAN_MAX 256

struct fan_viewer {
	struct lines lines;
	uint64_t last; /* when the last byte came, ns */
	uint64_t pieces;
};

struct fan {
	struct fan_viewer *viewers;
	size_t count;
	/* The first viewer types. 0 or -1. */
	int (*type)(struct fan *fan, const char *text);
	/* Takes what comes within so long: > 0 something, 0 nothing, -1 no more will. */
	int (*wait)(struct fan *fan, int timeout_ms);
};

int fan_init(struct fan *fan, size_t count);
void fan_finish(struct fan *fan);

void fan_take(struct fan_viewer *viewer, const char *data, size_t len);

/* Waits until every viewer sees the guest, says "ready", and at a line of standard input has the
 * guest print so many lines. Prints "BYTES NS GOOD DAMAGED PIECES" of each viewer, NS from the
 * command to the last byte, and returns at the end of standard input: 0 or -1. */
int fan_run(struct fan *fan, uint64_t count);

#endif
