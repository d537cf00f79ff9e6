/*
 * Task: how fast a guest's output comes, and whether all of it does. Owner: bench/run.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lines.h"
#include "probe.h"

#define STALL_MS 4000

int probe_flood(int argc, char **argv)
{
	struct lines f = {0};
	char buffer[65536], command[64];
	uint64_t begun, last, wanted;
	int fd, len;

	if (argc != 3)
		return 64;
	fd = (int)strtol(argv[1], NULL, 10);
	wanted = strtoull(argv[2], NULL, 10);
	len = snprintf(command, sizeof(command), "pat %llu\r", (unsigned long long)wanted);
	begun = last = now_ns();
	if (write_all(fd, command, (size_t)len) < 0)
		return 1;
	while (f.next < wanted) {
		long n = read_within(fd, buffer, sizeof(buffer), STALL_MS);

		if (n <= 0)
			break;
		last = now_ns();
		lines_take(&f, buffer, (size_t)n);
	}
	(void)printf("%llu %llu %llu %llu\n", (unsigned long long)f.bytes,
		(unsigned long long)(last - begun), (unsigned long long)f.good,
		(unsigned long long)f.damaged);
	return 0;
}
