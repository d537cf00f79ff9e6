/* What an administrator can do about libvirt's refusal of this process's user. */
#ifndef CONSOLE_LIBVIRT_VIRT_CURE_H
#define CONSOLE_LIBVIRT_VIRT_CURE_H

#include <stdbool.h>

#include "console/libvirt/virt_connect.h"

#define VIRT_CURE_MAX 320

/*
 * Whether the error means that libvirt is there and does not let us in; out is then a clause such
 * as "add the user to the group libvirt: usermod -aG libvirt vmconsole". It looks at the socket
 * that the error names, and blocks no longer than stat(2) does.
 */
bool virt_cure(const struct virt_error *error, char out[VIRT_CURE_MAX]);

#endif
