/*
 * The worker that reads kernels' logs out of dumps and guests' memory: many jobs in one process,
 * each over a line of its own. It is confined as a door is.
 */
#ifndef WORKER_DMESG_WORKER_H
#define WORKER_DMESG_WORKER_H

#include "door/door.h"

/* Becomes the worker; does not return. */
_Noreturn void dmesg_worker_main(const struct door_options *options);

#endif
