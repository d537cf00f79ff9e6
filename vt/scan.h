/*
 * Cuts a stream of terminal output into characters, controls and escape sequences, byte by byte.
 *
 * Follows the parser that ECMA-48 terminals share (ECMA-48 §5; the DEC VT500 state diagram), for
 * terminals that read UTF-8. Where terminals disagree, a sequence is broken off: then nothing of
 * it is a token, so that what follows is read as text by all of them. Pure; a plain value.
 */
#ifndef VT_SCAN_H
#define VT_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VT_SEQ_MAX 128 /* bytes of the longest escape sequence that is understood */

enum vt_state {
	VT_GROUND,
	VT_UTF8,       /* inside a character of several bytes */
	VT_ESC,        /* after ESC and its intermediate bytes */
	VT_CSI,        /* after ESC [ */
	VT_CSI_IGNORE, /* in a CSI sequence that is too long or malformed */
	VT_OSC,        /* in ESC ] ... or ESC k ... */
	VT_PALETTE,    /* in the Linux console's ESC ] P, which ends after 7 hex digits */
	VT_STRING,     /* in DCS, SOS, PM, APC */
	VT_STRING_ESC, /* a string has met an ESC: its end, or another sequence */
};

enum vt_token {
	VT_NOTHING,     /* the byte is part of something that goes on */
	VT_TEXT,        /* seq[0..len): one character, or bytes that are none */
	VT_CONTROL,     /* control: a C0 control; may stand inside a sequence that goes on */
	VT_ESCAPE,      /* seq[0..len): ESC, intermediates, final */
	VT_CSI_SEQ,     /* seq[0..len): ESC [ parameters intermediates final */
	VT_STRING_DONE, /* an OSC, DCS, SOS, PM or APC string has ended */
	VT_BROKEN,      /* something malformed has ended */
};

struct vt_scan {
	enum vt_state state;
	enum vt_token token;
	uint8_t control;
	uint8_t wanted;   /* bytes that the character or the palette colour still needs */
	uint8_t previous; /* the byte before, inside a string */
	uint8_t len;      /* bytes in seq */
	uint8_t seq[VT_SEQ_MAX];
};

static inline void vt_scan_init(struct vt_scan *s)
{
	s->state = VT_GROUND;
	s->token = VT_NOTHING;
	s->control = s->wanted = s->previous = s->len = 0;
}

/* Sets s->token. False: something ended before this byte, which must be given again. */
bool vt_scan_byte(struct vt_scan *s, uint8_t byte) __attribute__((warn_unused_result));

/* A CSI sequence taken apart. */
struct vt_csi {
	char prefix;       /* one of < = > ?, or 0 */
	char intermediate; /* the only one, or 0; 1 when there are several */
	char final;
	const char *params; /* digits ; : */
	size_t params_len;
};

/* seq[0..len) begins with ESC [ and ends with the final byte; csi points into it. */
void vt_csi_parse(const uint8_t *seq, size_t len, struct vt_csi *csi);

/*
 * Walks through the parameters: *at starts at 0. False at the end. An empty one is -1, one with
 * sub-parameters or beyond 65535 is -2. No parameters at all is one empty one.
 */
bool vt_csi_next(const struct vt_csi *csi, size_t *at, int *value);

#define VT_SUBS_MAX 8

/* A parameter with its sub-parameters; what is empty is 0, and no value exceeds VT_VALUE_MAX. */
struct vt_param {
	int value;
	int subs[VT_SUBS_MAX];
	int count; /* of subs; more are left out */
};
#define VT_VALUE_MAX 0x1fffff

/* The same walk with sub-parameters. */
bool vt_csi_next_param(const struct vt_csi *csi, size_t *at, struct vt_param *param);

#endif
