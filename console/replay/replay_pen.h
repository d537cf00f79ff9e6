/*
 * How a terminal draws characters: attributes, colours, character sets. Pure; used by
 * replay_modes.c alone.
 */
#ifndef CONSOLE_REPLAY_REPLAY_PEN_H
#define CONSOLE_REPLAY_REPLAY_PEN_H

#include "console/replay/replay.h"

void replay_pen_init(struct replay_pen *pen);
bool replay_pen_is_default(const struct replay_pen *pen);

/* Applies a CSI ... m sequence (ECMA-48 §8.3.117, xterm's ctlseqs, ITU T.416 colours). */
void replay_pen_sgr(struct replay_pen *pen, const struct vt_csi *csi);

/* Writes what makes a default pen this one; at most REPLAY_PEN_ROOM bytes, not terminated. */
#define REPLAY_PEN_ROOM 144
size_t replay_pen_write(const struct replay_pen *pen, char *out);

#endif
