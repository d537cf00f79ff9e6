/*
 * Keeps offsets from being used twice, across restarts and crashes.
 *
 * A file of one fixed-length line says up to which offset numbers may have been given out. It is
 * moved ahead in steps, overwritten in place (so a full disk cannot stop it), and holds the exact
 * next offset after an orderly end. A start after a crash goes on at the reserved end; after a
 * crash of the host, where the last writes may have been lost, a leap further.
 *
 * When the file cannot be read or written, numbers come from the clock: the number of seconds
 * since 1970 times 2^20 lies above every number counted from 0 and above every earlier one of its
 * kind, as long as the console prints less than 1 MiB/s on average.
 */
#ifndef CONSOLE_JOURNAL_RESERVE_H
#define CONSOLE_JOURNAL_RESERVE_H

#include <stdbool.h>
#include <stdint.h>

#define JOURNAL_RESERVE_STEP (UINT64_C(1) << 20)
#define JOURNAL_RESERVE_LEAP (UINT64_C(1) << 32)
#define JOURNAL_RESERVE_FILE "offset"
#define JOURNAL_RESERVE_LINE 90 /* bytes of the file's one line */

struct journal_reserve {
	char *path;    /* NULL: no file, nothing is promised beyond this process */
	uint64_t end;  /* numbers below may be used */
	bool on_clock; /* end was not written to the file */
	int error;     /* -errno of the last failed attempt, 0 */
};

/* How the last user of the file ended. */
enum journal_last_end {
	JOURNAL_LAST_NONE,   /* there was none */
	JOURNAL_LAST_CLOSED, /* orderly: start is the exact next offset */
	JOURNAL_LAST_KILLED, /* not orderly, but the system has run on since */
	JOURNAL_LAST_LOST,   /* the host went down, or the file cannot be read or understood */
};

/*
 * Reads dir/offset and says where numbers start; makes dir (0700) when missing. dir NULL: 0.
 * 0 or -ENOMEM: trouble with the file is no failure, see error.
 */
int journal_reserve_init(struct journal_reserve *r, const char *dir, uint64_t *start,
	enum journal_last_end *last) __attribute__((warn_unused_result));

/*
 * Makes sure that the numbers from *next to *next + len may be used. *next may jump ahead, once,
 * when the file can no longer be written.
 */
void journal_reserve_have(struct journal_reserve *r, uint64_t *next, uint64_t len);

/* Orderly end: writes next as the exact next offset. */
void journal_reserve_close(struct journal_reserve *r, uint64_t next);

/* Frees; does not touch the file. */
void journal_reserve_finish(struct journal_reserve *r);

#endif
