/* "Did you mean": optimal string alignment distance over short words. Pure. */
#include "config/ini/nearest.h"

#include <limits.h>
#include <string.h>

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

unsigned nearest_distance(const char *a, const char *b)
{
	size_t la = strnlen(a, NEAREST_WORD_MAX + 1), lb = strnlen(b, NEAREST_WORD_MAX + 1);
	unsigned rows[3][NEAREST_WORD_MAX + 1];
	unsigned *before = rows[0], *last = rows[1], *row = rows[2];

	if (la > NEAREST_WORD_MAX || lb > NEAREST_WORD_MAX)
		return UINT_MAX;
	for (size_t j = 0; j <= lb; j++)
		before[j] = last[j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned *spare = before;

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned differs = a[i - 1] != b[j - 1];

			row[j] = min3(last[j] + 1, row[j - 1] + 1, last[j - 1] + differs);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		before = last;
		last = row;
		row = spare;
	}
	return last[lb];
}

void nearest_offer(struct nearest *n, const char *candidate)
{
	unsigned distance = nearest_distance(n->word, candidate);
	size_t len = strlen(n->word);
	unsigned limit = len < 6 ? 2 : (unsigned)(len + 2) / 3;

	/* A word of which every letter is changed is no neighbour. */
	if (distance > limit || distance >= strlen(candidate))
		return;
	if (n->best && distance >= n->distance)
		return;
	n->best = candidate;
	n->distance = distance;
}
