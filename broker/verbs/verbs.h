/*
 * What can be asked on a channel: one table of verbs, one row each, and its dispatcher.
 */
#ifndef BROKER_VERBS_VERBS_H
#define BROKER_VERBS_VERBS_H

#include "broker/channel/channel.h"
#include "core/words.h"

struct guest;
struct login;

enum verb_scope {
	VERB_GUEST,  /* about one VM: the login's, or the first argument */
	VERB_EITHER, /* about one VM or the host */
	VERB_HOST,   /* never about one VM */
};

/* One call. Lives until run has returned. */
struct verb_call {
	struct channel *channel;
	struct login *login;
	const struct verb *verb;
	struct guest *guest; /* NULL: the host */
	const char *device;  /* NULL: the main console */
	int argc;            /* arguments behind the verb and the VM */
	char **argv;
};

struct verb {
	const char *name;
	enum verb_scope scope;
	unsigned right; /* enum right on the guest, or of the host; 0: none needed */
	const char *usage;
	const char *summary;
	void (*run)(struct verb_call *call);
	int local; /* through the control socket only */
};

const struct verb *verb_find(const char *name);
const struct verb *verb_at(size_t index); /* NULL behind the last */

/*
 * What a login that is held to this command can never do: its rights are put to *denied. 0, or
 * -EINVAL when the command does not begin with a verb.
 */
int verb_ceiling(const struct words *command, unsigned *denied) MUST_CHECK;

/* command NULL: a shell was asked for. Answers on the channel, and ends it. */
void verbs_dispatch(struct channel *channel, const char *command, size_t len);

/* Resolves a VM's name for a verb; on failure the channel has been ended. name is changed. */
int verb_resolve(struct verb_call *call, char *name) MUST_CHECK;
/* 0; or -ENOTCONN: no hypervisor is connected, and the text for the user says which: with what is
 * wrong for those with the right admin. */
#define VERB_AWAY_MAX 640
int verb_away(const struct login *login, char text[VERB_AWAY_MAX]) MUST_CHECK;
/* Ends the channel: the call's guest has no such device, and what it has. NULL: no console at all.
 */
void verb_no_device(const struct verb_call *call, const char *device);
/* Whether the login has the right on the call's guest; if not the channel has been ended. */
int verb_allowed(struct verb_call *call, unsigned right) MUST_CHECK;

/* verb_allowed for the verb's own right, which the channel needs from then on. */
int verb_begin(struct verb_call *call) MUST_CHECK;

/*
 * Options of a verb: "--name" or "--name=VALUE" or "--name VALUE". What is no option moves to the
 * front of argv, and argc counts only that. -EINVAL: the channel has been ended with a word that
 * names the culprit. Behind "--" nothing is an option.
 */
enum verb_option_kind { OPTION_FLAG, OPTION_VALUE, OPTION_MAYBE };
struct verb_option {
	const char *name; /* without the dashes */
	enum verb_option_kind kind;
	int *given;
	const char **value; /* NULL for a flag; MAYBE without a value: stays as it is */
};
int verb_options(
	struct verb_call *call, const struct verb_option *options, size_t count) MUST_CHECK;
/* More arguments than the verb takes end the channel. */
int verb_no_more(struct verb_call *call, int most) MUST_CHECK;

/* The rows' functions. */
void verb_attach(struct verb_call *call);
void verb_log(struct verb_call *call);
void verb_wait(struct verb_call *call);
void verb_kick(struct verb_call *call);
void verb_connect(struct verb_call *call);
void verb_list(struct verb_call *call);
void verb_status(struct verb_call *call);
void verb_who(struct verb_call *call);
void verb_help(struct verb_call *call);
void verb_break(struct verb_call *call);
void verb_sysrq(struct verb_call *call);
void verb_nmi(struct verb_call *call);
void verb_explain(struct verb_call *call);
void verb_ticket(struct verb_call *call);
void verb_audit(struct verb_call *call);
void verb_journal(struct verb_call *call);
void verb_reload(struct verb_call *call);
void verb_sources(struct verb_call *call);

/* The menu of a login to the host on a pty. */
void menu_begin(struct channel *channel);

#endif
