/*
 * Patterns on names: * (any bytes), ? (one byte), [abc] [a-z] [!a] (one of a set); everything
 * else, a backslash too, stands for itself. A '[' without its ']' is an ordinary byte.
 */
#ifndef CORE_TEXT_GLOB_H
#define CORE_TEXT_GLOB_H

#include <stdbool.h>
#include <stddef.h>

#define GLOB_SHAPE_MAX 1024 /* bytes of a pattern that glob_may_match looks into */

/* Whether the whole text matches. Takes at most strlen(pattern) * strlen(text) steps. */
bool glob_match(const char *pattern, const char *text);

/* Whether the pattern has any of the special characters. */
bool glob_is_pattern(const char *text);

/*
 * Whether the pattern is what its writer meant: 0; or -EINVAL with *why a constant sentence, when a
 * '[' is never closed or a range is empty. glob_match takes such a pattern all the same.
 */
int glob_check(const char *pattern, const char **why) __attribute__((warn_unused_result));

/*
 * Whether the pattern matches some text of count bytes whose byte i is one of sets[i]. Also true
 * for a pattern of more than GLOB_SHAPE_MAX bytes.
 */
bool glob_may_match(const char *pattern, const char *const *sets, size_t count);

#endif
