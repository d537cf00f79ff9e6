/*
 * Task: the round trip of single keystrokes. Owner: bench/run.
 *
 * One byte at a time, the next one GAP after the echo of the last: a fast typist, never two keys
 * under way at once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "probe.h"

#define ECHO_MS 5000

/* Reads until the byte has come back. */
static int await(int fd, char key)
{
	char buffer[4096];

	for (;;) {
		long n = read_within(fd, buffer, sizeof(buffer), ECHO_MS);

		if (n <= 0)
			return -1;
		if (memchr(buffer, key, (size_t)n))
			return 0;
	}
}

int probe_echo(int argc, char **argv)
{
	struct timespec gap = {0};
	long count, i;
	int fd;

	if (argc != 4)
		return 64;
	fd = (int)strtol(argv[1], NULL, 10);
	count = strtol(argv[2], NULL, 10);
	gap.tv_nsec = strtol(argv[3], NULL, 10) * 1000;
	for (i = 0; i < count; i++) {
		char key = (char)('a' + i % 26);
		uint64_t begun;

		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &gap, NULL);
		begun = now_ns();
		if (write_all(fd, &key, 1) < 0 || await(fd, key) < 0) {
			(void)fprintf(stderr, "no echo of keystroke %ld\n", i);
			return 1;
		}
		(void)printf("%llu\n", (unsigned long long)(now_ns() - begun));
	}
	return 0;
}
