/*
 * What can be asked on a channel: one table of verbs, one row each, and its dispatcher.
 */
#ifndef BROKER_VERBS_VERBS_H
#define BROKER_VERBS_VERBS_H

#include "broker/verb/verb.h"
#include "core/words.h"

extern const struct verb_table verbs_table;

/*
 * What a login that is held to this command can never do: its rights are put to *denied. 0, or
 * -EINVAL when the command does not begin with a verb.
 */
int verb_ceiling(const struct words *command, unsigned *denied) MUST_CHECK;

/* command NULL: a shell was asked for. Answers on the channel, and ends it. */
void verbs_dispatch(struct channel *channel, const char *command, size_t len);

/* The functions of the rows whose files are in this folder. */
void verb_attach(struct verb_call *call);
void verb_log(struct verb_call *call);
void verb_connect(struct verb_call *call);
void verb_dump(struct verb_call *call);
void verb_dumps(struct verb_call *call);
void verb_list(struct verb_call *call);
void verb_status(struct verb_call *call);
void verb_who(struct verb_call *call);
void verb_help(struct verb_call *call);
void verb_forward(struct verb_call *call);
void verb_break(struct verb_call *call);
void verb_sysrq(struct verb_call *call);
void verb_nmi(struct verb_call *call);
void verb_power(struct verb_call *call);

/* The menu of a login to the host on a pty. */
void menu_begin(struct channel *channel, const struct verb_table *table);

#endif
