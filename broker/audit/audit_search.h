/* Looking for records in the audit's files. Blocking: for a thread. */
#ifndef BROKER_AUDIT_AUDIT_SEARCH_H
#define BROKER_AUDIT_AUDIT_SEARCH_H

#include <stddef.h>
#include <stdint.h>

#define AUDIT_SEARCH_STEP ((size_t)256 << 10) /* bytes of files looked at in one step */
#define AUDIT_LINE_MAX ((size_t)128 << 10)    /* bytes of one record; a longer one is left out */

struct audit_search;

/* NULL: any. Times are milliseconds since 1970. Texts are copied. */
struct audit_filter {
	const char *user; /* pattern on identity, fingerprint, or the identity behind its kind */
	const char *vm;   /* UUID, or pattern on the name */
	int64_t since, until;
};

/* Opens path.KEEP .. path.1, path as they are now; what is renamed meanwhile is read all the
 * same. 0, -ENOMEM, -errno when path itself cannot be read. */
int audit_search_create(const char *path, unsigned keep, const struct audit_filter *filter,
	struct audit_search **out) __attribute__((warn_unused_result));
void audit_search_destroy(struct audit_search *s);

/* Appends found lines to *out (malloc'ed by it, the caller frees). 1: there may be more; 0: the
 * end; -errno. */
int audit_search_step(struct audit_search *s, char **out, size_t *len)
	__attribute__((warn_unused_result));

#endif
