/*
 * The folders of all consoles that ever had a journal.
 *
 * Owner: the journal store. May not know open journals.
 */
#include "console/journal/segment/journal_sweep.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "console/journal/segment/journal_reserve.h"

static int add(struct journal_folders *f, const char *dir)
{
	char path[PATH_MAX + 16];
	struct stat st;

	if (f->count == JOURNAL_SWEEP_MAX)
		return -ENOSPC;
	if (f->count == f->room) {
		size_t room = f->room ? f->room * 2 : 64;
		struct journal_folder *list = reallocarray(f->list, room, sizeof(*list));

		if (!list)
			return -ENOMEM;
		f->list = list;
		f->room = room;
	}
	struct journal_folder *folder = &f->list[f->count];

	memset(folder, 0, sizeof(*folder));
	folder->dir = strdup(dir);
	if (!folder->dir)
		return -ENOMEM;
	snprintf(path, sizeof(path), "%s/" JOURNAL_RESERVE_FILE, dir);
	if (stat(path, &st) == 0)
		folder->time = (uint64_t)st.st_mtim.tv_sec * LOOP_SECOND;
	/* Without repair: a journal may be writing there. */
	if (journal_segments_load(&folder->segments, dir, false) < 0) {
		free(folder->dir);
		return 0;
	}
	f->count++;
	return 0;
}

/* Calls itself for each folder in dir; depth 0 is a console's. */
static int walk(struct journal_folders *f, const char *dir, int depth)
{
	const struct dirent *entry;
	char path[PATH_MAX];
	struct stat st;
	int r = 0;

	if (!depth)
		return add(f, dir);
	DIR *d = opendir(dir);
	if (!d)
		return depth == 2 ? -errno : 0;
	while (!r && (entry = readdir(d))) {
		if (entry->d_name[0] == '.')
			continue;
		int n = snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);

		if (n < 0 || (size_t)n >= sizeof(path) || lstat(path, &st) < 0 ||
			!S_ISDIR(st.st_mode))
			continue;
		r = walk(f, path, depth - 1);
	}
	closedir(d);
	return r;
}

static int by_dir(const void *a, const void *b)
{
	const struct journal_folder *x = a, *y = b;

	return strcmp(x->dir, y->dir);
}

int journal_folders_scan(struct journal_folders *f, const char *dir)
{
	memset(f, 0, sizeof(*f));
	int r = walk(f, dir, 2);

	if (r == -ENOSPC)
		r = 0;
	if (f->count)
		qsort(f->list, f->count, sizeof(*f->list), by_dir);
	if (r < 0)
		journal_folders_finish(f);
	return r;
}

void journal_folders_finish(struct journal_folders *f)
{
	for (size_t i = 0; i < f->count; i++) {
		free(f->list[i].dir);
		journal_segments_finish(&f->list[i].segments);
	}
	free(f->list);
	memset(f, 0, sizeof(*f));
}

struct journal_folder *journal_folders_find(const struct journal_folders *f, const char *dir)
{
	struct journal_folder key = {.dir = (char *)dir};

	return f->count ? bsearch(&key, f->list, f->count, sizeof(key), by_dir) : NULL;
}

void journal_folder_remove(const struct journal_folder *folder)
{
	struct journal_segments rest;
	char path[PATH_MAX + 16];
	char *slash;

	/* What a crash has left there. */
	if (journal_segments_load(&rest, folder->dir, true) < 0)
		return;
	journal_segments_finish(&rest);
	snprintf(path, sizeof(path), "%s/" JOURNAL_RESERVE_FILE, folder->dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s", folder->dir);
	if (rmdir(path) < 0)
		return;
	slash = strrchr(path, '/');
	if (slash) {
		*slash = '\0';
		(void)rmdir(path);
	}
}
