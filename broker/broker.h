/*
 * The broker: the trusted process. Listens, supervises the doors, owns hypervisors, guests, rules
 * and logins. What its parts need of one another is in broker/login/context.h.
 */
#ifndef BROKER_BROKER_H
#define BROKER_BROKER_H

#include "config/config.h"

#define BROKER_STOP_US (4 * LOOP_SECOND) /* sessions are told and flushed; then doors end */

struct broker_options {
	const char *config_path;
	struct config *config;         /* taken over */
	const unsigned char *build_id; /* WIRE_BUILD_ID bytes */
};

/* Runs until SIGTERM; the process's exit status. */
int broker_main(const struct broker_options *options);

#endif
