/*
 * Where a guest's console was when a dump was made, and the lines before: by the marks of its
 * journal, where the hypervisor said that it crashed, or somebody had a dump made.
 */
#ifndef BROKER_SIDECAR_LAST_WORDS_H
#define BROKER_SIDECAR_LAST_WORDS_H

#include <stdint.h>

#include "core/loop.h"

struct journal;
struct last_words;

#define LAST_WORDS_LINES 40
#define LAST_WORDS_BYTES 8192 /* of output that are looked at; of text, escaped, that are given */
/* A dump is written for so long, at most, after what it was made for. */
#define LAST_WORDS_LATE_S 3600

/* text: the lines, escaped, each with its newline. NULL: the journal has no mark of it. */
typedef void (*last_words_fn)(void *arg, uint64_t offset, const char *text);

/* when: the dump was complete, in seconds since 1970. done may be called before the return; then
 * *out is NULL. */
int last_words_find(struct loop *loop, struct journal *j, int64_t when, last_words_fn done,
	void *arg, struct last_words **out) MUST_CHECK;
/* Its done will not come. NULL inside is fine. */
void last_words_cancel(struct last_words **words);

#endif
