/*
 * The index of a segment: a text file of one line per record. docs/journal.md is its description.
 * All is pure but journal_index_read, which reads a file.
 */
#ifndef CONSOLE_JOURNAL_SEGMENT_JOURNAL_INDEX_H
#define CONSOLE_JOURNAL_SEGMENT_JOURNAL_INDEX_H

#include "console/journal/segment/journal_mark.h"

#define JOURNAL_INDEX_LINE_MAX 256                 /* bytes of a line, newline included */
#define JOURNAL_INDEX_FILE_MAX ((size_t)256 << 20) /* a longer file is read no further */

/* What lies between the end of the segment before and this one's start. */
enum journal_join {
	JOURNAL_JOINED, /* nothing: the offsets go on */
	JOURNAL_UNUSED, /* offsets that were never given to a byte */
	JOURNAL_LOST,   /* bytes that were kept in memory only */
};

enum journal_index_kind {
	JOURNAL_INDEX_HEAD,  /* first line: start of the segment, join */
	JOURNAL_INDEX_STAMP, /* the byte at offset came at time */
	JOURNAL_INDEX_MARK,
	JOURNAL_INDEX_STATE, /* what is known of the bytes before offset */
	JOURNAL_INDEX_END,   /* last line: the segment was ended at offset */
};

struct journal_index_entry {
	enum journal_index_kind kind;
	enum journal_join join;      /* HEAD */
	struct journal_mark mark;    /* offset always; time but in HEAD; all of it in MARK */
	char word[JOURNAL_WORD_MAX]; /* STATE */
};

/* Writes the line of an entry to out[JOURNAL_INDEX_LINE_MAX]; returns its length. */
size_t journal_index_write(const struct journal_index_entry *entry, char *out);

/* Takes apart line[0..len), without its newline. 0 or -EBADMSG. */
int journal_index_parse(const char *line, size_t len, struct journal_index_entry *entry) MUST_CHECK;

/*
 * Calls fn for each good line of data, in order, until fn returns other than 0; returns that, or 0.
 * *bad (may be NULL) counts the lines that are not good, among them one without its newline at the
 * end.
 */
typedef int (*journal_index_fn)(void *arg, const struct journal_index_entry *entry);
int journal_index_walk(const char *data, size_t len, journal_index_fn fn, void *arg, size_t *bad);

/* The same for a file, or -errno of reading. Reads it as a whole: for job threads. */
int journal_index_read(const char *path, journal_index_fn fn, void *arg, size_t *bad) MUST_CHECK;

#endif
