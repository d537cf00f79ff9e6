/*
 * The host keys: ssh_host_*_key files in one folder, made when missing, and handed to a door as one
 * sealed memory file.
 *
 * No function logs a secret; each that held one wiped it. On error there is one line in why.
 */
#ifndef BROKER_DOOR_HOST_KEYS_H
#define BROKER_DOOR_HOST_KEYS_H

#define HOST_KEYS_WHY_MAX 1024   /* bytes of a reason, terminator included */
#define HOST_KEYS_MAX 16         /* files */
#define HOST_KEYS_FILE_MAX 16384 /* bytes of one */

/*
 * Makes the folder (0700), ssh_host_ed25519_key and ssh_host_ecdsa_key (0600) and their .pub files
 * (0644) as far as they are missing, and logs the fingerprint of each new key. 0 or -errno.
 */
int host_keys_ensure(const char *dir, char why[HOST_KEYS_WHY_MAX])
	__attribute__((warn_unused_result));

/*
 * *fd becomes a sealed, close-on-exec memory file, at offset 0: the texts of all ssh_host_*_key
 * files in the order of their names, Ed25519 first, each with a newline at its end. A key file
 * that others may read, that belongs to another user, or that no door can use (damaged, with a
 * passphrase) is refused: then there is none at all. 0; -EPERM, -EINVAL, -ENOKEY (no key file) or
 * another -errno.
 */
int host_keys_memfd(const char *dir, int *fd, char why[HOST_KEYS_WHY_MAX])
	__attribute__((warn_unused_result));

/* 0; -errno ends it, with one line in the why that was given beside it. */
typedef int (*host_key_name_fn)(void *arg, const char *name);

/* Each key file in the order above. 0; -ENOKEY (there is none), -E2BIG, another -errno, or what
 * each has returned. */
int host_keys_each(const char *dir, host_key_name_fn each, void *arg, char why[HOST_KEYS_WHY_MAX])
	__attribute__((warn_unused_result));

#endif
