/*
 * The worker that looks for patterns in the output of consoles: many jobs in one process, each over
 * a line of its own. It is confined as a door is, and has no descriptor but its lines.
 */
#ifndef WORKER_MATCH_WORKER_H
#define WORKER_MATCH_WORKER_H

#include "door/door.h"

/* Becomes the worker; does not return. */
_Noreturn void match_worker_main(const struct door_options *options);

#endif
