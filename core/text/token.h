/*
 * Secrets that a person or a script carries: 160 bits from the system's generator, in letters and
 * digits that are easy to read aloud and to type.
 */
#ifndef CORE_TEXT_TOKEN_H
#define CORE_TEXT_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOKEN_LENGTH 32
#define TOKEN_ROOM (TOKEN_LENGTH + 1)
#define TOKEN_HASH 32

/* The caller wipes text when it has been given away. 0, -EIO (no random numbers). */
int token_make(char text[TOKEN_ROOM]) __attribute__((warn_unused_result));

/* SHA-256, for keeping a token without having it. */
void token_hash(const char *text, uint8_t out[TOKEN_HASH]);

/* Whether presented, hostile text, is the token of that hash. Takes as long whatever it is. */
bool token_is(const char *presented, const uint8_t hash[TOKEN_HASH])
	__attribute__((warn_unused_result));

#endif
