/*
 * Tells keys from what a terminal sends by itself: answers to questions, reports of its mouse and
 * of its focus.
 *
 * Sources: xterm's ctlseqs, the keyboard protocol of kitty, console_codes(4). What is not known is
 * a key. Pure; a plain value.
 */
#ifndef VT_TYPED_H
#define VT_TYPED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vt/scan.h"

#define VT_TYPED_MAX                                                                               \
	64 /* bytes of the longest sequence that is looked at; a longer one is a key               \
	    */

enum vt_typed_state {
	VT_TYPED_GROUND,
	VT_TYPED_ESC,        /* after ESC */
	VT_TYPED_ONE_MORE,   /* in ESC O or ESC [ [, which take one more byte */
	VT_TYPED_CSI,        /* in ESC [ */
	VT_TYPED_MOUSE,      /* in ESC [ M, which takes three more bytes */
	VT_TYPED_INTRODUCED, /* after ESC ], ESC P or ESC _: a string, if it goes on like an answer
			      */
	VT_TYPED_STRING,     /* in an answer that is a string, of any length */
	VT_TYPED_STRING_ESC, /* there, after an ESC */
};

enum vt_typed_step {
	VT_TYPED_MORE,   /* it goes on, and nobody knows what it is */
	VT_TYPED_PART,   /* it goes on, and is an answer */
	VT_TYPED_KEY,    /* a key ends here */
	VT_TYPED_ANSWER, /* an answer ends here */
	VT_TYPED_EVENT,  /* a report without a question ends here */
	VT_TYPED_BROKEN, /* it has ended before this byte, which must be given again */
};

struct vt_typed {
	enum vt_typed_state state;
	uint8_t wanted;            /* bytes of a mouse report still to come */
	uint8_t len;               /* bytes in seq */
	uint8_t seq[VT_TYPED_MAX]; /* the sequence; of a string its beginning */
};

/* Takes a byte of a sequence, or an ESC that begins one. Zero-initialised before the first. */
enum vt_typed_step vt_typed_byte(struct vt_typed *t, uint8_t byte);

/* Whether the sequence that has ended is a whole CSI sequence; takes it apart. */
bool vt_typed_csi(const struct vt_typed *t, struct vt_csi *csi);

#endif
