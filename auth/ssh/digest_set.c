/*
 * Sets of digests.
 * Task: a sorted array. Owner: the struct owns its memory. May not know what was digested.
 */
#include "auth/ssh/digest_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int digest_set_add(struct digest_set *s, const uint8_t *digest)
{
	if (s->count == s->room) {
		size_t room = s->room != 0 ? s->room * 2 : 16;
		uint8_t *mem = (uint8_t *)realloc(s->mem, room * s->width);

		if (!mem)
			return -ENOMEM;
		s->mem = mem;
		s->room = room;
	}
	memcpy(s->mem + s->count++ * s->width, digest, s->width);
	return 0;
}

static int compare(const void *a, const void *b, void *width)
{
	return memcmp(a, b, *(const size_t *)width);
}

void digest_set_seal(struct digest_set *s)
{
	if (s->count != 0)
		qsort_r(s->mem, s->count, s->width, compare, &s->width);
}

bool digest_set_has(const struct digest_set *s, const uint8_t *digest)
{
	size_t low = 0;
	size_t high = s->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = memcmp(digest, s->mem + mid * s->width, s->width);

		if (order == 0)
			return true;
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return false;
}

void digest_set_finish(struct digest_set *s)
{
	free(s->mem);
	*s = (struct digest_set){.width = s->width};
}
