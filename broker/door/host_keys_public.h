/* The public halves of the host keys, for those who want to know them beforehand. */
#ifndef BROKER_DOOR_HOST_KEYS_PUBLIC_H
#define BROKER_DOOR_HOST_KEYS_PUBLIC_H

#include "auth/ssh/pubkey.h"
#include "broker/door/host_keys.h"

typedef void (*host_key_fn)(void *arg, const struct pubkey *key);
typedef void (*host_key_missing_fn)(void *arg, const char *why); /* one line, with the cure */

/*
 * Each key of the folder that a door is given, in the same order: from NAME.pub beside it, as
 * sshd and ssh-keygen have it. Reads files: for a thread. 0; -ENOKEY, or another -errno, with one
 * line in why.
 */
int host_keys_public(const char *dir, host_key_fn each, host_key_missing_fn missing, void *arg,
	char why[HOST_KEYS_WHY_MAX]) __attribute__((warn_unused_result));

#endif
