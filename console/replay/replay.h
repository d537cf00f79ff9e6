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

#define REPLAY_LINES_MAX 1024           /* lines that replay_start looks back at most */
#define REPLAY_SPARE_MAX ((size_t)4096) /* bytes of a replay beyond those that it is of */
#define REPLAY_ROOM (VT_SEQ_MAX + REPLAY_SPARE_MAX) /* that always suffices for some progress */
#define REPLAY_JOIN_MAX ((size_t)4096)              /* live bytes that a sequence may still take */
#define REPLAY_CUT_MAX ((size_t)4096)               /* bytes left out at a cut */
#define REPLAY_MODES_ROOM 1024                      /* room for replay_modes_write */
#define REPLAY_UNDO_ROOM 2048                       /* room for replay_modes_undo */
#define REPLAY_COLUMNS_MAX 1000                     /* up to which tab stops are given back */

struct replay_modes;

/* What is known of the bytes that replay_start looks at. */
struct replay_known {
	const struct replay_modes *before; /* at the start of data; NULL: nothing is known */
	bool whole;                        /* nothing was printed before data */
	size_t boot; /* the last place in data with a fresh terminal; 0: none behind its start */
};

/*
 * Where in data[0..len) to begin, for at least the last lines rows of a terminal with columns
 * columns (0: lines count however long they are): the start of a line outside of any sequence. If
 * the output ends inside a full-screen program, the place where that one began or last cleared
 * the screen, if it is in data. Returns an offset into data; len when there is no such place.
 * *gone: bytes from there on do not make the screen. A full-screen program is shown, below which
 * the lines are; or a program draws anywhere on the screen, and neither its beginning nor a cleared
 * screen is in data.
 */
size_t replay_start(const uint8_t *data, size_t len, unsigned lines, unsigned columns,
	const struct replay_known *known, bool *gone);

/*
 * Bytes that bring a terminal in whatever state to one without modes: any sequence broken off,
 * main screen, no scroll region, no attributes, no mouse. Cursor and text stay where they are.
 */
const char *replay_prologue(size_t *len);

/*
 * The terminal modes in force after some output, as far as they outlive it: the tracker. Plain
 * value of a small, fixed size; a console has one that is fed as its output arrives.
 */
enum replay_mode {
	REPLAY_CURSOR_KEYS,      /* DECCKM, 1 */
	REPLAY_REVERSE,          /* DECSCNM, 5 */
	REPLAY_ORIGIN,           /* DECOM, 6 */
	REPLAY_NO_WRAP,          /* DECAWM, 7, off */
	REPLAY_NO_REPEAT,        /* DECARM, 8, off */
	REPLAY_MOUSE_X10,        /* 9 */
	REPLAY_CURSOR_BLINKS,    /* 12 */
	REPLAY_CURSOR_HIDDEN,    /* DECTCEM, 25, off */
	REPLAY_COLUMNS,          /* 80 or 132 columns allowed, 40 */
	REPLAY_REVERSE_WRAP,     /* 45 */
	REPLAY_BACKARROW,        /* DECBKM, 67 */
	REPLAY_MARGINS,          /* DECLRMM, 69 */
	REPLAY_MOUSE_CLICK,      /* 1000 */
	REPLAY_MOUSE_HIGHLIGHT,  /* 1001 */
	REPLAY_MOUSE_DRAG,       /* 1002 */
	REPLAY_MOUSE_MOVE,       /* 1003 */
	REPLAY_FOCUS,            /* 1004 */
	REPLAY_MOUSE_UTF8,       /* 1005 */
	REPLAY_MOUSE_SGR,        /* 1006 */
	REPLAY_ALTERNATE_SCROLL, /* 1007 */
	REPLAY_SCROLL_OUTPUT,    /* 1010 */
	REPLAY_SCROLL_KEY,       /* 1011 */
	REPLAY_MOUSE_URXVT,      /* 1015 */
	REPLAY_MOUSE_PIXELS,     /* 1016 */
	REPLAY_META_8BIT,        /* 1034 */
	REPLAY_NO_NUM_LOCK,      /* 1035, off */
	REPLAY_META_ESC,         /* 1036 */
	REPLAY_ALT_ESC,          /* 1039 */
	REPLAY_PASTE,            /* bracketed paste, 2004 */
	REPLAY_SYNCHRONIZED,     /* 2026 */
	REPLAY_GRAPHEMES,        /* 2027 */
	REPLAY_COLOUR_SCHEME,    /* 2031 */
	REPLAY_SIZE_REPORTS,     /* 2048 */
	REPLAY_WINDOWS_KEYS,     /* 9001 */
	REPLAY_KEYBOARD_LOCKED,  /* KAM, ANSI mode 2 */
	REPLAY_INSERT,           /* IRM, ANSI mode 4 */
	REPLAY_LOCAL_ECHO,       /* SRM, ANSI mode 12, off */
	REPLAY_NEWLINE,          /* LNM, ANSI mode 20 */
	REPLAY_KEYPAD,           /* DECKPAM, ESC =; 66 */
	REPLAY_NOT_UTF8,         /* ESC % @ */
	REPLAY_TABS,             /* tab stops were changed */
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
	uint8_t shift;   /* 0..3: G0..G3 is in use */
	bool origin;
};

/* kitty's keyboard protocol: the flags of one screen. */
#define REPLAY_KEYS_MAX 8
struct replay_keys {
	uint8_t pushed;                     /* how many were pushed and not popped */
	uint8_t flags[REPLAY_KEYS_MAX + 1]; /* flags[0]: below what was pushed */
};

struct replay_modes {
	struct vt_scan scan;
	uint64_t modes;       /* 1 << enum replay_mode */
	uint16_t alternate;   /* 0, or the mode that switched to the other screen: 47, 1047, 1049 */
	uint16_t top, bottom; /* scroll region, 0 0 for none */
	uint8_t cursor_style; /* DECSCUSR, 0 the default */
	uint8_t modify_keys;  /* xterm's modifyOtherKeys */
	bool is_kept;         /* the cursor was saved (DECSC) and not brought back since */
	bool follows_text; /* the cursor is where a character has left it, maybe behind the row */
	struct replay_keys keys[2]; /* of the main screen, and the alternate one */
	struct replay_sgr sgr, saved;
};
#define REPLAY_MODES_SIZE 272 /* bytes of it at most */

void replay_modes_init(struct replay_modes *m);

/* Goes on with output that follows what was fed before. */
void replay_modes_feed(struct replay_modes *m, const uint8_t *data, size_t len);

/* The same for one byte; m->scan.token says what has ended there. False: something ended before it,
 * and it must be given again. */
bool replay_modes_step(struct replay_modes *m, uint8_t byte) __attribute__((warn_unused_result));

/*
 * Ends any sequence that a terminal is in the middle of: CAN, and for those that give up a string
 * for its end only, ESC \\. Which of them takes a malformed sequence for the start of a string,
 * nobody can know: so they come in any case.
 */
#define REPLAY_BREAK_OFF "\x18\x1b\\"

/* Who is shown it. */
struct replay_terminal {
	/* The keyboard is somebody else's, a shell's. What changes what is typed there (mouse, key
	 * modes, pasting) does not pass either. */
	bool foreign_keyboard;
	/* As lines to read, and not as it was on the screen: docs/replay.md. */
	bool as_lines;
	unsigned columns, rows; /* 0: not known */
};

/*
 * The filter. Plain value; feed it the history from a place that replay_start gave, or from where
 * the modes before it are known, in pieces of any size: the output does not depend on them.
 */
struct replay_filter {
	struct vt_scan scan;
	struct replay_terminal terminal; /* may be set after an init */
	struct replay_modes modes; /* of the terminal, by what was written; as lines: the guest's */
	size_t joined;             /* live bytes taken by replay_filter_join */
	size_t skip;     /* bytes that may still be left out to find the start of a line */
	size_t spare;    /* bytes that may still be written beyond those read */
	unsigned used;   /* rows of the screen, from the top, that may have something on them */
	unsigned width;  /* characters in the line so far */
	bool is_home;    /* with used 0: the cursor is in the upper left corner */
	bool is_in_line; /* as lines: it has text */
	int row;         /* as lines: to which the cursor was sent for it, 0 none */
};

void replay_filter_init(struct replay_filter *f);

/*
 * Begins at a place of which nothing before is known: what may be the rest of a sequence or of a
 * line is left out, up to the end of the line, or the next ESC when no line ends soon.
 */
void replay_filter_init_cut(struct replay_filter *f);

/*
 * Begins where *before ends, at any place: the rest of a sequence or a character that was begun
 * there is shown, or not, as the whole that it is part of.
 */
void replay_filter_init_after(struct replay_filter *f, const struct replay_modes *before);

/*
 * Filters in[0..len) into out and returns the bytes written. *consumed is less than len only when
 * out is nearly full; room must be at least REPLAY_ROOM, and room of len + REPLAY_ROOM takes
 * everything. Over all calls, the output is longer than the input by REPLAY_SPARE_MAX at most, and
 * as lines by nothing.
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

/* Writes the bytes that bring a terminal without modes to these. Room: REPLAY_MODES_ROOM. */
size_t replay_modes_write(const struct replay_modes *m, char *out, size_t room);

/*
 * Writes the bytes that undo these, and nothing else, for a terminal of so many columns that is
 * left, and in the middle of no sequence. The cursor stays, unless the alternate
 * screen is left, which brings back where it was, or origin mode, which moves it to the last row.
 * Room: REPLAY_UNDO_ROOM.
 */
size_t replay_modes_undo(const struct replay_modes *m, unsigned columns, char *out, size_t room);

/*
 * A tracker as a word of printable ASCII, and back (-EBADMSG). Only where replay_modes_is_whole:
 * no short sequence is in the middle, whose bytes would be part of it.
 */
#define REPLAY_WORD_MAX 184 /* bytes of it, terminator included */
bool replay_modes_is_whole(const struct replay_modes *m);
void replay_modes_to_word(const struct replay_modes *m, char word[REPLAY_WORD_MAX]);
int replay_modes_from_word(struct replay_modes *m, const char *word)
	__attribute__((warn_unused_result));

#endif
