/*
 * The options in front of a key in authorized_keys (sshd(8), AUTHORIZED_KEYS FILE FORMAT).
 *
 * Known: restrict, pty, no-pty, from=, expiry-time=, command=, cert-authority, principals= and our
 * own access="NAME". no-port-forwarding, no-agent-forwarding, no-X11-forwarding and no-user-rc hold
 * for every key here, and change nothing. Any other refuses the key: who wrote it expects it to
 * hold. Names are compared without case, values stand in double quotes, \" is a quote in them.
 */
#ifndef AUTH_SSH_KEY_OPTIONS_H
#define AUTH_SSH_KEY_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_OPTIONS_WHY_MAX 160

/* Owns its strings; NULL where the option is not there. */
struct key_options {
	bool pty;            /* false after "no-pty" or "restrict" without a later "pty" */
	bool cert_authority; /* the key signs certificates and may not log in by itself */
	bool expires;
	int64_t expiry;   /* last second at which the key is good, UTC */
	char *from;       /* list for address_match_list */
	char *command;    /* the only command; whether it is a verb is for others to say */
	char *principals; /* list of names, of which the certificate must have one */
	char *access;     /* the only [access] section that counts */
};

void key_options_init(struct key_options *o);
void key_options_finish(struct key_options *o);

/*
 * Reads text[0..len), the options without the blank behind them. 0; -EINVAL (malformed), -ENOTSUP
 * (an option that is not enforced here), -ENOMEM: the reason is in why, which may hold foreign
 * bytes. o is to be finished in any case.
 */
int key_options_parse(struct key_options *o, const char *text, size_t len,
	char why[KEY_OPTIONS_WHY_MAX]) __attribute__((warn_unused_result));

/*
 * Whether from= and expiry-time= let somebody in from this numeric address (NULL: local, no from=
 * lets it in) at this time. 0, or -EACCES with *why a constant.
 */
int key_options_allow(const struct key_options *o, const char *address, int64_t now,
	const char **why) __attribute__((warn_unused_result));

/*
 * A time as ssh-keygen(1) writes it: YYYYMMDD or YYYYMMDDHHMM[SS], local time, or UTC with a Z
 * behind it. 0, -EINVAL.
 */
int key_expiry_parse(const char *text, int64_t *out) __attribute__((warn_unused_result));

#endif
