/*
 * Names of dump files: what libvirt calls them, and what they are called in the tree. Pure.
 *
 * libvirt names a dump that it makes by itself ID-NAME-YYYY-MM-DD-HH:MM:SS: the domain's number in
 * that life, the first 20 characters of its name, local time (qemuDomainGetAutoDumpPath,
 * virDomainDefGetShortName). The service's own, in its store, are called NAME-UUID-TIME.KIND: what
 * is left of the name, which guest it is, UTC as YYYY-MM-DD-HH-MM-SS, elf, kdump or dmp.
 */
#ifndef BROKER_FILES_DUMP_NAME_H
#define BROKER_FILES_DUMP_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/text/uuid.h"

#define DUMP_FILE_MAX 256           /* bytes of a file's name, with its end */
#define DUMP_SHORT_CHARS 20         /* of a domain's name */
#define DUMP_SHORT_MAX (4 * 20 + 1) /* bytes of them */
/* A file of the store that is no dump yet: hidden until it is complete. */
#define DUMP_PARTIAL ".making-"

struct dump_name {
	int id;
	char guest[DUMP_SHORT_MAX];
};

/* 0; -EINVAL: it is none of libvirt's. */
int dump_name_parse(const char *file, struct dump_name *out) __attribute__((warn_unused_result));

/* Whether a domain of this name has that short one. */
bool dump_name_is_of(const char *short_name, const char *name);

/* The name of a dump of the service's own. when: seconds since 1970. */
void dump_name_make(const char *guest, const struct uuid *uuid, int64_t when, const char *kind,
	char out[DUMP_FILE_MAX]);
/* Whose it is. 0; -EINVAL: it is none of those. */
int dump_name_made(const char *file, struct uuid *uuid) __attribute__((warn_unused_result));

/* What clients see: no colon, no blank, no control character, not hidden, not "latest". */
void dump_name_safe(const char *file, char out[DUMP_FILE_MAX]);

#endif
