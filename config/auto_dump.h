/*
 * Where libvirt puts the dumps that it makes by itself: auto_dump_path of its qemu.conf, for the
 * folders that are looked into when none are configured.
 */
#ifndef CONFIG_AUTO_DUMP_H
#define CONFIG_AUTO_DUMP_H

#include "config/config.h"

/*
 * Adds those of the configured hypervisors on this host to the folders. A file that is not there
 * or cannot be read, as the system's one for others than root, adds none. 0, -ENOMEM.
 */
int config_auto_dump_add(struct config *c) __attribute__((warn_unused_result));

#endif
