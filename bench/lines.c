/*
 * Task: the test guest's lines, made and checked. Owner: bench/run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lines.h"

#define TEXT 51

void lines_pattern(char line[LINE + 1], uint64_t number)
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
static void take_line(struct lines *l)
{
	char wanted[LINE + 1];
	uint64_t number;

	if (l->len < LINE) {
		l->damaged++;
		return;
	}
	/* A prompt may stand before the first line. */
	number = strtoull(l->line + l->len - LINE, NULL, 10);
	lines_pattern(wanted, number);
	if (number < l->next || memcmp(l->line + l->len - LINE, wanted, LINE) != 0) {
		l->damaged++;
		return;
	}
	l->next = number + 1;
	l->good++;
}

void lines_take(struct lines *l, const char *data, size_t len)
{
	size_t i;

	l->bytes += len;
	for (i = 0; i < len; i++) {
		if (l->len < sizeof(l->line))
			l->line[l->len++] = data[i];
		if (data[i] == '\n') {
			take_line(l);
			l->len = 0;
		}
	}
}
