/*
 * Task: numbers and times of libvirt's handles and timeouts. Owner: the virt_loop.
 * Knows nothing of what they do.
 */
#include <stdlib.h>
#include <string.h>

#include "console/libvirt/virt_table.h"

#define INDEX_BITS 20
#define INDEX_MASK (VIRT_SOURCES_MAX - 1)
#define GENERATION_MAX 2047 /* the number stays a positive int */

void virt_table_init(struct virt_table *t)
{
	memset(t, 0, sizeof(*t));
	t->free_slot = -1;
}

void virt_table_finish(struct virt_table *t)
{
	free(t->slots);
	free(t->heap);
	virt_table_init(t);
}

static int grow_slots(struct virt_table *t)
{
	size_t count = t->slot_count ? t->slot_count * 2 : 16, i;
	struct virt_slot *more;

	if (count > VIRT_SOURCES_MAX)
		return -1;
	more = realloc(t->slots, count * sizeof(*more));
	if (!more)
		return -1;
	t->slots = more;
	for (i = count; i-- > t->slot_count;) {
		more[i] = (struct virt_slot){.generation = 1, .next_free = t->free_slot};
		t->free_slot = (int)i;
	}
	t->slot_count = count;
	return 0;
}

/* The heap can always take every source there is. */
static int grow_heap(struct virt_table *t)
{
	struct virt_source **more = realloc(t->heap, t->slot_count * sizeof(struct virt_source *));

	if (!more)
		return -1;
	t->heap = more;
	t->heap_room = t->slot_count;
	return 0;
}

struct virt_source *virt_table_add(struct virt_table *t, enum virt_kind kind)
{
	struct virt_source *s;
	struct virt_slot *slot;

	if (t->free_slot < 0 && grow_slots(t) < 0)
		return NULL;
	if (t->heap_room < t->slot_count && grow_heap(t) < 0)
		return NULL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	slot = &t->slots[t->free_slot];
	s->kind = kind;
	s->heap_at = VIRT_NOT_DUE;
	s->id = (int)(slot->generation << INDEX_BITS) | t->free_slot;
	t->free_slot = slot->next_free;
	slot->source = s;
	return s;
}

struct virt_source *virt_table_find(const struct virt_table *t, int id, enum virt_kind kind)
{
	size_t at = (size_t)(id & INDEX_MASK);
	struct virt_source *s;

	if (id < 0 || at >= t->slot_count)
		return NULL;
	s = t->slots[at].source;
	return s && s->id == id && s->kind == kind ? s : NULL;
}

void virt_table_remove(struct virt_table *t, struct virt_source *s)
{
	int at = s->id & INDEX_MASK;
	struct virt_slot *slot = &t->slots[at];

	virt_table_clear_due(t, s);
	slot->source = NULL;
	slot->generation = slot->generation == GENERATION_MAX ? 1 : slot->generation + 1;
	slot->next_free = t->free_slot;
	t->free_slot = at;
}

/* --- the heap --- */

static void put(struct virt_table *t, size_t at, struct virt_source *s)
{
	t->heap[at] = s;
	s->heap_at = at;
}

static void sift_up(struct virt_table *t, size_t at)
{
	struct virt_source *s = t->heap[at];

	while (at > 0 && t->heap[(at - 1) / 2]->due > s->due) {
		put(t, at, t->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	put(t, at, s);
}

static void sift_down(struct virt_table *t, size_t at)
{
	struct virt_source *s = t->heap[at];

	for (;;) {
		size_t child = at * 2 + 1;

		if (child + 1 < t->heap_count && t->heap[child + 1]->due < t->heap[child]->due)
			child++;
		if (child >= t->heap_count || t->heap[child]->due >= s->due)
			break;
		put(t, at, t->heap[child]);
		at = child;
	}
	put(t, at, s);
}

void virt_table_set_due(struct virt_table *t, struct virt_source *s, uint64_t due)
{
	if (s->heap_at == VIRT_NOT_DUE)
		put(t, t->heap_count++, s);
	s->due = due;
	sift_up(t, s->heap_at);
	sift_down(t, s->heap_at);
}

void virt_table_clear_due(struct virt_table *t, struct virt_source *s)
{
	size_t at = s->heap_at;
	struct virt_source *last;

	if (at == VIRT_NOT_DUE)
		return;
	s->heap_at = VIRT_NOT_DUE;
	last = t->heap[--t->heap_count];
	if (last == s)
		return;
	put(t, at, last);
	sift_up(t, at);
	sift_down(t, last->heap_at);
}

struct virt_source *virt_table_first_due(const struct virt_table *t)
{
	return t->heap_count ? t->heap[0] : NULL;
}
