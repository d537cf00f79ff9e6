/*
 * state_dir and run_dir: made where they are missing, and refused where somebody else could put
 * something into them or take them away.
 */
#ifndef BROKER_FOLDERS_H
#define BROKER_FOLDERS_H

#include "config/config.h"

/* Makes those that are missing (0700 and 0755), and looks at them. 0; -errno with what is wrong and
 * its cure in errors. */
int folders_make(const struct config *config, struct config_errors *errors)
	__attribute__((warn_unused_result));

/*
 * The same without changing anything, for --check. One that is missing and cannot be made by this
 * user is an error, or, when managed, a warning: a service manager may make it before the start.
 */
void folders_check(const struct config *config, bool managed, struct config_errors *errors);

#endif
