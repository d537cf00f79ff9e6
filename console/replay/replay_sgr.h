/*
 * How a terminal draws characters: attributes, colours, character sets. Pure; used
 * by the tracker's files, and by what writes a whole screen (worker/screen).
 */
#ifndef CONSOLE_REPLAY_REPLAY_SGR_H
#define CONSOLE_REPLAY_REPLAY_SGR_H

#include "console/replay/replay.h"

void replay_sgr_init(struct replay_sgr *sgr);
bool replay_sgr_is_default(const struct replay_sgr *sgr);
/* Whether characters are drawn the same way; origin mode is not looked at. */
bool replay_sgr_is_same(const struct replay_sgr *a, const struct replay_sgr *b);

/* Applies a CSI ... m sequence (ECMA-48 §8.3.117, xterm's ctlseqs, ITU T.416 colours). */
void replay_sgr_apply(struct replay_sgr *sgr, const struct vt_csi *csi);

/* Writes what makes a default sgr this one; at most REPLAY_SGR_ROOM bytes, not terminated. */
#define REPLAY_SGR_ROOM 144
size_t replay_sgr_write(const struct replay_sgr *sgr, char *out);

#endif
