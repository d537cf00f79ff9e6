/*
 * Task: ask libvirt about guests: each at most once at a time, some at a time, off the loop; and
 * answer those who asked.
 * Owner: the hypervisor. Does not know what the answers mean.
 *
 * A guest that is to be read stands in h->waiting. Readings go out in batches. When an event or a
 * question comes while a guest is being read, the reading is stale: it is thrown away and the
 * guest, which stands in the queue again, is read once more.
 */
#include <errno.h>
#include <stdlib.h>

#include "console/hypervisor/hypervisor_private.h"

struct batch_item {
	struct uuid uuid;
	uint64_t changes; /* of the guest when the batch was made */
	int result;
	struct location_reading reading;
	struct virt_error error;
};

struct batch {
	struct hypervisor *h;
	struct hypervisor_link *link;
	size_t count;
	struct batch_item items[REFRESH_BATCH];
};

void refresh_mark(struct hypervisor *h, struct guest_entry *g, bool urgent)
{
	g->changes++;
	if (g->dirty && !urgent)
		return;
	if (g->dirty)
		TAILQ_REMOVE(&h->waiting, g, waiting);
	g->dirty = true;
	if (urgent)
		TAILQ_INSERT_HEAD(&h->waiting, g, waiting);
	else
		TAILQ_INSERT_TAIL(&h->waiting, g, waiting);
}

void refresh_unmark(struct hypervisor *h, struct guest_entry *g)
{
	if (g->dirty)
		TAILQ_REMOVE(&h->waiting, g, waiting);
	g->dirty = false;
}

static void batch_work(void *arg)
{
	struct batch *b = arg;
	size_t i;

	for (i = 0; i < b->count; i++) {
		struct batch_item *item = &b->items[i];

		item->result = place_read(b->link->conn, &item->uuid, &item->reading, &item->error);
	}
}

static void batch_done(void *arg)
{
	struct batch *b = arg;
	struct hypervisor *h = b->h;
	bool usable = b->link->state == LINK_OPEN && !job_cancelled(h->control);
	size_t i;

	h->refreshing--;
	link_job_end(b->link);
	for (i = 0; usable && i < b->count; i++) {
		const struct batch_item *item = &b->items[i];
		struct guest_entry *g = table_find(h, &item->uuid);

		if (g && g->changes == item->changes)
			h->parts->read(h, g, item->result, &item->reading, &item->error);
	}
	free(b);
	refresh_pump(h);
}

static void fill(struct hypervisor *h, struct batch *b)
{
	struct guest_entry *g;

	while (b->count < REFRESH_BATCH && (g = TAILQ_FIRST(&h->waiting))) {
		struct batch_item *item = &b->items[b->count++];

		refresh_unmark(h, g);
		item->uuid = g->info.uuid;
		item->changes = g->changes;
	}
}

/* Puts back what could not be asked. */
static void spill(struct hypervisor *h, const struct batch *b)
{
	size_t i;

	for (i = 0; i < b->count; i++) {
		struct guest_entry *g = table_find(h, &b->items[i].uuid);

		if (g)
			refresh_failed(h, g);
	}
}

void refresh_pump(struct hypervisor *h)
{
	while (h->link && h->link->state == LINK_OPEN && h->refreshing < REFRESH_JOBS &&
		!TAILQ_EMPTY(&h->waiting)) {
		struct batch *b = calloc(1, sizeof(*b));

		if (!b)
			return; /* the next event or answer tries again */
		b->h = h;
		b->link = h->link;
		fill(h, b);
		if (job_submit(h->control, batch_work, batch_done, b) < 0) {
			spill(h, b);
			free(b);
			return;
		}
		h->refreshing++;
		link_job_begin(b->link);
	}
}

void refresh_failed(struct hypervisor *h, struct guest_entry *g)
{
	if (!g->failed)
		h->failed_count++;
	g->failed = true;
	if (!loop_timer_armed(h->refresh_retry))
		loop_timer_set(h->refresh_retry, REFRESH_RETRY_US, LOOP_SECOND);
}

void refresh_retry(struct hypervisor *h)
{
	struct guest_entry *g;
	size_t i;

	for (i = 0; i < BUCKETS && h->failed_count; i++)
		LIST_FOREACH (g, &h->guests[i], bucket) {
			if (!g->failed)
				continue;
			g->failed = false;
			h->failed_count--;
			refresh_mark(h, g, false);
		}
	refresh_pump(h);
}

/* --- questions --- */

int hypervisor_ask(
	struct hypervisor *h, const struct uuid *uuid, hypervisor_asked_fn done, void *arg)
{
	struct guest_entry *g = table_find(h, uuid);
	struct query *q;

	if (!h->link || h->link->state != LINK_OPEN)
		return -ENOTCONN;
	if (!g)
		return -ENOENT;
	q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	*q = (struct query){.uuid = *uuid, .done = done, .arg = arg};
	LIST_INSERT_HEAD(&h->queries, q, link);
	refresh_mark(h, g, true);
	refresh_pump(h);
	return 0;
}

static void forget_in(struct query_list *list, const void *arg)
{
	struct query *q = LIST_FIRST(list);

	while (q) {
		struct query *next = LIST_NEXT(q, link);

		if (q->arg == arg) {
			LIST_REMOVE(q, link);
			free(q);
		}
		q = next;
	}
}

void hypervisor_forget(struct hypervisor *h, void *arg)
{
	forget_in(&h->queries, arg);
	forget_in(&h->answering, arg);
}

/* The one who is answered may ask again, or make others forget their questions. */
static void answer_all(struct hypervisor *h, int error, const struct location_info *info)
{
	struct query *q;

	while ((q = LIST_FIRST(&h->answering))) {
		LIST_REMOVE(q, link);
		q->done(q->arg, error, info);
		free(q);
	}
}

void questions_answer(
	struct hypervisor *h, const struct uuid *uuid, int error, const struct location_info *info)
{
	struct query *q = LIST_FIRST(&h->queries);

	while (q) {
		struct query *next = LIST_NEXT(q, link);

		if (uuid_equal(&q->uuid, uuid)) {
			LIST_REMOVE(q, link);
			LIST_INSERT_HEAD(&h->answering, q, link);
		}
		q = next;
	}
	answer_all(h, error, info);
}

void questions_fail(struct hypervisor *h, int error)
{
	struct query *q;

	while ((q = LIST_FIRST(&h->queries))) {
		LIST_REMOVE(q, link);
		LIST_INSERT_HEAD(&h->answering, q, link);
	}
	answer_all(h, error, NULL);
}

void questions_drop(struct hypervisor *h)
{
	struct query *q;

	while ((q = LIST_FIRST(&h->queries))) {
		LIST_REMOVE(q, link);
		free(q);
	}
}
