/*
 * What the files of the tracker share: replay_modes.c, replay_notice.c, replay_undo.c; and what
 * draws by it and writes a screen (worker/screen). Nobody else includes it.
 */
#ifndef CONSOLE_REPLAY_REPLAY_MODES_H
#define CONSOLE_REPLAY_REPLAY_MODES_H

#include "console/replay/replay.h"

/* Modes that are set and reset with CSI h and l. */
struct replay_mode_rule {
	enum replay_mode mode;
	char prefix;
	uint16_t number;
	bool inverted; /* the mode is in force when the number is reset */
	bool shown;    /* to whoever comes late; else the terminal would send, wait, or type */
};
extern const struct replay_mode_rule replay_mode_rules[];
extern const size_t replay_mode_rule_count;

static inline bool replay_has_mode(const struct replay_modes *m, enum replay_mode mode)
{
	return m->modes & (UINT64_C(1) << mode);
}

#endif
