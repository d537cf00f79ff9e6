/* The guest's end of the console: bytes in, with what must happen while waiting for one. */
#ifndef GUEST_CONSOLE_H
#define GUEST_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

#define CONSOLE_LINE_MAX 1024

/* The next byte from COM1. Halts meanwhile; tells BREAKs; echoes COM2 to itself. */
uint8_t console_get(void);

/* The same, but -1 after about ms milliseconds (at most CLOCK_ALARM_MAX_MS). */
int console_get_within(uint32_t ms);

/* A line ended by CR or LF (an LF right after a CR is skipped), without the end. Erase is BS or
 * DEL. Too long a line is cut. */
void console_get_line(char *line, uint32_t size, bool echo);

/* Takes the byte that stopped an endless command. */
void console_swallow(void);

#endif
