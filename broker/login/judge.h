/*
 * What goes on is judged anew when rules, or what rules look at in a guest, have changed. One path
 * for whatever goes on: a channel says what it needs (channel_need), whatever its verb.
 */
#ifndef BROKER_LOGIN_JUDGE_H
#define BROKER_LOGIN_JUDGE_H

struct guest;
struct login;
struct login_list;

/* All channels of a login; its grant is the present one. */
void judge_login(struct login *login);
/* All channels that are about the guest. */
void judge_guest(struct login_list *logins, const struct guest *guest);
/* All there are. */
void judge_all(struct login_list *logins);

#endif
