/*
 * What goes on is judged anew when rules, or what rules look at in a guest, have changed. One path
 * for whatever goes on: a channel says what it needs (channel_need), whatever its verb.
 */
#ifndef BROKER_LOGIN_JUDGE_H
#define BROKER_LOGIN_JUDGE_H

struct broker_context;
struct guest;
struct login;

/* All channels of a login; its grant is the present one. */
void judge_login(struct login *login);
/* All channels that are about the guest, and leases of its keyboards. */
void judge_guest(const struct broker_context *context, const struct guest *guest);
/* All there are. */
void judge_all(const struct broker_context *context);

#endif
