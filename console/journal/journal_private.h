/*
 * What the files of the journal share: journal.c, journal_reader.c, journal_find.c,
 * journal_store.c. Nobody else includes this.
 */
#ifndef CONSOLE_JOURNAL_JOURNAL_PRIVATE_H
#define CONSOLE_JOURNAL_JOURNAL_PRIVATE_H

#include <stdbool.h>
#include <sys/queue.h>

#include "console/journal/journal.h"
#include "console/journal/journal_disk.h"
#include "console/journal/segment/journal_marks.h"
#include "console/journal/segment/journal_reserve.h"
#include "console/journal/journal_ring.h"
#include "console/journal/journal_states.h"
#include "console/journal/segment/journal_timestamps.h"
#include "console/journal/journal_store.h"
#include "console/journal/journal_work.h"

LIST_HEAD(journal_reader_list, journal_reader);
LIST_HEAD(journal_list, journal);
LIST_HEAD(journal_query_list, journal_query);

struct journal {
	LIST_ENTRY(journal) link; /* of the store's journals, if there is a store */
	struct journal_store *store;
	struct journal_ring ring;
	struct journal_reserve reserve;
	struct journal_marks marks;
	struct journal_states states;
	struct journal_timestamps timestamps;
	struct journal_disk disk;
	/* A reader is in one of them: waiting for the next append, or not. */
	struct journal_reader_list idle, waiting;
	struct journal_query_list queries;
	uint64_t appended;  /* time of the last append */
	uint64_t failed;    /* time at which writing failed; 0: it has not */
	uint64_t stopped;   /* time since which nothing is meant to be written */
	uint64_t tried;     /* time of the last attempt to write again */
	uint64_t unwritten; /* bytes appended since then */
	journal_error_fn on_error;
	void *error_arg;
};

struct journal_store {
	struct loop *loop;
	char *dir;
	struct journal_limits limits;
	struct journal_work work;
	struct journal_list journals;
	struct loop_timer *retry, *sweep;
	struct journal_sweep *sweeping;
	uint64_t disk_others, failures, bytes_written, bytes_lost, expired;
};

/* For the store: tries to write to disk again; gives back what an idle journal does not need. */
void journal_retry(struct journal *j);
void journal_rest(struct journal *j, uint64_t now);

/* For journal.c: a journal has failed to write. */
void journal_store_retry_soon(struct journal_store *store);

/* For journal.c: something to read has come. */
void journal_wake_readers(struct journal *j);

/* For journal.c: ends the queries still under way, without an answer. */
void journal_end_queries(struct journal *j);

#endif
