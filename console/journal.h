/*
 * The journal of one console: every byte the guest printed, by absolute offset, and marks of what
 * happened between them.
 *
 * The newest bytes are in memory; older ones, when recorded, on disk. A reader stands at an offset
 * and is given runs of bytes, wherever they are. Nobody who reads slows the one who appends.
 *
 * Offsets are 64-bit, start at 0 for a console never seen before, and are never used twice, across
 * restarts and crashes too (console/journal_reserve.h). They may leap forward: what lies between
 * is a hole, and a reader is told of it.
 *
 * Belongs to one loop; no function may be called from another thread. Times are microseconds
 * since 1970. Functions return 0 or -errno.
 */
#ifndef CONSOLE_JOURNAL_H
#define CONSOLE_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "core/loop.h"

struct journal;
struct journal_reader;

#define JOURNAL_MEMORY_MIN ((size_t)64 << 10)
#define JOURNAL_MEMORY_MAX ((size_t)64 << 20)
#define JOURNAL_MEMORY_DEFAULT ((size_t)1 << 20)
#define JOURNAL_MARKS_MAX 256 /* marks kept in memory; the oldest go */
#define JOURNAL_TEXT_MAX 96   /* bytes of a mark's text, terminator included; the rest is cut */

struct journal_options {
	size_t memory;   /* bytes kept in memory, rounded up to whole pages; 0: the default */
	const char *dir; /* this console's own folder; NULL: nothing outlives the journal */
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
enum journal_mark_kind {
	JOURNAL_BOOT,       /* the guest was started or has rebooted */
	JOURNAL_SHUTDOWN,   /* the guest went off */
	JOURNAL_CRASH,      /* the hypervisor said so */
	JOURNAL_PANIC_TEXT, /* the guest printed something that looks like one */
	JOURNAL_ATTACH,
	JOURNAL_DETACH,
	JOURNAL_TAKEOVER,
	JOURNAL_BREAK, /* line break, sysrq, nmi: the text tells */
	JOURNAL_DUMP,
	JOURNAL_GAP, /* output may be missing here, or offsets were leapt over */
	JOURNAL_KINDS
};

struct journal_mark {
	uint64_t offset;   /* the byte that came after it */
	uint64_t time;     /* when it was put down */
	uint64_t length;   /* gap: offsets leapt over, ending at offset; 0 else */
	uint64_t duration; /* gap: microseconds it lasted; 0 else or unknown */
	enum journal_mark_kind kind;
	char text[JOURNAL_TEXT_MAX]; /* who, why; foreign bytes escaped. Never a secret */
};

/* The word that names a kind in listings and in files, and back (-EINVAL). */
const char *journal_kind_name(enum journal_mark_kind kind);
int journal_kind_parse(const char *name, enum journal_mark_kind *kind) MUST_CHECK;

/* Puts down a mark at the end. text may be NULL; it is escaped here (core/escape.h). */
void journal_mark(struct journal *j, enum journal_mark_kind kind, const char *text);

/* A known interruption: for duration us nobody read what the guest printed, because of cause. */
void journal_gap(struct journal *j, const char *cause, uint64_t duration);

/*
 * Calls fn for each mark in memory with from <= offset < to, oldest first; UINT64_MAX as to takes
 * in those at the end. Stops when fn returns other than 0 and returns that.
 */
typedef int (*journal_mark_fn)(void *arg, const struct journal_mark *mark);
int journal_marks(
	const struct journal *j, uint64_t from, uint64_t to, journal_mark_fn fn, void *arg);

/*
 * Readers
 */
enum journal_hole_cause {
	JOURNAL_HOLE_EXPIRED, /* no longer kept */
	JOURNAL_HOLE_UNUSED,  /* these offsets were never given to a byte; see the gap mark */
	JOURNAL_HOLE_LOST,    /* was kept in memory only (disk full, restart) and is gone */
	JOURNAL_HOLE_BROKEN,  /* is kept, but cannot be read */
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

#endif
