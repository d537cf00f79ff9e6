/*
 * What can be asked on a channel: one table of verbs, whose rows are in their own files, and its
 * dispatcher.
 */
#ifndef BROKER_VERBS_VERBS_H
#define BROKER_VERBS_VERBS_H

#include "broker/verb/verb.h"
#include "core/text/tokenize.h"

extern const struct verb_table verbs_table;

/*
 * What a login that is held to this command can never do: its rights are put to *denied. 0, or
 * -EINVAL when the command does not begin with a verb.
 */
int verb_ceiling(const struct tokens *command, unsigned *denied) MUST_CHECK;

/* command NULL: a shell was asked for. Answers on the channel, and ends it. */
void verbs_dispatch(struct channel *channel, const char *command, size_t len);

/* The rows whose files are in this folder. */
extern const struct verb verb_attach, verb_break, verb_connect, verb_deposit, verb_forward,
	verb_help, verb_info, verb_list, verb_log, verb_nmi, verb_power, verb_screen, verb_status,
	verb_sysrq, verb_who;

/* The menu of a login to the host on a pty. */
void menu_begin(struct channel *channel, const struct verb_table *table);

#endif
