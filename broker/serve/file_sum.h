/*
 * The checksum of a dump as a file, NAME.sha256, as sha256sum(1) writes and checks it. It is there
 * when the sidecar of the dump has the sum; its text is made when it is asked for.
 */
#ifndef BROKER_SERVE_FILE_SUM_H
#define BROKER_SERVE_FILE_SUM_H

#include "broker/sidecar/sidecars.h"
#include "wire/msg.h"

#define FILE_SUM_END ".sha256"
#define FILE_SUM_MAX (HASHING_TEXT_MAX + 2 + WIRE_NAME_MAX + 2)

/* Bytes of the text; 0: there is no sum. name: the dump's, in the text. */
size_t file_sum_text(const struct sidecars *sidecars, const struct dump_file *f, const char *name,
	char out[FILE_SUM_MAX]);

/* A descriptor of it, in memory, that nobody can change; or -errno. */
int file_sum_open(const char *text, size_t len) MUST_CHECK;

#endif
