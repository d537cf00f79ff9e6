/*
 * Splits the text of an exec request into words, as a shell would quote them: blanks separate,
 * '...' and "..." and \ quote; nothing is expanded. Pure.
 */
#ifndef CORE_WORDS_H
#define CORE_WORDS_H

#include <stddef.h>

#define WORDS_MAX 64

struct words {
	size_t count;
	char *list[WORDS_MAX + 1]; /* NULL behind the last */
	char *memory;
};

/* 0; -EINVAL an open quote, -E2BIG too many words, -EILSEQ a NUL byte, -ENOMEM. */
int words_split(const char *text, size_t len, struct words *w) __attribute__((warn_unused_result));
void words_finish(struct words *w);

#endif
