/*
 * Joins words to one command text that the daemon splits into the same words again
 * (vmconsoled(8), "Verbs": blanks separate, '...' quotes). Pure.
 */
#ifndef CTL_QUOTE_H
#define CTL_QUOTE_H

#include <stddef.h>

/*
 * Writes to out[0..room), not terminated; a word is quoted when it needs it. 0 and *len; -ENOBUFS
 * when room does not suffice.
 */
int quote_words(int count, const char *const *words, char *out, size_t room, size_t *len)
	__attribute__((warn_unused_result));

#endif
