/*
 * What the files of the filter share: replay.c, replay_clear.c, replay_lines.c. Nobody else
 * includes it.
 */
#ifndef CONSOLE_REPLAY_REPLAY_FILTER_H
#define CONSOLE_REPLAY_REPLAY_FILTER_H

#include "console/replay/replay.h"

/* replay_clear.c: what erases the screen, without what it erases being lost. Room: REPLAY_ROOM. */
void replay_clear_init(struct replay_filter *f);
/* A character was written. */
void replay_clear_note_text(struct replay_filter *f);
/* The token of f->scan, which is none, was written. */
void replay_clear_note(struct replay_filter *f);
/* For ED, CSI J. */
size_t replay_clear_erase(struct replay_filter *f, const struct vt_csi *csi, uint8_t *out);
/* For RIS, ESC c. */
size_t replay_clear_reset(struct replay_filter *f, uint8_t *out);

/* replay_lines.c: the token of f->scan among lines to read. Room: VT_SEQ_MAX. */
size_t replay_lines_write(struct replay_filter *f, uint8_t *out);

static inline size_t replay_copy_token(const struct vt_scan *s, uint8_t *out)
{
	for (size_t i = 0; i < s->len; i++)
		out[i] = s->seq[i];
	return s->len;
}

#endif
