/*
 * Task: how fast a guest's output comes, and whether all of it does. Owner: bench/run.
 *
 * The test guest's lines are a function of their number (tests/guest/README.md), so every byte is
 * compared.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe.h"

#define STALL_MS 4000
#define LINE 64
#define TEXT 51

struct flood {
	char line[256];
	size_t len;
	uint64_t wanted;
	uint64_t bytes, good, damaged;
	uint64_t next; /* number of the line that should come now */
};

static void pattern(char *line, uint64_t number)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	size_t at = (size_t)(number * 7 % 62), i;

	(void)snprintf(line, LINE, "%010llu ", (unsigned long long)number);
	for (i = 0; i < TEXT; i++)
		line[11 + i] = alphabet[(at + i) % 62];
	line[62] = '\r';
	line[63] = '\n';
}

/* A whole line. One that is out of its turn, or that is none, counts as damage; what lay between
 * is missing from the good ones. */
static void take_line(struct flood *f)
{
	char wanted[LINE];
	uint64_t number;

	if (f->len < LINE) {
		f->damaged++;
		return;
	}
	/* A prompt may stand before the first line. */
	number = strtoull(f->line + f->len - LINE, NULL, 10);
	pattern(wanted, number);
	if (number < f->next || memcmp(f->line + f->len - LINE, wanted, LINE) != 0) {
		f->damaged++;
		return;
	}
	f->next = number + 1;
	f->good++;
}

static void take(struct flood *f, const char *data, size_t len)
{
	size_t i;

	f->bytes += len;
	for (i = 0; i < len; i++) {
		if (f->len < sizeof(f->line))
			f->line[f->len++] = data[i];
		if (data[i] == '\n') {
			take_line(f);
			f->len = 0;
		}
	}
}

int probe_flood(int argc, char **argv)
{
	struct flood f = {0};
	char buffer[65536], command[64];
	uint64_t begun, last;
	int fd, len;

	if (argc != 3)
		return 64;
	fd = (int)strtol(argv[1], NULL, 10);
	f.wanted = strtoull(argv[2], NULL, 10);
	len = snprintf(command, sizeof(command), "pat %llu\r", (unsigned long long)f.wanted);
	begun = last = now_ns();
	if (write_all(fd, command, (size_t)len) < 0)
		return 1;
	while (f.next < f.wanted) {
		long n = read_within(fd, buffer, sizeof(buffer), STALL_MS);

		if (n <= 0)
			break;
		last = now_ns();
		take(&f, buffer, (size_t)n);
	}
	(void)printf("%llu %llu %llu %llu\n", (unsigned long long)f.bytes,
		(unsigned long long)(last - begun), (unsigned long long)f.good,
		(unsigned long long)f.damaged);
	return 0;
}
