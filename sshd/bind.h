/* The ssh_bind of a door: host keys and algorithms. */
#ifndef SSHD_BIND_H
#define SSHD_BIND_H

#include <stddef.h>

#include <libssh/libssh.h>
#include <libssh/server.h>

#include "core/loop.h"

#define HOST_KEYS_MAX ((size_t)64 * 1024) /* bytes of all key blocks together */

/*
 * Reads every private key block in keys_fd ("-----BEGIN ... PRIVATE KEY-----", unencrypted; the
 * formats of OpenSSH, PKCS#1, SEC1, PKCS#8) and sets the algorithms. What was read is wiped.
 * -ENOKEY when no block was a key that can be used; -E2BIG; other -errno. *out is ssh_bind_free'd
 * by the caller.
 */
int bind_create(int keys_fd, ssh_bind *out) MUST_CHECK;

/* Gives a connection to libssh: a session with our algorithms that has sent its identification.
 * Takes fd in any case. NULL when libssh would not have it. */
ssh_session bind_accept(ssh_bind bind, int fd);

#endif
