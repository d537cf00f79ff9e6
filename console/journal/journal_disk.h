/*
 * The writing half of a journal on disk: the segment that grows, its index, packing, size limit.
 *
 * Writes go to the page cache: after a crash of the daemon they are there, after a power cut the
 * last seconds may not be. Knows no ring and no readers.
 */
#ifndef CONSOLE_JOURNAL_JOURNAL_DISK_H
#define CONSOLE_JOURNAL_JOURNAL_DISK_H

#include <stdbool.h>

#include "console/journal/segment/journal_segment.h"
#include "console/journal/journal_store.h"
#include "console/journal/journal_work.h"

#define JOURNAL_STAMP_US LOOP_SECOND /* a time in the index at least so often, during output */

enum journal_disk_state {
	JOURNAL_DISK_OFF,    /* nothing is to be written */
	JOURNAL_DISK_ON,     /* every byte so far is in a segment */
	JOURNAL_DISK_FAILED, /* writing failed; to be tried again */
};

struct journal_pack_job;

struct journal_disk {
	struct journal_work *work; /* NULL: there is no disk */
	const struct journal_limits *limits;
	char *dir;
	struct journal_segments segments;
	enum journal_disk_state state;
	int error; /* why it failed, -errno */
	bool lost; /* a hole before the next segment is one of lost bytes */
	int fd;    /* the segment that grows; -1: none is open */
	uint64_t index_len;
	uint64_t stamped; /* time of the last time in the index */
	uint64_t begun;   /* time of the first one of the segment that grows */
	uint64_t written; /* behind the last byte on disk */
	uint64_t expired; /* segments dropped by a limit */
	struct journal_pack_job *pack;
};

/* Reads what is there. Trouble is no failure: state FAILED, or OFF when record is false. */
int journal_disk_init(struct journal_disk *d, struct journal_work *work,
	const struct journal_limits *limits, const char *dir, bool record) MUST_CHECK;
void journal_disk_finish(struct journal_disk *d);

/* Writes bytes that belong at offset. Returns how many were; less: state is FAILED now. */
size_t journal_disk_write(struct journal_disk *d, uint64_t offset, const uint8_t *data, size_t len);

/* Puts a mark into the index. On failure state is FAILED. */
void journal_disk_mark(struct journal_disk *d, const struct journal_mark *mark);

/* The same with a state, of the bytes before offset. */
void journal_disk_state(struct journal_disk *d, uint64_t offset, const char *word);

/* Calls fn for each line but the first in the end of the last segment's index. Reads a file; for a
 * start. */
void journal_disk_look_back(const struct journal_disk *d, journal_index_fn fn, void *arg);

/*
 * Tries to write again after a failure: data[0..len) is what is in memory from offset on. True:
 * all of it is written, state is ON.
 */
bool journal_disk_resume(struct journal_disk *d, uint64_t offset, const uint8_t *data, size_t len);

/* Begins or ends recording. */
void journal_disk_set_record(struct journal_disk *d, bool record, uint64_t offset);

/*
 * Times in microseconds: closes the growing segment's file if nothing was written since idle_since,
 * ends it if it began before old, removes segments that have nothing younger than expired.
 */
void journal_disk_tidy(struct journal_disk *d, uint64_t idle_since, uint64_t old, uint64_t expired);

/* Removes that one. False: there is none. */
bool journal_disk_drop_oldest(struct journal_disk *d);

#endif
