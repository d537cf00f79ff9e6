/* Finds the word somebody may have meant. Pure. */
#ifndef CONFIG_INI_NEAREST_H
#define CONFIG_INI_NEAREST_H

#include <stddef.h>

#define NEAREST_WORD_MAX 64 /* longer words have no neighbour */

/* Edits (insert, remove, replace, swap of neighbours) between two words; a large number if one
 * of them is too long. */
unsigned nearest_distance(const char *a, const char *b);

/* The search: begin with {.word = what was written}, offer candidates, read best (or NULL). */
struct nearest {
	const char *word;
	const char *best;
	unsigned distance;
};

/* Takes candidate as best if it is near enough (a third of the word) and nearer than before. */
void nearest_offer(struct nearest *n, const char *candidate);

#endif
