/* A listening unix socket of a configured path: who may connect is said by the file's mode. */
#ifndef BROKER_LISTEN_UNIX_SOCKET_H
#define BROKER_LISTEN_UNIX_SOCKET_H

#include <sys/types.h>

#include "broker/listen/listener.h"
#include "config/config.h"

/* Which file it is, so that nobody else's is removed. */
struct unix_socket_file {
	char *path; /* NULL: none */
	dev_t dev;
	ino_t ino;
};

/*
 * Mode 0600, or 0660 with group (by its name; "": none). A socket file that nobody listens on is
 * removed first; any other file is left alone, and refused, as is a folder in which others can
 * write. The descriptor, and *file for unix_socket_remove; or -errno and one line in why.
 */
int unix_socket_open(const struct config_address *address, const char *group,
	struct unix_socket_file *file, char why[LISTENER_WHY_MAX]) MUST_CHECK;
void unix_socket_remove(struct unix_socket_file *file);

/* Whether it could be made now; makes and removes nothing. 0, or -errno and one line in why. */
int unix_socket_try(const struct config_address *address, const char *group,
	char why[LISTENER_WHY_MAX]) MUST_CHECK;

#endif
