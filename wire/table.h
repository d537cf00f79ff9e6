/*
 * The table of messages: one row per type. Pure.
 */
#ifndef WIRE_TABLE_H
#define WIRE_TABLE_H

#include <stddef.h>

#include "wire/msg.h"

struct wire_row {
	const char *name;
	unsigned lines; /* mask of 1 << enum wire_line on which it is allowed */
	enum wire_side sender;
	unsigned states;      /* mask of enum wire_state in which it is allowed */
	enum wire_state next; /* the state after it; 0: unchanged */
	size_t fixed;         /* bytes of its struct */
	size_t payload_min, payload_max;
	unsigned fds;
};

/* NULL for a type that does not exist. */
const struct wire_row *wire_row(unsigned type);

/* Mask of 1 << enum wire_method: the proofs that belong to this kind of line; 0 where nobody logs
 * in. */
unsigned wire_methods(enum wire_line line);

/*
 * Checks one raw message: 0, or the negative reason: -ENOMSG no such type, -EPROTO wrong line or
 * sender or state, -EMSGSIZE wrong length, -EBADF wrong number of descriptors, -EACCES an
 * AUTH by a method that this line cannot vouch for, -EINVAL a field out of range. *next is the
 * line's state after it.
 */
int wire_check(enum wire_line line, enum wire_side sender, enum wire_state state,
	const unsigned char *message, size_t len, unsigned fds, enum wire_state *next);

#endif
