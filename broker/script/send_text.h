/* What is done to bytes before they are typed into a guest. Pure. */
#ifndef BROKER_SCRIPT_SEND_TEXT_H
#define BROKER_SCRIPT_SEND_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEND_LINE_MAX 4095 /* bytes that a terminal line of Linux takes (N_TTY_BUF_SIZE) */

/* The escapes of a C string: \a \b \e \f \n \r \t \v \\ \' \" \?, \0 to \377, \x0 to \xff. In
 * place. 0, or -EINVAL: *at is where it goes wrong. */
int send_unescape(char *text, size_t *len, size_t *at) __attribute__((warn_unused_result));

/*
 * With enter, the end of a line (CR, LF or CR LF) is the key Enter, which is CR. Without, bytes
 * pass as they are. Plain value, zero-initialised.
 */
struct send_lines {
	bool enter;
	bool after_cr; /* an LF that comes next belongs to it */
	size_t line;   /* bytes of the line so far */
	bool too_long; /* a line was longer than SEND_LINE_MAX */
};

/* Writes what in[0..len) is typed as to out (len bytes of room) and returns how much that is. */
size_t send_lines_pass(struct send_lines *s, const uint8_t *in, size_t len, uint8_t *out);

#endif
