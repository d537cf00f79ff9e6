/*
 * The escape character of a console session: finds it in what the user types. Pure.
 */
#ifndef BROKER_SESSION_ESCAPE_KEY_H
#define BROKER_SESSION_ESCAPE_KEY_H

#include <stddef.h>
#include <stdint.h>

struct escape_key {
	int character; /* -1: none */
	int pending;   /* it was typed; the next byte is the key */
};

enum escape_step {
	ESCAPE_TYPE,    /* type `len` bytes at the front */
	ESCAPE_COMMAND, /* `key` was given; `len` bytes are used up by it */
	ESCAPE_MORE,    /* nothing but the start of an escape; `len` bytes are used up */
};

struct escape_found {
	enum escape_step step;
	size_t len;
	uint8_t key;
};

/*
 * Looks at data[0..len), len > 0. The caller does what is found and calls again with what is left.
 * The doubled escape is typed once: ESCAPE_TYPE of the second one.
 * After ESCAPE_TYPE the caller may have typed fewer than len bytes; he says how many with
 * escape_typed before he calls again.
 */
struct escape_found escape_scan(struct escape_key *e, const uint8_t *data, size_t len);
void escape_typed(struct escape_key *e, size_t typed);

#endif
