/*
 * Patterns on names: * (any bytes), ? (one byte), [abc] [a-z] [!a] (one of a set); everything
 * else, a backslash too, stands for itself. A '[' without its ']' is an ordinary byte.
 */
#ifndef AUTH_GLOB_H
#define AUTH_GLOB_H

#include <stdbool.h>

/* Whether the whole text matches. Takes at most strlen(pattern) * strlen(text) steps. */
bool glob_match(const char *pattern, const char *text);

/* Whether the pattern has any of the special characters. */
bool glob_is_pattern(const char *text);

#endif
