/* The https door: speaks HTTP over TLS with clients and lines with the broker, in a process of its
 * own. */
#ifndef HTTP_HTTPS_DOOR_H
#define HTTP_HTTPS_DOOR_H

#include "door/door.h"

_Noreturn void https_door_main(const struct door_options *options);

#endif
