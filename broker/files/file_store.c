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

/* --- what is lent, what is being removed --- */

struct loan {
	LIST_ENTRY(loan) entry;
	struct share *share;
	struct file_id file; /* 0: in no folder */
};

static bool is_file(const struct file_id *id, const struct dump_file *file)
{
	return id->dev == file->dev && id->ino == file->ino;
}

static struct file_id *find_withheld(struct file_store *store, const struct dump_file *file)
{
	size_t i;

	for (i = 0; i < store->withheld_count; i++) {
		if (is_file(&store->withheld[i], file))
			return &store->withheld[i];
	}
	return NULL;
}

int file_store_lend(struct file_store *store, const char *identity, const struct dump_file *file,
	struct loan **out)
{
	struct loan *loan;
	int r;

	if (store->lent == CONFIG_FILES_LENT)
		return -ENFILE;
	if (file && find_withheld(store, file))
		return -ENOENT;
	loan = calloc(1, sizeof(*loan));
	if (!loan)
		return -ENOMEM;
	r = shares_take(&store->shares, identity, CONFIG_FILES_LENT_USER, &loan->share);
	if (r < 0) {
		free(loan);
		return r;
	}
	if (file)
		loan->file = (struct file_id){file->dev, file->ino};
	LIST_INSERT_HEAD(&store->loans, loan, entry);
	store->lent++;
	*out = loan;
	return 0;
}

void file_store_returned(struct file_store *store, struct loan **loan)
{
	LIST_REMOVE(*loan, entry);
	shares_give(&(*loan)->share);
	free(*loan);
	*loan = NULL;
	store->lent--;
}

bool file_store_is_lent(const struct file_store *store, const struct dump_file *file)
{
	const struct loan *loan;

	LIST_FOREACH (loan, &store->loans, entry) {
		if (is_file(&loan->file, file))
			return true;
	}
	return false;
}

int file_store_withhold(struct file_store *store, const struct dump_file *file)
{
	if (file_store_is_lent(store, file))
		return -EBUSY;
	if (store->withheld_count == FILE_WITHHELD_MAX)
		return -ENOSPC;
	store->withheld[store->withheld_count++] = (struct file_id){file->dev, file->ino};
	return 0;
}

void file_store_release(struct file_store *store, const struct dump_file *file)
{
	struct file_id *id = find_withheld(store, file);

	if (id)
		*id = store->withheld[--store->withheld_count];
}

void file_store_watch(struct file_store *store, file_watch_fn fn, void *arg)
{
	store->watch = fn;
	store->watch_arg = arg;
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
