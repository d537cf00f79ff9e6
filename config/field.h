/*
 * One field of a section's struct, driven by its row of the table (config/keys.h): set it from a
 * text, write it as a text, compare, free. May not know which keys there are.
 */
#ifndef CONFIG_FIELD_H
#define CONFIG_FIELD_H

#include <stdbool.h>
#include <stddef.h>

struct key;

#define FIELD_WHY_MAX 256 /* bytes of a reason */

/*
 * Parses text into the field of base (a struct of the key's section), replacing what was there.
 * 0; -EINVAL with the reason in why, the field as it was; -ENOMEM.
 */
int field_set(const struct key *key, void *base, const char *text, char why[FIELD_WHY_MAX])
	__attribute__((warn_unused_result));

/* The text that field_set reads back to the same value; malloc'ed, NULL when out of memory.
 * Lists are joined with separator. */
char *field_text(const struct key *key, const void *base, const char *separator);

/* Whether two structs of the section have the same value there. */
bool field_equal(const struct key *key, const void *a, const void *b);

/* Frees what the field holds and zeroes it. */
void field_finish(const struct key *key, void *base);

#endif
