/*
 * Looks through the folder of all journals, for what belongs to no open one: guests that are gone.
 * The looking is for a job thread. Knows no journal.
 */
#ifndef CONSOLE_JOURNAL_SEGMENT_JOURNAL_SWEEP_H
#define CONSOLE_JOURNAL_SEGMENT_JOURNAL_SWEEP_H

#include <limits.h>
#include <stdbool.h>

#include "console/journal/segment/journal_segment.h"

#define JOURNAL_SWEEP_MAX 65536 /* folders of consoles looked at */

/* The folder of one console. */
struct journal_folder {
	char *dir;
	struct journal_segments segments;
	uint64_t time; /* of the offset file, microseconds; 0: there is none */
	bool open;     /* for the caller: a journal is open there */
};

struct journal_folders {
	struct journal_folder *list;
	size_t count, room;
};

/* All UUID/SLOT folders below dir, sorted by dir. 0 or -errno; what cannot be read is left out. */
int journal_folders_scan(struct journal_folders *f, const char *dir) MUST_CHECK;
void journal_folders_finish(struct journal_folders *f);

/* The one of that dir, or NULL. */
struct journal_folder *journal_folders_find(const struct journal_folders *f, const char *dir);

/* Removes the offset file and, if they are empty then, the console's folder and the guest's. */
void journal_folder_remove(const struct journal_folder *folder);

#endif
