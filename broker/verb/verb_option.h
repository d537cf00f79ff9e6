/*
 * The options of a verb: one table with a row for each, and a struct of the verb's own that the
 * words of a call are read into before it runs.
 */
#ifndef BROKER_VERB_VERB_OPTION_H
#define BROKER_VERB_VERB_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_CHECK __attribute__((warn_unused_result))

struct verb_call;

/* Behind each: the type of its field. */
enum verb_option_type {
	OPTION_FLAG,     /* bool */
	OPTION_TEXT,     /* const char *, in the call; NULL: not given */
	OPTION_NUMBER,   /* option_number */
	OPTION_DURATION, /* option_number, in microseconds */
	OPTION_TIME,     /* option_number, microseconds since 1970; a duration is so long ago */
	OPTION_BOOT,     /* option_number; a minus before it changes nothing */
	OPTION_POSITION, /* option_position */
	OPTION_DEVICE,   /* none: the call's device */
	OPTION_JSON,     /* none: the call's json */
};

struct option_number {
	uint64_t value; /* not given: the row's unless */
	bool given;
};

/* A place in a console's output. */
struct option_position {
	enum {
		POSITION_NONE,   /* not given */
		POSITION_START,  /* "start" */
		POSITION_OFFSET, /* "4711" */
		POSITION_BACK,   /* "-4711": so many bytes before the end */
	} kind;
	uint64_t value;
};

struct verb_option {
	const char *name; /* without the dashes */
	enum verb_option_type type;
	size_t field;         /* offset in the verb's struct */
	const char *takes;    /* what its value is called; NULL: a flag */
	const char *help;     /* for `help VERB` */
	bool may_lack;        /* a DURATION's value: it counts as given, and as unless */
	uint64_t least, most; /* of NUMBER and DURATION; most 0: any */
	uint64_t unless;
	const char *cure; /* of a wrong value; NULL: see help */
	unsigned group;   /* only one of those with the same number may be given; 0: none */
};

#define VERB_OPTIONS_MAX 16                                    /* rows of a table */
#define VERB_OPTIONS_ROOM 256                                  /* bytes of a verb's struct */
#define VERB_OPTION_TIME_MAX (UINT64_C(365) * 86400 * 1000000) /* of a limit in time */

/* Rows that several verbs have. */
#define VERB_OPTION_DEVICE                                                                         \
	{.name = "device",                                                                         \
		.type = OPTION_DEVICE,                                                             \
		.takes = "D",                                                                      \
		.help = "this console of the VM, not its main one"}
#define VERB_OPTION_FORCE(at)                                                                      \
	{.name = "force",                                                                          \
		.type = OPTION_FLAG,                                                               \
		.field = (at),                                                                     \
		.help = "take the keyboard from whoever has it"}
#define VERB_OPTION_LEASE(at)                                                                      \
	{.name = "lease",                                                                          \
		.type = OPTION_TEXT,                                                               \
		.field = (at),                                                                     \
		.takes = "TOKEN",                                                                  \
		.help = "type under this lease, not that of $VMC_LEASE"}
#define VERB_OPTION_JSON {.name = "json", .type = OPTION_JSON, .help = "the answer as JSON"}

/* For a verb's row: its table, and the struct that the table is about. */
#define VERB_OPTIONS(table, type)                                                                  \
	.options = (table), .option_count = sizeof(table) / sizeof((table)[0]),                    \
	.options_size = sizeof(type)

/*
 * Reads "--name", "--name=VALUE" and "--name VALUE" of the call's verb into the struct at out. What
 * is no option moves to the front of argv, and argc counts only that. Behind "--" nothing is an
 * option. A verb without a table takes every word as it is. More words than the verb takes, and
 * whatever else does not fit, end the channel with a word that names the culprit: -EINVAL.
 */
int verb_options_read(struct verb_call *call, void *out) MUST_CHECK;

/* A value of its option's type into its field. 0, -EINVAL. Pure but for the clock. */
int verb_option_set(const struct verb_option *option, const char *text, void *out) MUST_CHECK;

#endif
