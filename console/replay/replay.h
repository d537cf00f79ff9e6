/*
 * History shown again on a terminal, safely.
 *
 * What a guest printed an hour ago may ask the terminal a question: the answer would be typed into
 * the guest now. It may set modes that were left again before what is shown begins, or begin in
 * the middle of a sequence. So a replay is
 *
 *     replay_prologue             a terminal without modes
 *     replay_modes_write          the modes in force where the replay begins (replay_start)
 *     replay_filter               the bytes, without questions, titles and clipboard writes
 *     replay_filter_join          the rest of a sequence that the live output is in the middle of
 *
 * and then the live bytes as they are. All of it is pure. docs/replay.md lists what passes.
 */
#ifndef CONSOLE_REPLAY_REPLAY_H
#define CONSOLE_REPLAY_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vt/scan.h"

#define REPLAY_LINES_MAX 1024          /* lines that replay_start looks back at most */
#define REPLAY_ROOM VT_SEQ_MAX         /* room that always suffices for some progress */
#define REPLAY_JOIN_MAX ((size_t)4096) /* live bytes that a sequence may still take */
#define REPLAY_CUT_MAX ((size_t)4096)  /* bytes left out at a cut */
#define REPLAY_MODES_ROOM 640          /* room for replay_modes_write and replay_modes_undo */

/*
 * Where in data[0..len) to begin, for at least the last lines rows of a terminal with columns
 * columns (0: lines count however long they are): the start of a line outside of any sequence. If
 * the output ends inside a full-screen program, the place where that one began or last cleared
 * the screen, if it is in data. whole says that nothing was printed before data. Returns an
 * offset into data; len when there is no such place.
 */
size_t replay_start(const uint8_t *data, size_t len, unsigned lines, unsigned columns, bool whole);

/*
 * The filter. Plain value; feed it the history from a place that replay_start gave, or from where
 * the modes before it are known, in pieces of any size: the output does not depend on them.
 */
struct replay_filter {
	struct vt_scan scan;
	size_t joined; /* live bytes taken by replay_filter_join */
	size_t skip;   /* bytes that may still be left out to find the start of a line */
	/* Set after an init: the terminal's keyboard is somebody else's, a shell's. What changes
	 * what is typed there (mouse, key modes, pasting) does not pass either. */
	bool foreign_keyboard;
};

void replay_filter_init(struct replay_filter *f);

/*
 * Begins at a place of which nothing before is known: what may be the rest of a sequence or of a
 * line is left out, up to the end of the line, or the next ESC when no line ends soon.
 */
void replay_filter_init_cut(struct replay_filter *f);

struct replay_modes;

/*
 * Begins where *before ends, at any place: the rest of a sequence or a character that was begun
 * there is shown, or not, as the whole that it is part of.
 */
void replay_filter_init_after(struct replay_filter *f, const struct replay_modes *before);

/*
 * Filters in[0..len) into out and returns the bytes written. *consumed is less than len only when
 * out is nearly full; room must be at least REPLAY_ROOM, and room of len + REPLAY_ROOM takes
 * everything. Over all calls, the output is never longer than the input.
 */
size_t replay_filter(struct replay_filter *f, const uint8_t *in, size_t len, uint8_t *out,
	size_t room, size_t *consumed);

/*
 * The same for live bytes after the end of history, but stops as soon as no sequence is in the
 * middle: *done is set, and the bytes from in + *consumed on are to be passed unfiltered. At most
 * REPLAY_JOIN_MAX bytes are taken, then the sequence is given up.
 */
size_t replay_filter_join(struct replay_filter *f, const uint8_t *in, size_t len, uint8_t *out,
	size_t room, size_t *consumed, bool *done);

/*
 * Bytes that bring a terminal in whatever state to one without modes: any sequence broken off,
 * main screen, no scroll region, no attributes, no mouse. Cursor and text stay where they are.
 */
const char *replay_prologue(size_t *len);

/*
 * The terminal modes in force after some output, as far as they outlive it. Plain value.
 */
enum replay_mode {
	REPLAY_CURSOR_KEYS,      /* DECCKM, 1 */
	REPLAY_REVERSE,          /* DECSCNM, 5 */
	REPLAY_ORIGIN,           /* DECOM, 6 */
	REPLAY_NO_WRAP,          /* DECAWM, 7, off */
	REPLAY_MOUSE_X10,        /* 9 */
	REPLAY_CURSOR_HIDDEN,    /* DECTCEM, 25, off */
	REPLAY_REVERSE_WRAP,     /* 45 */
	REPLAY_MARGINS,          /* DECLRMM, 69 */
	REPLAY_MOUSE_CLICK,      /* 1000 */
	REPLAY_MOUSE_DRAG,       /* 1002 */
	REPLAY_MOUSE_MOVE,       /* 1003 */
	REPLAY_MOUSE_UTF8,       /* 1005 */
	REPLAY_MOUSE_SGR,        /* 1006 */
	REPLAY_ALTERNATE_SCROLL, /* 1007 */
	REPLAY_MOUSE_URXVT,      /* 1015 */
	REPLAY_MOUSE_PIXELS,     /* 1016 */
	REPLAY_PASTE,            /* bracketed paste, 2004 */
	REPLAY_INSERT,           /* IRM, ANSI mode 4 */
	REPLAY_NEWLINE,          /* LNM, ANSI mode 20 */
	REPLAY_KEYPAD,           /* DECKPAM, ESC = */
	REPLAY_MODE_COUNT
};

struct replay_color {
	uint8_t kind; /* 0 default, 1 one of 16, 5 one of 256, 2 red green blue; as in SGR 38 */
	uint8_t value[3];
};

/* What DECSC saves and DECRC brings back, but for the cursor's place. */
struct replay_sgr {
	uint16_t attributes; /* bit n: SGR n is on, n from 1 to 9 */
	uint8_t underline;   /* its style, SGR 4:n */
	bool overline;
	struct replay_color ink, paper, line;
	char charset[4]; /* final byte of the designation of G0..G3 */
	uint8_t shift;   /* 0: G0 is in use, 1: G1 */
	bool origin;
};

struct replay_modes {
	struct vt_scan scan;
	uint32_t modes;       /* 1 << enum replay_mode */
	uint16_t alternate;   /* 0, or the mode that switched to the other screen: 47, 1047, 1049 */
	uint16_t top, bottom; /* scroll region, 0 0 for none */
	uint8_t cursor_style; /* DECSCUSR, 0 the default */
	uint8_t modify_keys;  /* xterm's modifyOtherKeys */
	struct replay_sgr sgr, saved;
};

void replay_modes_init(struct replay_modes *m);

/* Goes on with output that follows what was fed before. */
void replay_modes_feed(struct replay_modes *m, const uint8_t *data, size_t len);

/* Writes the bytes that bring a terminal without modes to these. Room: REPLAY_MODES_ROOM. */
size_t replay_modes_write(const struct replay_modes *m, char *out, size_t room);

/* Writes the bytes that undo these: for a terminal that is left. */
size_t replay_modes_undo(const struct replay_modes *m, char *out, size_t room);

#endif
