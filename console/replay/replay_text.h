/*
 * Bytes for a terminal that are being written: used by replay_undo.c, replay_notice.c and
 * replay_clear.c, and by what writes a whole screen (worker/screen).
 */
#ifndef CONSOLE_REPLAY_REPLAY_TEXT_H
#define CONSOLE_REPLAY_REPLAY_TEXT_H

#include <stdarg.h>
#include <stdio.h>

#include "console/replay/replay_sgr.h"

/* DECSC and DECRC */
#define REPLAY_SAVE                                                                                \
	"\x1b"                                                                                     \
	"7"
#define REPLAY_RESTORE                                                                             \
	"\x1b"                                                                                     \
	"8"

/* What SGR and designations of character sets have set is undone. */
#define REPLAY_SGR_RESET "\x0f\x1b(B\x1b)B\x1b*B\x1b+B\x1b[0m"

/* The room was made large enough for the longest that there can be. */
struct replay_text {
	char *p;
	size_t len, room;
};

__attribute__((format(printf, 2, 3))) static inline void replay_put(
	struct replay_text *t, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int n = vsnprintf(t->p + t->len, t->room - t->len, format, args);
	va_end(args);
	if (n > 0 && (size_t)n < t->room - t->len)
		t->len += (size_t)n;
}

static inline void replay_put_sgr(struct replay_text *t, const struct replay_sgr *sgr)
{
	if (t->room - t->len >= REPLAY_SGR_ROOM)
		t->len += replay_sgr_write(sgr, t->p + t->len);
}

/* replay_undo.c: modes that CSI h sets, the keypad, modifyOtherKeys, the cursor's style; the
 * keyboard protocol of a screen. */
void replay_put_modes(struct replay_text *t, const struct replay_modes *m);
void replay_put_keys(struct replay_text *t, const struct replay_keys *k);

#endif
