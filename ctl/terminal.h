/*
 * The user's terminal: raw while a console is on it, and put back on every way out.
 * At most one: standard input.
 */
#ifndef CTL_TERMINAL_H
#define CTL_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

struct terminal {
	int fd; /* -1: no terminal is in use */
	int raw;
	struct termios before;
};

/* Whether both ends of a dialogue are terminals. */
bool terminal_is_here(void);

/* Remembers the settings of standard input. 0 or -errno. */
int terminal_init(struct terminal *t) __attribute__((warn_unused_result));
void terminal_none(struct terminal *t);

void terminal_enter_raw(struct terminal *t);
/* Puts the remembered settings back. May be called at any time, any number of times. */
void terminal_leave_raw(struct terminal *t);

/* 0 x 0 when there is no terminal, or it does not know. */
struct terminal_size {
	uint16_t columns, rows;
};
struct terminal_size terminal_size(const struct terminal *t);

#endif
