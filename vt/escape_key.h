/*
 * What the user of a console session types: finds the escape character and the key after it, as a
 * character or in the form of a newer keyboard protocol, and tells keys from what his terminal
 * sends by itself. Pure.
 */
#ifndef VT_ESCAPE_KEY_H
#define VT_ESCAPE_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vt/typed.h"

#define ESCAPE_KEY_NONE (-1)
#define ESCAPE_KEY_UNKNOWN 0x1b /* the key of an order that is no character */

enum escape_step {
	ESCAPE_MORE,    /* nothing to be done yet */
	ESCAPE_TYPE,    /* keys */
	ESCAPE_ANSWER,  /* of the terminal, to a question */
	ESCAPE_EVENT,   /* its own: the mouse, the focus, a key let go, a modifier */
	ESCAPE_COMMAND, /* the key of an order */
};

/* Whether the bytes are the brackets that a terminal puts around what is pasted. */
enum escape_paste {
	ESCAPE_NO_PASTE,
	ESCAPE_PASTE_BEGINS,
	ESCAPE_PASTE_ENDS,
};

struct escape_found {
	enum escape_step step;
	const uint8_t *bytes; /* TYPE, ANSWER, EVENT: what was sent */
	size_t count;
	enum escape_paste paste; /* TYPE */
	bool begins;             /* the bytes are the first of the answer, event or key */
	uint8_t key;             /* COMMAND */
	/* private to escape_key.c */
	size_t used; /* bytes of data that are done with when the step is */
	bool is_held;
};

struct escape_key {
	int character; /* a control character, or ESCAPE_KEY_NONE */
	bool pending;  /* it was typed; the next key is an order's */
	/* Set by the caller before each scan. */
	bool wants_key; /* the next key is asked for by an order that was given */
	bool in_paste;  /* the character counts in what is pasted, too */
	/* The rest is private. */
	bool pasting;
	bool let_go_due;  /* the escape key was pressed in a form that tells when it is let go */
	int order_let_go; /* the same of the order's key: its code; 0 none */
	struct vt_typed typed;
	size_t held, held_at;     /* bytes typed.seq[held_at..+held) came before and wait */
	struct escape_found next; /* what is being given, in parts */
	size_t left;              /* bytes of it that lie in front of the data */
	bool inside;              /* it is an answer that goes on */
};

/*
 * Looks at data[0..len). The caller does what is found, says with escape_done how many of the bytes
 * he is done with, and calls again with what is left of data: until ESCAPE_MORE with nothing left,
 * or a time when he can do no more. Bytes are held back while they may be the beginning of more
 * than a key.
 * The doubled escape is typed once: ESCAPE_TYPE of the second one.
 */
struct escape_found escape_scan(struct escape_key *e, const uint8_t *data, size_t len);

/* count of the bytes found are done with; all of a step without bytes. Returns how many bytes of
 * data are used up by that. */
size_t escape_done(struct escape_key *e, const struct escape_found *f, size_t count);

/* Whether bytes are held back; and whether they are a key if what they begin does not go on: then
 * that is given as by escape_scan. */
bool escape_holds(const struct escape_key *e);
bool escape_holds_key(const struct escape_key *e);
struct escape_found escape_give_up(struct escape_key *e);

/* Whether that key is not all done with: until it is, escape_scan gives it first, also without
 * data. */
bool escape_owes_key(const struct escape_key *e);

#endif
