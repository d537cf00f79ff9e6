/*
 * The handles and timeouts that libvirt has registered: by number, and in order of their time.
 *
 * Numbers are positive and carry a generation, so that a late call with an old number finds
 * nothing. The order is a binary heap: setting and taking a time costs O(log n).
 * Knows no descriptor, thread or clock; the caller locks.
 */
#ifndef CONSOLE_LIBVIRT_VIRT_TABLE_H
#define CONSOLE_LIBVIRT_VIRT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include <libvirt/libvirt.h>

#define VIRT_SOURCES_MAX (1 << 20)
#define VIRT_NOT_DUE SIZE_MAX

enum virt_kind { VIRT_HANDLE, VIRT_TIMEOUT };

struct virt_source {
	int id;
	enum virt_kind kind;
	bool removed;
	void *opaque;
	virFreeCallback free_opaque;

	bool ready; /* to be run in the round after this one: */
	uint64_t round;
	TAILQ_ENTRY(virt_source) link; /* of the ready list, or of the removed ones */
	size_t heap_at;                /* VIRT_NOT_DUE when it has no time */
	uint64_t due;                  /* monotonic microseconds */

	/* VIRT_HANDLE */
	virEventHandleCallback on_event;
	int fd;
	uint32_t wanted, armed; /* EPOLL* masks: asked for, and in force */
	uint64_t held_us;       /* left alone until due; 0: not */
	unsigned burst;         /* messages seen in quick succession */
	uint64_t young_until;   /* not left alone before */
	uint64_t last_run;

	/* VIRT_TIMEOUT */
	virEventTimeoutCallback on_timeout;
	int interval_ms; /* < 0: asleep; 0: again and again */
};

TAILQ_HEAD(virt_list, virt_source);

struct virt_slot {
	struct virt_source *source;
	unsigned generation;
	int next_free;
};

struct virt_table {
	struct virt_slot *slots;
	size_t slot_count;
	int free_slot; /* -1: none */
	struct virt_source **heap;
	size_t heap_count, heap_room;
};

void virt_table_init(struct virt_table *t);
/* Sources still in it are the caller's to free before. */
void virt_table_finish(struct virt_table *t);

/* A new, zeroed source with a number; NULL when out of memory or numbers. */
struct virt_source *virt_table_add(struct virt_table *t, enum virt_kind kind);

/* From now on its number finds nothing and it has no time; the memory stays. */
void virt_table_remove(struct virt_table *t, struct virt_source *s);

struct virt_source *virt_table_find(const struct virt_table *t, int id, enum virt_kind kind);

/* Never fails: room is made by virt_table_add. */
void virt_table_set_due(struct virt_table *t, struct virt_source *s, uint64_t due);
void virt_table_clear_due(struct virt_table *t, struct virt_source *s);
struct virt_source *virt_table_first_due(const struct virt_table *t);

#endif
