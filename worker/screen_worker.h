/*
 * The worker that draws screens of consoles: many jobs in one process, each over a line of its own.
 * It is confined as a door is.
 */
#ifndef WORKER_SCREEN_WORKER_H
#define WORKER_SCREEN_WORKER_H

#include "door/door.h"

/* Becomes the worker; does not return. */
_Noreturn void screen_worker_main(const struct door_options *options);

#endif
