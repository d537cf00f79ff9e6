/* Task: the ranges of a file that were given out. Pure. */
#include <string.h>

#include "sshd/sftp/taken.h"

/* The first range that ends at or behind `from`. */
static unsigned find(const struct taken *t, uint64_t from)
{
	unsigned i = 0;

	while (i < t->count && t->ranges[i].to < from)
		i++;
	return i;
}

/* Takes in those behind range i that it has come to. */
static void join(struct taken *t, unsigned i)
{
	struct taken_range *r = &t->ranges[i];
	unsigned next = i + 1;

	while (next < t->count && t->ranges[next].from <= r->to) {
		if (t->ranges[next].to > r->to)
			r->to = t->ranges[next].to;
		next++;
	}
	memmove(r + 1, &t->ranges[next], (t->count - next) * sizeof(*r));
	t->count -= next - i - 1;
}

static void insert(struct taken *t, unsigned i, struct taken_range range)
{
	if (t->count == TAKEN_RANGES_MAX) {
		t->more = true;
		return;
	}
	memmove(&t->ranges[i + 1], &t->ranges[i], (t->count - i) * sizeof(range));
	t->ranges[i] = range;
	t->count++;
}

void taken_add(struct taken *t, uint64_t from, uint64_t len)
{
	struct taken_range range = {from, from + len};
	unsigned i = find(t, from);

	if (len == 0)
		return;
	t->bytes += len;
	if (i == t->count || t->ranges[i].from > range.to) {
		insert(t, i, range);
		return;
	}
	if (range.from < t->ranges[i].from)
		t->ranges[i].from = range.from;
	if (range.to > t->ranges[i].to)
		t->ranges[i].to = range.to;
	join(t, i);
}
