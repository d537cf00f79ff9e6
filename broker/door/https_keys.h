/*
 * A key and certificate of [https], handed to the process that speaks with them as one sealed
 * memory file: the text of the key, then that of the certificates, then (for the upstream) as
 * TRUSTED CERTIFICATE the authorities. On error there is one line in why, with the cure.
 */
#ifndef BROKER_DOOR_HTTPS_KEYS_H
#define BROKER_DOOR_HTTPS_KEYS_H

#define HTTPS_KEYS_WHY_MAX 1024
#define HTTPS_KEYS_FILE_MAX 65536 /* bytes of one */

struct https_key_paths {
	const char *key, *certificate; /* "": none */
	const char *ca; /* the upstream's authorities; NULL: these are the server's */
};

/* -EPERM: others may read the key; -EINVAL: the files do not belong together, or are damaged. */
int https_keys_memfd(const struct https_key_paths *paths, int *fd, char why[HTTPS_KEYS_WHY_MAX])
	__attribute__((warn_unused_result));

#endif
