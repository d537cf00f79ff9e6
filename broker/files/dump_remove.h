/*
 * Removing files of the store, and of no other folder. Blocking: for job threads.
 */
#ifndef BROKER_FILES_DUMP_REMOVE_H
#define BROKER_FILES_DUMP_REMOVE_H

#include "broker/files/dump_scan.h"
#include "core/file/trust.h"

#define DUMP_WHY_MAX TRUST_WHY_MAX

/* The descriptor of the store, which must be the service's own; or -errno and why. */
int dump_open_store(const char *path, char why[DUMP_WHY_MAX]) __attribute__((warn_unused_result));

/* The very file that was seen. 0; -errno and why; -ENOENT, -ESTALE: it is not there any more. */
int dump_remove(const char *store, const struct dump_file *file, char why[DUMP_WHY_MAX])
	__attribute__((warn_unused_result));

#endif
