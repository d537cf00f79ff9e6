/*
 * The one function through which foreign strings reach a person or a log.
 *
 * C0 and C1 controls, DEL, bidirectional and invisible format characters, and bytes that are no
 * UTF-8 become \xHH or \u{HEX}; a backslash becomes \\. Pure.
 */
#ifndef CORE_TEXT_ESCAPE_H
#define CORE_TEXT_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

/* Room that always suffices for len bytes. */
#define ESCAPE_ROOM(len) (4 * (len) + 1)

/*
 * Writes the escaped form of in[0..len) to out, always terminated, cut between characters when
 * room is too small. Returns the length written.
 */
size_t escape_text(const char *in, size_t len, char *out, size_t room);

/* Whether it is UTF-8 and holds no control character but tabs and newlines: text that a terminal
 * shows, whatever it says. */
bool escape_is_text(const char *in, size_t len);

#endif
