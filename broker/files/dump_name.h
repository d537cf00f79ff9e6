/*
 * Names of dump files: what libvirt calls them, and what they are called in the tree. Pure.
 *
 * libvirt names a dump that it makes by itself ID-NAME-YYYY-MM-DD-HH:MM:SS: the domain's number in
 * that life, the first 20 characters of its name, local time (qemuDomainGetAutoDumpPath,
 * virDomainDefGetShortName).
 */
#ifndef BROKER_FILES_DUMP_NAME_H
#define BROKER_FILES_DUMP_NAME_H

#include <stdbool.h>
#include <stddef.h>

#define DUMP_FILE_MAX 256           /* bytes of a file's name, with its end */
#define DUMP_SHORT_CHARS 20         /* of a domain's name */
#define DUMP_SHORT_MAX (4 * 20 + 1) /* bytes of them */

struct dump_name {
	int id;
	char guest[DUMP_SHORT_MAX];
};

/* 0; -EINVAL: it is none of libvirt's. */
int dump_name_parse(const char *file, struct dump_name *out) __attribute__((warn_unused_result));

/* Whether a domain of this name has that short one. */
bool dump_name_is_of(const char *short_name, const char *name);

/* What clients see: no colon, no blank, no control character, not hidden, not "latest". */
void dump_name_safe(const char *file, char out[DUMP_FILE_MAX]);

#endif
