/* Task: list the dump folders. Owner: a job. Knows no guest. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/files/dump_open.h"
#include "broker/files/dump_scan.h"
#include "core/io.h"

#define LIST_STEP 64

static struct dump_file *add(struct dump_list *list)
{
	if (list->count % LIST_STEP == 0) {
		struct dump_file *more =
			realloc(list->files, (list->count + LIST_STEP) * sizeof(*more));

		if (!more)
			return NULL;
		list->files = more;
	}
	memset(&list->files[list->count], 0, sizeof(list->files[0]));
	return &list->files[list->count++];
}

static int64_t change_of(const struct stat *st)
{
	return (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec;
}

bool dump_is_same(const struct dump_file *file, const struct stat *st)
{
	return st->st_dev == file->dev && st->st_ino == file->ino &&
	       (uint64_t)st->st_size == file->size && change_of(st) == file->changed;
}

/* 1 when it was a file, 0 not, -ENOMEM. */
static int look_at(struct dump_list *list, int folder, unsigned index, const char *name)
{
	bool is_store = index == DUMP_STORE;
	struct dump_file *f;
	struct stat st;
	FD_AUTO int fd = -1;

	if (is_store && strncmp(name, DUMP_PARTIAL, strlen(DUMP_PARTIAL)) == 0)
		return 0;
	if (strlen(name) >= DUMP_FILE_MAX || fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		!S_ISREG(st.st_mode))
		return 0;
	f = add(list);
	if (!f)
		return -ENOMEM;
	snprintf(f->name, sizeof(f->name), "%s", name);
	dump_name_safe(name, f->safe);
	f->folder = index;
	fd = dump_open_file(folder, name, &st);
	f->error = fd < 0 && fd != -EAGAIN ? fd : 0;
	f->known = f->made = is_store && dump_name_made(name, &f->guest) == 0;
	/* One of the service's own has its name when it is complete. */
	f->growing = !f->made && (fd == -EAGAIN || (fd >= 0 && dump_is_growing(fd, &st)));
	f->size = (uint64_t)st.st_size;
	f->mtime = st.st_mtime;
	f->changed = change_of(&st);
	f->mtime_ns = (uint32_t)st.st_mtim.tv_nsec;
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	return 1;
}

static int scan_folder(struct dump_list *list, const char *path, unsigned index)
{
	int fd = dump_open_folder(path), r = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		fd_close(&fd);
		return 0;
	}
	while (r >= 0 && (entry = readdir(dir))) {
		if (list->count == DUMP_FILES_MAX || list->entries == DUMP_ENTRIES_MAX) {
			list->cut = true;
			break;
		}
		list->entries++;
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = look_at(list, dirfd(dir), index, entry->d_name);
	}
	closedir(dir);
	return r < 0 ? r : 0;
}

int dump_scan(char *const *folders, size_t count, struct dump_list *out)
{
	size_t i;
	int r = 0;

	memset(out, 0, sizeof(*out));
	for (i = 0; r == 0 && i < count; i++)
		r = scan_folder(out, folders[i], (unsigned)i);
	if (r < 0)
		dump_list_finish(out);
	return r;
}

void dump_list_finish(struct dump_list *list)
{
	free(list->files);
	memset(list, 0, sizeof(*list));
}

void dump_list_filter(
	struct dump_list *list, bool (*keep)(void *arg, const struct dump_file *f), void *arg)
{
	size_t i, kept = 0;

	for (i = 0; i < list->count; i++) {
		if (keep(arg, &list->files[i]))
			list->files[kept++] = list->files[i];
	}
	list->count = kept;
}

static int by_name(const void *a, const void *b)
{
	const struct dump_file *x = a, *y = b;
	int r = strcmp(x->safe, y->safe);

	if (r == 0)
		r = (x->mtime > y->mtime) - (x->mtime < y->mtime);
	return r ? r : (x->ino > y->ino) - (x->ino < y->ino);
}

void dump_list_sort(struct dump_list *list)
{
	size_t i, same = 0;

	if (list->count == 0)
		return;
	qsort(list->files, list->count, sizeof(list->files[0]), by_name);
	for (i = 1; i < list->count; i++) {
		struct dump_file *f = &list->files[i];
		const char *before = list->files[i - 1 - same].safe;
		char text[16];

		if (strcmp(f->safe, before) != 0) {
			same = 0;
			continue;
		}
		snprintf(text, sizeof(text), "~%zu", ++same);
		snprintf(f->safe + strnlen(f->safe, DUMP_FILE_MAX - sizeof(text)), sizeof(text),
			"%s", text);
	}
}

const struct dump_file *dump_list_find(const struct dump_list *list, const char *safe)
{
	const struct dump_file *found = NULL;
	int latest = strcmp(safe, "latest") == 0;
	size_t i;

	for (i = 0; i < list->count; i++) {
		const struct dump_file *f = &list->files[i];

		if (!latest && strcmp(f->safe, safe) == 0)
			return f;
		if (latest &&
			(!found || f->mtime > found->mtime ||
				(f->mtime == found->mtime && strcmp(f->safe, found->safe) > 0)))
			found = f;
	}
	return found;
}
