/*
 * The worker that speaks TLS with the upstream of [https], so that the process that parses requests
 * has not the key: many connections in one process, each over a line of its own. What goes over
 * them it does not look into. It is confined as a door is, and connects to nobody: the broker does.
 */
#ifndef WORKER_UPSTREAM_WORKER_H
#define WORKER_UPSTREAM_WORKER_H

#include "door/door.h"

/* Becomes the worker; does not return. */
_Noreturn void upstream_worker_main(const struct door_options *options);

#endif
