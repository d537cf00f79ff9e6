/*
 * Who has leased a keyboard, kept for as long as the lease is: what he proved, so that it can be
 * judged again when his login has long ended. The lease goes with his right to type.
 */
#ifndef BROKER_LOGIN_LEASE_HOLDER_H
#define BROKER_LOGIN_LEASE_HOLDER_H

#include "core/loop.h"

struct broker_context;
struct channel;
struct console;
struct guest;
struct lease_holder;

/* Of a channel's login, which is in. 0; -ELOOP: by too many tickets in a row; -ENOMEM. */
int lease_holder_create(const struct channel *channel, struct lease_holder **out) MUST_CHECK;
/* NULL is nobody. void *: for lease_terms.ended. */
void lease_holder_destroy(void *holder);

/* What he proved is good for so long; UINT64_MAX: without end. */
uint64_t lease_holder_time(const struct channel *channel);

/* For lease_terms.ended: the audit's record. */
void lease_holder_ended(void *holder, const struct console *c, const char *how);

/* Ends the leases of the guest (NULL: of all) whose holders may not type there any more. */
void lease_holders_judge(const struct broker_context *context, const struct guest *guest);
/* Has the helper commands asked again about the entities they came in as. */
void lease_holders_ask_again(const struct broker_context *context);

#endif
