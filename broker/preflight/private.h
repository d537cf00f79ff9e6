/* Inside broker/preflight/: its parts. */
#ifndef BROKER_PREFLIGHT_PRIVATE_H
#define BROKER_PREFLIGHT_PRIVATE_H

#include "config/config.h"

struct access;

/* Rules against keys, users and hypervisors (rules.c). */
void preflight_rules(
	const struct config *config, const struct access *access, struct config_errors *found);

/* Programs, files and addresses (system.c). */
void preflight_system(const struct config *config, bool managed, struct config_errors *found);

/* Each libvirt is asked, by a process of its own (libvirt.c). */
void preflight_libvirt(const struct config *config, struct config_errors *found);

#endif
