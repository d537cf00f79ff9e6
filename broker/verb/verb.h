/*
 * What verbs share: the row of one, a call of it, its guest, its rights, its options.
 */
#ifndef BROKER_VERB_VERB_H
#define BROKER_VERB_VERB_H

#include <stdbool.h>

#include "broker/channel/channel.h"
#include "broker/verb/verb_option.h"

struct console;
struct guest;
struct login;
struct verb;
struct verb_table;

enum verb_scope {
	VERB_GUEST,  /* about one VM: the login's, or the first argument */
	VERB_EITHER, /* about one VM or the host */
	VERB_HOST,   /* never about one VM */
};

enum verb_caller {
	VERB_FOR_ALL = 0,
	VERB_FOR_LOCAL = 1, /* through the control socket only */
	VERB_FOR_HTTPS = 2, /* the https door's own: for all others it is no verb */
};

/* One call. Lives until run has returned. */
struct verb_call {
	struct channel *channel;
	struct login *login;
	const struct verb_table *table;
	const struct verb *verb;
	struct guest *guest; /* NULL: the host */
	const char *device;  /* NULL: the main console */
	bool json;           /* the answer is to be JSON */
	int argc;            /* arguments behind the verb and the VM */
	char **argv;
};

#define VERB_ANY (-1) /* arguments: the verb counts them itself */

/* A verb is a row, in the file of what it does. */
struct verb {
	const char *name;
	enum verb_scope scope;
	unsigned right; /* enum right on the guest, or of the host; 0: none needed */
	enum verb_caller caller;
	const char *usage;
	const char *summary;
	const char *example; /* the words behind the name and, with vmconsolectl, the VM */
	const struct verb_option *options; /* NULL: every word is an argument */
	size_t option_count, options_size;
	bool is_polled; /* every few seconds: the log says it at level debug, and when it fails */
	bool takes_command; /* what follows the first word that is no option belongs to that */
	int arguments;      /* at most so many; VERB_ANY */
	/* options: the struct that the table is about, as it was filled in. */
	void (*run)(struct verb_call *call, const void *options);
};

struct verb_table {
	const struct verb *const *rows;
	size_t count;
};

/* NULL: there is none. */
const struct verb *verb_find(const struct verb_table *table, const char *name);

/* The same, without those that are no verbs for this login. */
const struct verb *verb_find_for(
	const struct verb_table *table, const struct login *login, const char *name);

/* Which VM the call is about: the login's, or an argument. On failure the channel has been ended.
 */
int verb_find_guest(struct verb_call *call) MUST_CHECK;
/* Resolves a VM's name for a verb; on failure the channel has been ended. name is changed. */
int verb_resolve(struct verb_call *call, char *name) MUST_CHECK;
/* 0; or -ENOTCONN: no hypervisor is connected, and the text for the user says which: with what is
 * wrong for those with the right admin. */
#define VERB_AWAY_MAX 640
int verb_away(const struct login *login, char text[VERB_AWAY_MAX]) MUST_CHECK;
/* The console of the call's guest on the call's device. On failure the channel has been ended. */
int verb_console(struct verb_call *call, struct console **out) MUST_CHECK;
/* The same for a verb that is not about live output: a VM without a console has none such. */
int verb_kept_console(struct verb_call *call, const char *device, struct console **out) MUST_CHECK;
/* Whether the login has the right on the call's guest; if not the channel has been ended. */
int verb_allowed(struct verb_call *call, unsigned right) MUST_CHECK;

/* The token of the lease to type under: the option's, else that of the client's environment; NULL:
 * none. */
const char *verb_lease_token(const struct verb_call *call, const char *option);

/* The call's words as one text with blanks between them, as ssh makes a command of them. Its
 * length.
 */
size_t verb_words(const struct verb_call *call, char out[WIRE_COMMAND_MAX + 1]);

/* Runs the call's verb, if its right, which the channel needs from then on, and its words are as
 * they have to be; else the channel has been ended. */
void verb_run_call(struct verb_call *call);

/* For what looks like an option: if a VM that the login may see is called so, the channel is ended
 * with a word on how to name it. */
bool verb_is_dashed_guest(struct verb_call *call, const char *word) MUST_CHECK;

#endif
