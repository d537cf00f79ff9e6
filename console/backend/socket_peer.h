/*
 * Who is at the other end of a unix socket, and whether he has taken the connection.
 */
#ifndef CONSOLE_BACKEND_SOCKET_PEER_H
#define CONSOLE_BACKEND_SOCKET_PEER_H

#include <sys/types.h>

#include "console/backend/socket_path.h"
#include "core/text/uuid.h"

/*
 * Whether the other end is the QEMU of the guest: its process (SO_PEERCRED: the one that listens,
 * or that connected to us) was started with "-uuid" and this UUID, and runs as the owner of the
 * socket, when that is not root, and as no login user other than ourselves. owner (uid_t)-1: not
 * known. 0; -EPERM it is not; else -errno. text says why.
 */
int socket_peer_check(
	int fd, const struct uuid *uuid, uid_t owner, char text[SOCKET_TEXT_MAX]) MUST_CHECK;

/* Whether a command line (arguments with NUL bytes between them) has "-uuid UUID". Pure. */
int socket_peer_names(const char *arguments, size_t len, const struct uuid *uuid);

/*
 * Whether the other end has accepted our connection: 1, 0 it waits in the queue, -errno not to be
 * known. The kernel's sock_diag(7) tells: a connection that nobody has accepted has a peer without
 * an inode.
 */
int socket_peer_accepted(int fd);

#endif
