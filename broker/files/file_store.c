/* Task: see file_store.h. Owner: the broker. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "broker/files/file_store_private.h"
#include "console/guest/directory.h"

int file_store_create(struct loop *loop, const char *state_dir, struct file_store **out)
{
	struct file_store *store = calloc(1, sizeof(*store));
	int r;

	if (!store)
		return -ENOMEM;
	r = job_pool_create(loop, "dumps", FILE_THREADS, FILE_QUEUE, &store->pool);
	if (!r)
		r = lives_create(loop, state_dir, &store->lives);
	*out = store;
	if (r)
		file_store_destroy(out);
	return r;
}

void file_store_destroy(struct file_store **out)
{
	struct file_store *store = *out;

	if (!store)
		return;
	job_pool_destroy(&store->pool, LOOP_SECOND);
	lives_destroy(&store->lives);
	free(store);
	*out = NULL;
}

int file_store_lend(struct file_store *store, const char *identity, struct share **share)
{
	int r;

	if (store->lent == CONFIG_FILES_LENT)
		return -ENFILE;
	r = shares_take(&store->shares, identity, CONFIG_FILES_LENT_USER, share);
	if (r < 0)
		return r;
	store->lent++;
	return 0;
}

void file_store_returned(struct file_store *store, struct share **share)
{
	shares_give(share);
	store->lent--;
}

/* --- who runs where --- */

void file_store_place(
	struct file_store *store, const struct hypervisor *h, const struct location_info *info)
{
	if (info->domain_id >= 0)
		lives_running(store->lives, hypervisor_name(h), info->domain_id, &info->uuid,
			info->name, time(NULL));
	else
		lives_stopped(store->lives, hypervisor_name(h), &info->uuid, time(NULL));
}

void file_store_gone(
	struct file_store *store, const struct hypervisor *h, const struct location_info *info)
{
	lives_stopped(store->lives, hypervisor_name(h), &info->uuid, time(NULL));
}

struct host {
	const struct directory *directory;
	const struct hypervisor *hypervisor;
};

static bool runs(void *arg, const struct uuid *uuid)
{
	const struct host *host = arg;
	const struct guest *g = directory_by_uuid(host->directory, uuid);

	return g && guest_is_on(g) && guest_hypervisor(g) == host->hypervisor;
}

void file_store_link(struct file_store *store, struct directory *d, const struct hypervisor *h)
{
	struct host host = {d, h};

	lives_review(store->lives, hypervisor_name(h), runs, &host, time(NULL));
}

void file_store_lost(struct file_store *store, const struct hypervisor *h)
{
	lives_lost(store->lives, hypervisor_name(h), time(NULL));
}
