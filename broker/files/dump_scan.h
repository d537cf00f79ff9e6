/*
 * What lies in the dump folders. Blocking: for job threads.
 */
#ifndef BROKER_FILES_DUMP_SCAN_H
#define BROKER_FILES_DUMP_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "broker/files/dump_name.h"
#include "core/text/uuid.h"

#define DUMP_FILES_MAX 4096    /* of all folders; further ones are left out */
#define DUMP_ENTRIES_MAX 16384 /* names of whatever, in all folders, that are looked at */
#define DUMP_FOLDERS_MAX 32    /* store, and CONFIG_DUMP_DIRECTORIES_MAX */
#define DUMP_STORE 0           /* the folder that the service puts its own dumps into */

struct dump_file {
	char name[DUMP_FILE_MAX]; /* in the folder */
	char safe[DUMP_FILE_MAX]; /* in the tree */
	unsigned folder;
	uint64_t size;
	int64_t mtime;     /* seconds since 1970 */
	uint32_t mtime_ns; /* and nanoseconds */
	/* Of the last change of anything, nanoseconds since 1970: the kernel's own word. */
	int64_t changed;
	uint64_t dev, ino;
	int error;    /* 0, or why it cannot be opened: -errno */
	bool growing; /* somebody writes it */
	bool made;    /* by the service: it lies in the store and is called so */
	bool known;   /* guest is whose it is; of libvirt's, set by who asks */
	struct uuid guest;
};

struct dump_list {
	struct dump_file *files;
	size_t count;
	size_t entries; /* that were looked at */
	bool cut;       /* there were more */
};

/* Regular files only, and none that the service is making. 0, -ENOMEM. A folder that cannot be read
 * has none. */
int dump_scan(char *const *folders, size_t count, struct dump_list *out)
	__attribute__((warn_unused_result));
void dump_list_finish(struct dump_list *list);

/* Whether it is still the file that was seen, with all that is in it. */
struct stat;
bool dump_is_same(const struct dump_file *file, const struct stat *st);

/* Keeps those for which keep(arg, file) is true. */
void dump_list_filter(
	struct dump_list *list, bool (*keep)(void *arg, const struct dump_file *f), void *arg);

/* Sorts by their names in the tree, and makes these different. */
void dump_list_sort(struct dump_list *list);

/* By its name in the tree; "latest": the newest. NULL: none. */
const struct dump_file *dump_list_find(const struct dump_list *list, const char *safe);

#endif
