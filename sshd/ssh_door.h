/* The ssh door: speaks SSH with clients and lines with the broker, in a process of its own. */
#ifndef SSHD_SSH_DOOR_H
#define SSHD_SSH_DOOR_H

#include "door/door.h"

_Noreturn void ssh_door_main(const struct door_options *options);

#endif
