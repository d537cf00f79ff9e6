/*
 * The test guest's lines are a function of their number (tests/guest/README.md), so every byte of a
 * flood is compared.
 */
#ifndef BENCH_LINES_H
#define BENCH_LINES_H

#include <stddef.h>
#include <stdint.h>

#define LINE 64

struct lines {
	char line[256];
	size_t len;
	uint64_t bytes, good, damaged;
	uint64_t next; /* number of the line that should come now */
};

void lines_pattern(char line[LINE + 1], uint64_t number);
void lines_take(struct lines *lines, const char *data, size_t len);

#endif
