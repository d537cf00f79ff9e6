/*
 * What a start would need, looked at beforehand: vmconsoled --check.
 *
 * An error is what the start refuses, or what cannot work as it is for the user it is looked at as.
 * A warning is what may be different by the time of the start, or is probably not meant.
 * Nothing is changed: no folder or key is made. It may block for some seconds, and must not be
 * called in a process that has threads.
 */
#ifndef BROKER_PREFLIGHT_PREFLIGHT_H
#define BROKER_PREFLIGHT_PREFLIGHT_H

#include "config/config.h"

#define PREFLIGHT_WHY_MAX 256

/* Becomes the user, with his groups and home, for good. 0; -errno with the reason in why. */
int preflight_become(const char *user, char why[PREFLIGHT_WHY_MAX])
	__attribute__((warn_unused_result));

/* managed: a service manager will start it, and may make folders, open sockets and set limits. */
void preflight(const struct config *config, bool managed, struct config_errors *found);

#endif
