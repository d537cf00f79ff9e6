/*
 * Cuts a stream of terminal output into characters, controls and escape sequences, byte by byte.
 *
 * Follows the parser that ECMA-48 terminals share (ECMA-48 §5; the DEC VT500 state diagram), for
 * terminals that read UTF-8. Where terminals disagree, a sequence is broken off: then nothing of
 * it is a token, so that what follows is read as text by all of them. Pure; a plain value.
 */
#ifndef CONSOLE_REPLAY_SCAN_H
#define CONSOLE_REPLAY_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPLAY_SEQ_MAX 128 /* bytes of the longest escape sequence that is understood */

enum replay_state {
	REPLAY_GROUND,
	REPLAY_UTF8,       /* inside a character of several bytes */
	REPLAY_ESC,        /* after ESC and its intermediate bytes */
	REPLAY_CSI,        /* after ESC [ */
	REPLAY_CSI_IGNORE, /* in a CSI sequence that is too long or malformed */
	REPLAY_OSC,        /* in ESC ] ... or ESC k ... */
	REPLAY_PALETTE,    /* in the Linux console's ESC ] P, which ends after 7 hex digits */
	REPLAY_STRING,     /* in DCS, SOS, PM, APC */
	REPLAY_STRING_ESC, /* a string has met an ESC: its end, or another sequence */
};

enum replay_token {
	REPLAY_NOTHING,     /* the byte is part of something that goes on */
	REPLAY_TEXT,        /* seq[0..len): one character, or bytes that are none */
	REPLAY_CONTROL,     /* control: a C0 control; may stand inside a sequence that goes on */
	REPLAY_ESCAPE,      /* seq[0..len): ESC, intermediates, final */
	REPLAY_CSI_SEQ,     /* seq[0..len): ESC [ parameters intermediates final */
	REPLAY_STRING_DONE, /* an OSC, DCS, SOS, PM or APC string has ended */
	REPLAY_BROKEN,      /* something malformed has ended */
};

struct replay_scan {
	enum replay_state state;
	enum replay_token token;
	uint8_t control;
	uint8_t wanted;   /* bytes that the character or the palette colour still needs */
	uint8_t previous; /* the byte before, inside a string */
	uint8_t len;      /* bytes in seq */
	uint8_t seq[REPLAY_SEQ_MAX];
};

static inline void replay_scan_init(struct replay_scan *s)
{
	s->state = REPLAY_GROUND;
	s->token = REPLAY_NOTHING;
	s->control = s->wanted = s->previous = s->len = 0;
}

/* Sets s->token. False: something ended before this byte, which must be given again. */
bool replay_scan_byte(struct replay_scan *s, uint8_t byte) __attribute__((warn_unused_result));

/* A CSI sequence taken apart. */
struct replay_csi {
	char prefix;       /* one of < = > ?, or 0 */
	char intermediate; /* the only one, or 0; 1 when there are several */
	char final;
	const char *params; /* digits ; : */
	size_t params_len;
};

/* Of a REPLAY_CSI_SEQ token. */
void replay_csi_parse(const struct replay_scan *s, struct replay_csi *csi);

/*
 * Walks through the parameters: *at starts at 0. False at the end. An empty one is -1, one with
 * sub-parameters or beyond 65535 is -2. No parameters at all is one empty one.
 */
bool replay_csi_next(const struct replay_csi *csi, size_t *at, int *value);

#endif
