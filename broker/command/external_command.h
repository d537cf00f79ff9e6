/*
 * One run of a foreign program: no shell, nothing of ours but three descriptors, a limit in time
 * and in output.
 */
#ifndef BROKER_COMMAND_EXTERNAL_COMMAND_H
#define BROKER_COMMAND_EXTERNAL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "core/loop.h"
#include "core/file/trust.h"

struct external_command;

#define EXTERNAL_WORDS_MAX 64
/* That were killed and are not gone: those that a dead file server holds. No more are begun. */
#define EXTERNAL_DYING_MAX 16
#define EXTERNAL_WORD_MAX 4096
#define EXTERNAL_PATH "PATH=/usr/sbin:/usr/bin:/sbin:/bin"

/* {NAME} in a word of the command line stands for its value. */
struct external_value {
	const char *name; /* "entityid" */
	const char *value;
};

struct external_run {
	const char *line; /* words separated by blanks, the first an absolute path */
	const struct external_value *values;
	size_t value_count;
	uint64_t timeout_us;
	size_t output_max;
	/* It is one of our own: it has our environment, what it says on standard error is output,
	 * and output counts whatever status it ends with. */
	bool is_ours;
};

/*
 * output belongs to the receiver (free it) and has a NUL behind it; NULL with the reason in why:
 * it could not be run, failed, wrote too much, or took too long and was killed.
 */
typedef void (*external_done_fn)(void *arg, char *output, size_t len, const char *why);

/* 0: done follows on a later turn; -EINVAL (a word that must not be), -EBUSY (EXTERNAL_DYING_MAX),
 * -ENOMEM, -errno. */
int external_command_run(struct loop *loop, const struct external_run *run, external_done_fn done,
	void *arg, struct external_command **out) MUST_CHECK;

/* What it answers is believed, so whoever could change the program could log in as anybody: as
 * trust_path of the line's first word. */
int external_command_trust(const char *line, char why[TRUST_WHY_MAX]) MUST_CHECK;

/* Kills it; done is not called. For NULL too. */
void external_command_cancel(struct external_command **c);

#endif
