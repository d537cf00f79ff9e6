/*
 * One line of an authorized_keys file (sshd(8), AUTHORIZED_KEYS FILE FORMAT): options, key type,
 * key in base64, comment.
 */
#ifndef AUTH_SSH_AUTHORIZED_KEYS_H
#define AUTH_SSH_AUTHORIZED_KEYS_H

#include "auth/ssh/key_options.h"
#include "auth/ssh/pubkey.h"

#define AUTHORIZED_KEYS_LINE_MAX 16384 /* bytes */

/* Owns its strings and the blob that key looks into. */
struct authorized_key {
	struct pubkey key;
	struct key_options options;
	bool has_options;
	uint8_t *blob;
	char *comment; /* "" when there is none; foreign bytes */
	char *file;    /* where it stands, set by the store */
	unsigned line;
	struct authorized_key
		*next_same; /* a later line with the same key (auth/ssh/key_store.h) */
};

enum authorized_keys_line { LINE_EMPTY, LINE_KEY };

/*
 * Reads one line without its newline. LINE_EMPTY (blank or comment), or LINE_KEY with *out to be
 * given to authorized_key_destroy; or -EINVAL, -ENOTSUP, -EKEYREJECTED, -EBADMSG, -ENOMEM with the
 * reason in why, which may hold foreign bytes.
 */
int authorized_keys_parse_line(const char *line, size_t len, struct authorized_key **out,
	char why[KEY_OPTIONS_WHY_MAX]) __attribute__((warn_unused_result));

void authorized_key_destroy(struct authorized_key *k);

#endif
