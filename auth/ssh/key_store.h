/*
 * All authorized keys, found by their blob. A reload makes a new store and destroys the old one.
 */
#ifndef AUTH_SSH_KEY_STORE_H
#define AUTH_SSH_KEY_STORE_H

#include "auth/ssh/authfile.h"
#include "auth/ssh/authorized_keys.h"

#define KEY_STORE_FILE_MAX (16u << 20) /* bytes of one file */
#define KEY_STORE_KEYS_MAX 100000

struct key_store;

int key_store_create(struct key_store **out) __attribute__((warn_unused_result));

/* One for lists of plain keys, such as trusted CAs: a line with options is refused. */
int key_store_create_plain(struct key_store **out) __attribute__((warn_unused_result));
void key_store_destroy(struct key_store *s);

/*
 * Reads the files that the patterns (paths and globs) name. What cannot be read or is refused is
 * told to report and left out. 0; -ENOMEM, -E2BIG (more than KEY_STORE_KEYS_MAX keys), after which
 * the store holds what was read until then.
 */
int key_store_load(struct key_store *s, const char *const *patterns, size_t count,
	auth_report_fn report, void *arg) __attribute__((warn_unused_result));

/* As one file's text; name is what is told to report. */
int key_store_load_text(struct key_store *s, const char *name, const char *text, size_t len,
	auth_report_fn report, void *arg) __attribute__((warn_unused_result));

/*
 * The first line with this key, or NULL; further ones by next_same, in the order of the files.
 * The key lives as long as the store.
 */
const struct authorized_key *key_store_find(const struct key_store *s, struct span blob);

/* The same by "SHA256:...", as pubkey_fingerprint writes it. */
const struct authorized_key *key_store_find_fingerprint(
	const struct key_store *s, const char *fingerprint);

/* All lines with a key, in no order. */
void key_store_each(const struct key_store *s,
	void (*each)(void *arg, const struct authorized_key *key), void *arg);

size_t key_store_count(const struct key_store *s);

#endif
