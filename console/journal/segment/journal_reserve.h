/*
 * Keeps offsets from being used twice, across restarts and crashes.
 *
 * A file of one fixed-length line says up to which offset numbers may have been given out. It is
 * moved ahead in steps, overwritten in place (so a full disk cannot stop it), and holds the exact
 * next offset after an orderly end. A start after a crash goes on at the reserved end, or, if the
 * file says that all bytes are stored, behind the last stored one; after a crash of the host, where
 * the last writes may have been lost, it goes on a leap further.
 *
 * When the file cannot be read or written, numbers come from the clock: the time since
 * 1970, in steps of 2^-22 seconds, lies above every number counted from 0 and above every earlier
 * one of its kind, as long as the console prints less than 4 MiB/s on average.
 */
#ifndef CONSOLE_JOURNAL_SEGMENT_JOURNAL_RESERVE_H
#define CONSOLE_JOURNAL_SEGMENT_JOURNAL_RESERVE_H

#include <stdbool.h>
#include <stdint.h>

#define JOURNAL_RESERVE_STEP (UINT64_C(1) << 20)
#define JOURNAL_RESERVE_LEAP (UINT64_C(1) << 32)
#define JOURNAL_RESERVE_FILE "offset"
#define JOURNAL_RESERVE_LINE 90 /* bytes of the file's one line */

struct journal_reserve {
	char *path;    /* NULL: no file, nothing is promised beyond this process */
	uint64_t end;  /* numbers below may be used */
	bool stored;   /* the file says: every number in use belongs to a byte in a segment */
	bool on_clock; /* end was not written to the file */
	int error;     /* -errno of the last failed attempt, 0 */
	uint64_t time; /* when the file was last written before, microseconds; 0: unknown */
};

/* How the last user of the file ended. */
enum journal_last_end {
	JOURNAL_LAST_NONE,   /* there was none */
	JOURNAL_LAST_CLOSED, /* orderly: start is the exact next offset */
	JOURNAL_LAST_STORED, /* killed; the end of the last segment is the exact next offset */
	JOURNAL_LAST_KILLED, /* killed; start was reserved and never used */
	JOURNAL_LAST_LOST,   /* the host went down, or the file cannot be read or understood */
};

/*
 * Reads dir/offset and says where numbers start; makes dir (0700) when missing. dir NULL: 0.
 * 0 or -ENOMEM: trouble with the file is no failure, see error.
 */
int journal_reserve_init(struct journal_reserve *r, const char *dir, uint64_t *start,
	enum journal_last_end *last) __attribute__((warn_unused_result));

/* Only looks: what the file says, changing nothing. -ENOENT, -EBADMSG, -errno. */
int journal_reserve_peek(const char *dir, uint64_t *next, enum journal_last_end *last)
	__attribute__((warn_unused_result));

/* The number that the clock gives now. */
uint64_t journal_reserve_clock(void);

/* Reserves from *start on, before its first use. *start may jump ahead. */
void journal_reserve_begin(struct journal_reserve *r, uint64_t *start);

/*
 * Makes sure that the numbers from *next to *next + len may be used. *next may jump ahead, once,
 * when the file can no longer be written.
 */
void journal_reserve_have(struct journal_reserve *r, uint64_t *next, uint64_t len);

/*
 * Says in the file whether from now on every number is used for a byte that is in a segment
 * before anybody is told of it. When "no" cannot be written, *next jumps ahead: a later start
 * would go on at the end of the last segment.
 */
void journal_reserve_set_stored(struct journal_reserve *r, uint64_t *next, bool stored);

/* Orderly end: writes next as the exact next offset. */
void journal_reserve_close(struct journal_reserve *r, uint64_t next);

/* Frees; does not touch the file. */
void journal_reserve_finish(struct journal_reserve *r);

#endif
