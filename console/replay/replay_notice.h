/*
 * A word of our own on a terminal that a guest has set up: readable, and without a trace in the
 * state that the guest has set. Pure.
 */
#ifndef CONSOLE_REPLAY_REPLAY_NOTICE_H
#define CONSOLE_REPLAY_REPLAY_NOTICE_H

#include <stdbool.h>
#include <stddef.h>

struct replay_modes;

#define REPLAY_NOTICE_ROWS_MAX 20 /* of the screen, that notices take at most */
/* Room for replay_notice_write of len bytes of text. */
#define REPLAY_NOTICE_ROOM(len) (2 * (len) + 1536)

/* The size of the terminal in characters. */
struct replay_notice_place {
	unsigned columns, rows; /* 0: not known */
};

/*
 * Whether a notice stands on the last rows of the screen, where a program draws (on the alternate
 * screen, or with a scroll region, origin mode or margins), and not on a line of its own. There a
 * second one that follows at once takes its place.
 */
bool replay_notice_is_below(const struct replay_modes *m);

/*
 * Whether a terminal with these modes may be sent one now: it is in the middle of no sequence or
 * character; nor, if the notice has to save the cursor, has the guest saved it to come back, or may
 * it be behind the last column, where not all terminals bring it back.
 */
bool replay_notice_may_stand(const struct replay_modes *m);

/*
 * Writes text, which is any number of lines, each with its newline, without control characters:
 * each on a line of its own behind what is there; or on the last rows, REPLAY_NOTICE_ROWS_MAX of
 * them at most, with the cursor brought back. Modes that would hide, change or cut it are put back
 * behind it. Returns the bytes written; room: REPLAY_NOTICE_ROOM(len).
 */
size_t replay_notice_write(const struct replay_modes *m, struct replay_notice_place place,
	const char *text, size_t len, char *out, size_t room);

#endif
