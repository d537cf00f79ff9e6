/*
 * Splits the text of an exec request into words, as a shell would quote them: blanks separate,
 * '...' and "..." and \ quote; nothing is expanded. Pure.
 */
#ifndef CORE_TEXT_TOKENIZE_H
#define CORE_TEXT_TOKENIZE_H

#include <stddef.h>

#define TOKENS_MAX 64

struct tokens {
	size_t count;
	char *list[TOKENS_MAX + 1]; /* NULL behind the last */
	char *memory;
};

/* 0; -EINVAL an open quote, -E2BIG too many words, -EILSEQ a NUL byte, -ENOMEM. */
int tokenize(const char *text, size_t len, struct tokens *w) __attribute__((warn_unused_result));
void tokens_finish(struct tokens *w);

#endif
