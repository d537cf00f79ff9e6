/*
 * A door's log goes over its control line. What finds the line full is dropped and counted; the
 * count goes out with the next line that fits.
 */
#ifndef DOOR_DOOR_LOG_H
#define DOOR_DOOR_LOG_H

#include "wire/line.h"

struct door_log {
	struct line *control;
	unsigned long dropped;
};

/* Becomes the sink of core/log. Both must live as long as the process. */
void door_log_init(struct door_log *log, struct line *control);

#endif
