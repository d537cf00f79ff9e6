/*
 * Reads a console's output as edits of a line of text: control sequences are taken out, and what
 * moves the cursor within a line, or away from it, is told. docs/wait.md has the rules. Pure.
 */
#ifndef WORKER_MATCH_READ_H
#define WORKER_MATCH_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vt/scan.h"

enum match_edit_kind {
	MATCH_EDIT_NONE,    /* the byte is part of something that goes on, or says nothing */
	MATCH_EDIT_PUT,     /* text[0..len): one character */
	MATCH_EDIT_LINE,    /* a line has ended */
	MATCH_EDIT_RETURN,  /* back to the start of the line: what follows is written over it */
	MATCH_EDIT_LEAVE,   /* the cursor goes to another line, or the screen is cleared */
	MATCH_EDIT_BACK,    /* count characters to the left */
	MATCH_EDIT_FORWARD, /* count characters to the right */
	MATCH_EDIT_ERASE,   /* the line ends at the cursor */
	MATCH_EDIT_CLEAR,   /* the line is empty */
};

struct match_edit {
	enum match_edit_kind kind;
	unsigned count;
	uint8_t text[4];
	uint8_t len;
	uint8_t width; /* bytes of output that the character came from */
};

/* Plain value. */
struct match_reader {
	struct vt_scan scan;
	bool raw; /* bytes as they are; only \n is special */
};

void match_reader_init(struct match_reader *r, bool raw);

/* How many of the first bytes are characters of one byte each that need no reading. */
size_t match_reader_plain(const struct match_reader *r, const uint8_t *data, size_t len);

/* False: something ended before this byte, which must be given again. Sets *edit always. */
bool match_reader_byte(struct match_reader *r, uint8_t byte, struct match_edit *edit)
	__attribute__((warn_unused_result));

#endif
