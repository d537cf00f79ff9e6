/*
 * Where the socket of a console of type unix may lie. The path stands in a domain's XML and may
 * point anywhere, so it is followed only below folders that the administrator has named: compared
 * byte by byte, then walked without symbolic links (openat2), in a folder that not everybody may
 * write to. Knows no console and no QEMU.
 */
#ifndef CONSOLE_BACKEND_SOCKET_PATH_H
#define CONSOLE_BACKEND_SOCKET_PATH_H

#include <stddef.h>
#include <sys/stat.h>

#include "config/list.h"
#include "core/loop.h"

#define SOCKET_TEXT_MAX 256 /* of what is said about a failure, terminator included */

/*
 * The part of path behind the first of dirs that it lies below; NULL when there is none, or when
 * the path has ".", ".." or an empty component. *dir (borrowed) is that folder. Pure.
 */
const char *socket_path_rest(
	const char *path, const struct config_list *dirs, const char **dir) MUST_CHECK;

/*
 * The folder of the socket, as an O_PATH descriptor (the caller's), and its name in it, which lies
 * in path. 0; -EINVAL not below dirs; -EPERM not to be trusted; else -errno. text says why.
 */
int socket_path_folder(const char *path, const struct config_list *dirs, int *folder,
	const char **name, char text[SOCKET_TEXT_MAX]) MUST_CHECK;

/*
 * The socket itself, as an O_PATH descriptor; *st tells its owner. 0; -ENOTSOCK; else -errno. text
 * says why.
 */
int socket_path_open(const char *path, const struct config_list *dirs, int *fd, struct stat *st,
	char text[SOCKET_TEXT_MAX]) MUST_CHECK;

/* connect() to what fd (of socket_path_open) stands for, without waiting. -EACCES with a text that
 * names the group that is missing. */
int socket_path_connect(
	int fd, const char *path, int *connected, char text[SOCKET_TEXT_MAX]) MUST_CHECK;

#endif
