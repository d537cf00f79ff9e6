/*
 * The https server's key and certificate, handed to its door as one sealed memory file: the text
 * of the key, then that of the certificates. On error there is one line in why, with the cure.
 */
#ifndef BROKER_DOOR_HTTPS_KEYS_H
#define BROKER_DOOR_HTTPS_KEYS_H

#define HTTPS_KEYS_WHY_MAX 1024
#define HTTPS_KEYS_FILE_MAX 65536 /* bytes of one */

/* -EPERM: others may read the key; -EINVAL: the two do not belong together, or are damaged. */
int https_keys_memfd(const char *key, const char *certificate, int *fd,
	char why[HTTPS_KEYS_WHY_MAX]) __attribute__((warn_unused_result));

#endif
