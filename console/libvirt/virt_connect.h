/*
 * Opening a connection to libvirt, and why a call failed. Blocking: for job threads.
 */
#ifndef CONSOLE_LIBVIRT_VIRT_CONNECT_H
#define CONSOLE_LIBVIRT_VIRT_CONNECT_H

#include <libvirt/libvirt.h>

#include "console/libvirt/virt_socket.h"

#define VIRT_TEXT_MAX 256
#define VIRT_PASSWORD_MAX 1024

/* An error as libvirt tells it; text is cut, foreign, and never empty after a failure. */
struct virt_error {
	int code, domain; /* VIR_ERR_*, VIR_FROM_* */
	char text[VIRT_TEXT_MAX];
};

/* The last one of this thread. */
void virt_error_take(struct virt_error *error);

/* What it means to who gave an order: -EACCES, -EOPNOTSUPP, -ENOTCONN (no such guest, or it does
 * not run), -EIO. */
int virt_error_number(const struct virt_error *error);

struct virt_target {
	const char *uri;
	const char *sasl_user, *sasl_password_file; /* NULL: none */
};

/*
 * The connection, or NULL and *error. The password is read from its file each time, and wiped.
 * capture gets the socket; it can be broken from another thread while this one is still opening.
 */
virConnectPtr virt_connect(
	const struct virt_target *target, struct virt_socket *socket, struct virt_error *error);

#endif
