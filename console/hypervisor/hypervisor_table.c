/* Task: the guests of one hypervisor by their UUID. Owner: the hypervisor. Knows no libvirt. */
#include <stdlib.h>

#include "console/hypervisor/hypervisor_private.h"
#include "core/log.h"

static struct guest_bucket *bucket_of(struct hypervisor *h, const struct uuid *uuid)
{
	uint32_t hash = 2166136261U;
	size_t i;

	for (i = 0; i < sizeof(uuid->b); i++)
		hash = (hash ^ uuid->b[i]) * 16777619U;
	return &h->guests[(hash ^ hash >> 16) % BUCKETS];
}

struct guest_entry *table_find(struct hypervisor *h, const struct uuid *uuid)
{
	struct guest_entry *g;

	LIST_FOREACH (g, bucket_of(h, uuid), bucket)
		if (uuid_equal(&g->info.uuid, uuid))
			return g;
	return NULL;
}

static struct guest_entry *add(struct hypervisor *h, const struct uuid *uuid)
{
	struct guest_entry *g;

	if (h->guest_count >= HYPERVISOR_GUESTS_MAX) {
		if (!h->told_full)
			log_warning("hypervisor %s: more than %d guests, the others are ignored",
				h->options.name, HYPERVISOR_GUESTS_MAX);
		h->told_full = true;
		return NULL;
	}
	g = calloc(1, sizeof(*g));
	if (!g)
		return NULL;
	g->info.uuid = *uuid;
	g->domain_id = -1;
	g->info.domain_id = -1;
	LIST_INSERT_HEAD(bucket_of(h, uuid), g, bucket);
	h->guest_count++;
	return g;
}

struct guest_entry *table_find_or_add(struct hypervisor *h, const struct uuid *uuid)
{
	struct guest_entry *g = table_find(h, uuid);

	return g ? g : add(h, uuid);
}

void table_drop(struct hypervisor *h, struct guest_entry *g)
{
	LIST_REMOVE(g, bucket);
	h->guest_count--;
	free(g);
}
