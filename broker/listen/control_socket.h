/*
 * The local control socket, RUN_DIR/control: everybody on the host may connect, and the kernel
 * says who calls. Owned by the broker.
 */
#ifndef BROKER_LISTEN_CONTROL_SOCKET_H
#define BROKER_LISTEN_CONTROL_SOCKET_H

#include <sys/socket.h>

#include "core/loop.h"

struct control;

#define CONTROL_ROUND_MAX 16 /* connections accepted in one turn */

/* A new local connection; the descriptor is the callee's. */
typedef void (*control_fn)(void *arg, int fd, const struct ucred *peer);

/* Makes the socket anew; -EADDRINUSE when another daemon listens on it. */
int control_create(struct loop *loop, const char *run_dir, control_fn accepted, void *arg,
	struct control **out) MUST_CHECK;
void control_destroy(struct control **out); /* removes the socket */

#endif
