/*
 * Who made a ticket, or a lease, kept for as long as that or a login by it lives: what he proved,
 * so that it can be judged again. A ticket never gives more than its maker has at the moment of
 * use.
 */
#ifndef BROKER_LOGIN_MAKER_H
#define BROKER_LOGIN_MAKER_H

#include "core/loop.h"

struct guest;
struct login;
struct maker;

/* A ticket may be made by who came by one, and so on: that many in a row. */
#define MAKERS_MAX 4

/* Of a login that is in. 0; -ELOOP: too many tickets in a row; -ENOMEM. */
int maker_create(const struct login *login, struct maker **out) MUST_CHECK;
struct maker *maker_ref(struct maker *m); /* NULL gives NULL */
/* NULL is nobody. void *: for tickets_make. */
void maker_unref(void *maker);

/* What he may do with the guest now: enum right bits. */
unsigned maker_rights(const struct maker *m, const struct guest *guest);
/* Has the helper commands asked again about the entities he came in as. */
void maker_ask_again(const struct maker *m);

#endif
