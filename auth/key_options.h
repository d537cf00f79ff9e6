/*
 * The options in front of a key in authorized_keys (sshd(8), AUTHORIZED_KEYS FILE FORMAT).
 *
 * An option that would not be enforced here refuses the key: who wrote it expects it to hold.
 */
#ifndef AUTH_KEY_OPTIONS_H
#define AUTH_KEY_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define KEY_OPTIONS_WHY_MAX 160

struct key_options {
	bool pty; /* false after "no-pty" or "restrict" without a later "pty" */
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

#endif
