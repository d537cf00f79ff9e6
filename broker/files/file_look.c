/* Task: look into dump folders and open files there, in threads. Owner: who asks. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/files/file_store_private.h"
#include "broker/files/dump_open.h"
#include "config/config.h"
#include "core/io.h"

_Static_assert(
	DUMP_FOLDERS_MAX == CONFIG_DUMP_DIRECTORIES_MAX + 1, "each configured one is looked into");

struct file_look {
	struct file_store *store;
	char *folders[DUMP_FOLDERS_MAX]; /* copies: a reload may come */
	size_t folder_count;
	struct dump_list list;
	struct dump_file file; /* to be opened */
	int error, fd;
	file_looked_fn looked;
	file_opened_fn opened;
	void *arg; /* NULL: cancelled */
};

static void look_free(struct file_look *look)
{
	size_t i;

	for (i = 0; i < look->folder_count; i++)
		free(look->folders[i]);
	dump_list_finish(&look->list);
	fd_close(&look->fd);
	free(look);
}

static int add_folder(struct file_look *look, const char *path)
{
	if (look->folder_count == DUMP_FOLDERS_MAX)
		return 0;
	look->folders[look->folder_count] = strdup(path);
	return look->folders[look->folder_count++] ? 0 : -ENOMEM;
}

static struct file_look *look_create(
	struct file_store *store, const struct config *config, void *arg)
{
	struct file_look *look = calloc(1, sizeof(*look));
	size_t i;
	int r;

	if (!look)
		return NULL;
	look->store = store;
	look->fd = -1;
	look->arg = arg;
	r = add_folder(look, config->dump.store);
	for (i = 0; r == 0 && i < config->dump.directories.count; i++)
		r = add_folder(look, config->dump.directories.items[i]);
	if (r == 0)
		return look;
	look_free(look);
	return NULL;
}

static int submit(struct file_look *look, job_fn work, job_fn done, struct file_look **out)
{
	int r = job_submit(look->store->pool, work, done, look);

	if (r)
		look_free(look);
	else
		*out = look;
	return r;
}

void file_look_cancel(struct file_look **look)
{
	if (*look)
		(*look)->arg = NULL;
	*look = NULL;
}

/* --- looking --- */

static void work_look(void *arg)
{
	struct file_look *look = arg;

	look->error = dump_scan(look->folders, look->folder_count, &look->list);
}

static void attribute(struct file_look *look)
{
	size_t i;

	for (i = 0; i < look->list.count; i++) {
		struct dump_file *f = &look->list.files[i];
		struct dump_name name;

		if (!f->known)
			f->known = dump_name_parse(f->name, &name) == 0 &&
				   lives_find(look->store->lives, name.id, name.guest, f->mtime,
					   &f->guest) == 0;
	}
}

static void done_look(void *arg)
{
	struct file_look *look = arg;

	if (job_cancelled(look->store->pool))
		look->error = -ECANCELED;
	if (!look->error && look->arg)
		attribute(look);
	if (!look->error && look->arg && look->store->watch)
		look->store->watch(look->store->watch_arg, &look->list);
	if (look->arg)
		look->looked(look->arg, look->error, &look->list);
	look_free(look);
}

int file_look(struct file_store *store, const struct config *config, file_looked_fn done, void *arg,
	struct file_look **out)
{
	struct file_look *look = look_create(store, config, arg);

	if (!look)
		return -ENOMEM;
	look->looked = done;
	return submit(look, work_look, done_look, out);
}

/* --- opening --- */

/* The very file that was seen; it may have been replaced since. */
static void work_open(void *arg)
{
	struct file_look *look = arg;
	FD_AUTO int folder = dump_open_folder(look->folders[look->file.folder]);
	struct stat st;

	if (folder < 0) {
		look->error = folder;
		return;
	}
	look->fd = dump_open_file(folder, look->file.name, &st);
	if (look->fd < 0) {
		look->error = look->fd;
		look->fd = -1;
	} else if (!dump_is_same(&look->file, &st)) {
		look->error = -ESTALE;
	}
}

static void done_open(void *arg)
{
	struct file_look *look = arg;
	int fd = -1;

	if (job_cancelled(look->store->pool))
		look->error = -ECANCELED;
	if (look->arg) {
		if (!look->error) {
			fd = look->fd;
			look->fd = -1;
		}
		look->opened(look->arg, look->error ? look->error : fd);
	}
	look_free(look);
}

int file_open(struct file_store *store, const struct config *config, const struct dump_file *file,
	file_opened_fn done, void *arg, struct file_look **out)
{
	struct file_look *look = look_create(store, config, arg);

	if (!look)
		return -ENOMEM;
	if (file->folder >= look->folder_count) { /* a reload has come between */
		look_free(look);
		return -ESTALE;
	}
	look->file = *file;
	look->opened = done;
	return submit(look, work_open, done_open, out);
}
