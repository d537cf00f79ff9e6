/*
 * Texts that look like a guest's panic, found in its output as it comes. Pure.
 *
 * All of them are looked for at once, byte by byte (Aho and Corasick's automaton): the cost does
 * not depend on what the guest prints, and a text may be cut anywhere between two runs of bytes.
 */
#ifndef CONSOLE_HEALTH_PANIC_H
#define CONSOLE_HEALTH_PANIC_H

#include <stddef.h>
#include <stdint.h>

#include "config/list.h"
#include "core/loop.h"

#define PANIC_TEXT_MAX 128 /* bytes of one text that are looked for */
#define PANIC_TEXTS_MAX 64 /* texts; the rest is passed over */

struct panic_texts;

/* What is looked for. Empty texts are passed over. 0 or -ENOMEM; *out NULL when there is none. */
int panic_create(const struct config_list *texts, struct panic_texts **out) MUST_CHECK;
void panic_destroy(struct panic_texts **texts);

/*
 * Looks on, from *state (0 at the beginning). Returns how many bytes of data[0..len) end with the
 * first text found, *which of them says which; or len, with *which NULL.
 */
size_t panic_scan(const struct panic_texts *texts, uint16_t *state, const uint8_t *data, size_t len,
	const char **which);

#endif
