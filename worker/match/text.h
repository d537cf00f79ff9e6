/*
 * The text that patterns are looked for in: the current line, and with multi those before it, each
 * byte with its offset in the console's output. Pure.
 *
 * It is an editor of one line: characters are written at a cursor, over what is there.
 */
#ifndef WORKER_MATCH_TEXT_H
#define WORKER_MATCH_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct match_text {
	uint8_t *bytes;
	uint64_t *offsets; /* of each byte */
	size_t len, room, max;
	size_t line;    /* where the current line begins */
	uint64_t begin; /* the offset of bytes[0], or of what will be */
	size_t cursor;  /* line <= cursor <= len */
	size_t blanks;  /* blanks before the cursor that were written over something else */
	uint64_t next;  /* the offset behind what was read last */
	bool utf8;      /* a character may have several bytes */
	bool cut;       /* bytes[0] does not begin a line */
};

/* max: bytes that it may hold, more than one character. */
void match_text_init(struct match_text *t, size_t max, bool utf8);
void match_text_finish(struct match_text *t);

static inline bool match_text_at_end(const struct match_text *t)
{
	return t->cursor == t->len;
}

/* Adds len bytes at the end, where the cursor is; the first one has this offset. There is room
 * (max) for them. 0, -ENOMEM. */
int match_text_add(struct match_text *t, const uint8_t *bytes, size_t len, uint64_t offset)
	__attribute__((warn_unused_result));

/* Writes one character at the cursor, over the one there. It came from the width bytes of output
 * before offset t->next. */
int match_text_put(struct match_text *t, const uint8_t *bytes, size_t len, size_t width)
	__attribute__((warn_unused_result));

/* Moves the cursor within the line. A blank that was written over the last character takes it
 * away when the cursor goes back over it: so a terminal's line is rubbed out. */
void match_text_back(struct match_text *t, unsigned count);
void match_text_forward(struct match_text *t, unsigned count);

/* The line ends at the cursor, or begins anew as an empty one. */
void match_text_erase(struct match_text *t);
void match_text_clear(struct match_text *t);

/* Begins another line behind a newline of this offset: all is forgotten, or, with keep, the newline
 * is added. */
int match_text_newline(struct match_text *t, bool keep, uint64_t offset)
	__attribute__((warn_unused_result));

/* Forgets about the first len bytes, whole characters; returns how many. */
size_t match_text_drop(struct match_text *t, size_t len);

/* The offsets from..to-1 that the bytes start..end-1 came from; with none, the place behind what is
 * before them. */
void match_text_offsets(
	const struct match_text *t, size_t start, size_t end, uint64_t *from, uint64_t *to);

#endif
