/* Task: see dump_plan.h. Pure. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker/keep/dump_plan.h"

/* Whoever can write a file can give it any size; so many of them make no sum that wraps. */
#define COUNTED_MAX (UINT64_C(1) << 50)
_Static_assert(DUMP_FILES_MAX <= 1 << 12, "their sizes make no sum that wraps");

struct candidate {
	const struct dump_file *file;
	bool busy;
	const char *why; /* it goes; NULL: it stays */
};

struct plan {
	const struct dump_rules *rules;
	struct candidate *all;
	size_t count;
};

static uint64_t counted(uint64_t size)
{
	return size < COUNTED_MAX ? size : COUNTED_MAX;
}

static int by_age(const void *a, const void *b)
{
	const struct dump_file *x = ((const struct candidate *)a)->file;
	const struct dump_file *y = ((const struct candidate *)b)->file;
	int r = (x->mtime > y->mtime) - (x->mtime < y->mtime);

	return r ? r : strcmp(x->name, y->name);
}

static int by_guest(const void *a, const void *b)
{
	const struct dump_file *x = ((const struct candidate *)a)->file;
	const struct dump_file *y = ((const struct candidate *)b)->file;
	int r = memcmp(&x->guest, &y->guest, sizeof(x->guest));

	return r ? r : by_age(a, b);
}

/* One of the future counts as new: the clock was wrong then, or is now, and it may be the only
 * evidence. */
static void take_old(const struct plan *p)
{
	int64_t age = p->rules->limits.age;
	size_t i;

	for (i = 0; age && i < p->count; i++) {
		struct candidate *c = &p->all[i];

		if (!c->busy && c->file->mtime < p->rules->now - age)
			c->why = "older than age of [dump]";
	}
}

/* The oldest go until these and the base are within limit. False: they are not. */
static bool thin(struct candidate *list, size_t count, uint64_t limit, uint64_t base,
	bool keep_newest, const char *why)
{
	uint64_t sum = base;
	size_t i;

	for (i = 0; i < count; i++)
		sum += list[i].why ? 0 : counted(list[i].file->size);
	for (i = 0; i < count && sum > limit; i++) {
		if (list[i].why || list[i].busy || (keep_newest && i == count - 1))
			continue;
		list[i].why = why;
		sum -= counted(list[i].file->size);
	}
	return sum <= limit;
}

/* Of each guest. False: there is no room for what is wanted. */
static bool thin_guests(const struct plan *p)
{
	const struct dump_want *want = p->rules->want;
	uint64_t limit = p->rules->limits.size;
	size_t i, n;
	bool fits = !want || counted(want->bytes) <= limit;

	if (limit == 0)
		return true;
	qsort(p->all, p->count, sizeof(p->all[0]), by_guest);
	for (i = 0; i < p->count; i += n) {
		const struct uuid *guest = &p->all[i].file->guest;
		bool wanted = want && uuid_equal(guest, &want->guest);
		bool within;

		for (n = 1; i + n < p->count && uuid_equal(guest, &p->all[i + n].file->guest); n++)
			;
		within = thin(p->all + i, n, limit, wanted ? counted(want->bytes) : 0, !wanted,
			"size of [dump] is reached");
		fits &= within || !wanted;
	}
	return fits;
}

/* Of all. */
static bool thin_all(const struct plan *p)
{
	const struct dump_want *want = p->rules->want;
	uint64_t base = want ? counted(want->bytes) + counted(want->others) : 0;
	uint64_t limit = p->rules->limits.total;

	qsort(p->all, p->count, sizeof(p->all[0]), by_age);
	if (limit == 0)
		return true;
	return thin(p->all, p->count, limit, base, !want, "total of [dump] is reached") || !want;
}

static int collect(const struct plan *p, struct dump_pick *picks, size_t max)
{
	size_t i, n = 0;

	for (i = 0; i < p->count && n < max; i++) {
		if (p->all[i].why)
			picks[n++] = (struct dump_pick){p->all[i].file, p->all[i].why};
	}
	return (int)n;
}

int dump_plan(const struct dump_list *list, const struct dump_rules *rules, struct dump_pick *picks,
	size_t max)
{
	struct plan p = {.rules = rules, .all = calloc(list->count + 1, sizeof(*p.all))};
	size_t i;
	int r;

	if (!p.all)
		return -ENOMEM;
	for (i = 0; i < list->count; i++) {
		const struct dump_file *f = &list->files[i];

		if (f->folder == DUMP_STORE && f->made)
			p.all[p.count++] = (struct candidate){
				.file = f, .busy = rules->is_busy(rules->arg, f)};
	}
	take_old(&p);
	if (!thin_guests(&p))
		r = -EDQUOT;
	else if (!thin_all(&p))
		r = -ENOSPC;
	else
		r = collect(&p, picks, max);
	free(p.all);
	return r;
}
