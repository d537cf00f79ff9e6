/*
 * The journal of one console: every byte the guest printed, by absolute offset, and marks of what
 * happened between them.
 *
 * The newest bytes are in memory; older ones, when recorded, on disk. A reader stands at an offset
 * and is given runs of bytes, wherever they are. Nobody who reads slows the one who appends.
 *
 * Offsets are 64-bit, start at 0 for a console never seen before, and are never used twice, across
 * restarts and crashes too (console/journal/segment/journal_reserve.h). They may leap forward: what
 * lies between is a hole, and a reader is told of it.
 *
 * Belongs to one loop; no function may be called from another thread. Times are microseconds
 * since 1970. Functions return 0 or -errno.
 */
#ifndef CONSOLE_JOURNAL_JOURNAL_H
#define CONSOLE_JOURNAL_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "console/journal/segment/journal_mark.h"
#include "core/loop.h"

struct journal;
struct journal_reader;
struct journal_query;
struct journal_store;

#define JOURNAL_MEMORY_MIN ((size_t)64 << 10)
#define JOURNAL_MEMORY_MAX ((size_t)64 << 20)
#define JOURNAL_MEMORY_DEFAULT ((size_t)1 << 20)

/*
 * Recording has failed (error is -errno; it goes on in memory), or works again (0). Must not use
 * the journal.
 */
typedef void (*journal_error_fn)(void *arg, int error);

struct journal_options {
	size_t memory;   /* bytes kept in memory, rounded up to whole pages; 0: the default */
	const char *dir; /* this console's own folder; NULL: nothing outlives the journal */
	struct journal_store *store; /* NULL: no bytes on disk. Else dir lies below its folder */
	int record;                  /* with a store: write to disk; 0: only read what is there */
	journal_error_fn on_error;   /* may be NULL */
	void *arg;
};

/*
 * Makes the folder when missing. Trouble with the folder does not fail: the journal works in
 * memory then. -EINVAL (memory out of bounds), -ENOMEM, -EMFILE.
 */
int journal_create(const struct journal_options *options, struct journal **journal) MUST_CHECK;

/* All readers must be gone. Writes down where the offsets ended. */
void journal_destroy(struct journal **journal);

/*
 * Adds bytes at the end and wakes the readers that waited there. Cannot fail: what cannot be
 * written to disk is kept in memory.
 */
void journal_append(struct journal *j, const void *data, size_t len);

/* Begins or ends recording to disk. Nothing happens without a store. */
void journal_set_record(struct journal *j, int record);

/* 0 every byte goes to disk; -ENODATA none is meant to; other -errno why that fails now. */
int journal_recording(const struct journal *j);

/* The oldest offset that can still be read; equals journal_next when there is none. */
uint64_t journal_first(const struct journal *j);
/* The offset of the next byte to come. */
uint64_t journal_next(const struct journal *j);
/* The oldest offset that is in memory. */
uint64_t journal_memory_first(const struct journal *j);

/*
 * All bytes from offset to the end, in one piece, if they are in memory; 0 bytes at the end. Valid
 * until the next append. -ERANGE outside of memory_first..next.
 */
int journal_view(
	const struct journal *j, uint64_t offset, const uint8_t **data, size_t *len) MUST_CHECK;

/*
 * Marks
 */
/* Puts down a mark at the end. text may be NULL; it is escaped here (core/text/escape.h). */
void journal_mark(struct journal *j, enum journal_mark_kind kind, const char *text);

/* The first mark of this kind behind offset that is in memory. 0 or -ENOENT. */
int journal_mark_after(const struct journal *j, enum journal_mark_kind kind, uint64_t offset,
	uint64_t *found) MUST_CHECK;

/* A known interruption: for duration us nobody read what the guest printed, because of cause. */
void journal_gap(struct journal *j, const char *cause, uint64_t duration);

/*
 * States: what the reader of the bytes up to an offset would know, as a word. The journal keeps
 * them and does not read them.
 */
/* Puts down one at the end. */
void journal_keep_state(struct journal *j, const char *word);

/* The last one with least <= offset <= most, if it is in memory. 0 or -ENOENT. */
int journal_state_before(const struct journal *j, uint64_t least, uint64_t most,
	struct journal_state *state) MUST_CHECK;

/*
 * Readers
 */
enum journal_hole_cause {
	JOURNAL_HOLE_EXPIRED, /* no longer kept */
	JOURNAL_HOLE_UNUSED,  /* these offsets were never given to a byte; see the gap mark */
	JOURNAL_HOLE_LOST,    /* were in memory only (not recorded, disk full), or never used */
	JOURNAL_HOLE_BROKEN,  /* are kept, but cannot be read */
};

struct journal_hole {
	uint64_t from, to; /* offsets from..to-1 cannot be read; to can, or is the end */
	enum journal_hole_cause cause;
};

/*
 * A reader at offset. wake(arg) is called once each time that journal_reader_next could give
 * nothing and there is something now; it may use, move and destroy any reader of the journal, but
 * must not append. -ERANGE when offset lies behind the end; one that is gone is a hole, no error.
 */
int journal_reader_create(struct journal *j, uint64_t offset, loop_fn wake, void *arg,
	struct journal_reader **reader) MUST_CHECK;
void journal_reader_destroy(struct journal_reader **reader);

/*
 * The bytes at the reader's offset: as many as lie together, at least one. They stay valid until
 * the next append or the next call with this reader.
 * 0         *data and *len are set; the reader does not move (journal_reader_consume)
 * -ERANGE   the reader stands in a hole; go on with journal_reader_seek(reader, hole->to)
 * -ENODATA  the reader is at the end of the journal; it will be woken
 * -EAGAIN   the bytes are being fetched; it will be woken
 */
int journal_reader_next(struct journal_reader *reader, const uint8_t **data, size_t *len,
	struct journal_hole *hole) MUST_CHECK;

/* Moves past len bytes that journal_reader_next has given. */
void journal_reader_consume(struct journal_reader *reader, size_t len);

/* -ERANGE when offset lies behind the end. */
int journal_reader_seek(struct journal_reader *reader, uint64_t offset) MUST_CHECK;

uint64_t journal_reader_offset(const struct journal_reader *reader);

/* Whether this reader wants to know times. That costs it more reading from disk. */
void journal_reader_set_times(struct journal_reader *reader, int on);

/*
 * After journal_reader_next gave bytes: when the first of them came, to a second (less precisely
 * where much is in memory only), and the offset up to which that holds. 0 or -ENODATA.
 */
int journal_reader_time(
	const struct journal_reader *reader, uint64_t *time, uint64_t *until) MUST_CHECK;

/*
 * Questions about all that is kept, on disk too. The answer comes by fn(arg, ...), before the
 * call returns (then *query is NULL) or later on the loop, unless journal_query_cancel or
 * journal_destroy comes first.
 */
enum journal_find {
	JOURNAL_FIND_TIME,  /* the first output at or after this time; the end if there is none */
	JOURNAL_FIND_BOOT,  /* the boot mark that is so many before the last (0: the last) */
	JOURNAL_FIND_LINES, /* the start of the last so many lines (1: the last one); at most
			     * JOURNAL_FIND_LINES_MAX */
};
#define JOURNAL_FIND_LINES_MAX 1000000

/* error: 0; -ENOENT no such boot; -errno. */
typedef void (*journal_found_fn)(void *arg, int error, uint64_t offset);
int journal_find(struct journal *j, enum journal_find what, uint64_t value, journal_found_fn fn,
	void *arg, struct journal_query **query) MUST_CHECK;

#define JOURNAL_LIST_MAX 10000 /* marks listed at most: the newest */

/* The marks with from <= offset < to (UINT64_MAX: and those at the end), oldest first. */
typedef void (*journal_listed_fn)(
	void *arg, int error, const struct journal_mark *marks, size_t count);
int journal_list_marks(struct journal *j, uint64_t from, uint64_t to, journal_listed_fn fn,
	void *arg, struct journal_query **query) MUST_CHECK;

/* The answer will not come. NULL inside is fine. */
void journal_query_cancel(struct journal_query **query);

#endif
