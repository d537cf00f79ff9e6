/*
 * A small text file of what a part remembers: a line for each thing, in the state folder.
 *
 * Read once; written whole some seconds after a change, by a thread, so that no loop waits for a
 * disk. What cannot be read or written is logged. Belongs to one loop.
 */
#ifndef CORE_FILE_STATE_FILE_H
#define CORE_FILE_STATE_FILE_H

#include <stdio.h>

#include "core/job.h"

struct state_file;

struct state_file_options {
	struct loop *loop;
	const char *folder, *name;
	const char *thread; /* its name, at most 15 bytes */
	size_t max;         /* bytes that are read */
	/* Writes all of it: from the loop, for the thread. */
	void (*render)(void *arg, FILE *f);
	void *arg;
};

int state_file_create(const struct state_file_options *o, struct state_file **out) MUST_CHECK;

/* Writes what is due at once; render is still called. NULL inside allowed. */
void state_file_destroy(struct state_file **pointer);

/* Calls fn for each line that is not empty and begins with no #; it may change the line. Less than
 * 0: the line is damaged, which is logged once for all of them. */
void state_file_load(struct state_file *s, int (*fn)(void *arg, char *line), void *arg);

/* Something is to be written soon. */
void state_file_changed(struct state_file *s);

/* A name in a line: bytes that would break it as %XX. get undoes it in place. */
void state_file_put_name(FILE *f, const char *name);
void state_file_get_name(char *name);

#endif
