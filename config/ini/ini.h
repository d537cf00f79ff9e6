/*
 * The one place that knows iniparser. What it read is compared, value by value, with what the
 * prescan read (config/ini/prescan.h): a difference is an error, not a surprise.
 */
#ifndef CONFIG_INI_INI_H
#define CONFIG_INI_INI_H

#include <stddef.h>

struct ini;
struct prescan;

/*
 * Has iniparser read the bytes that prescan accepted as *p. 0; -EBADMSG when iniparser refuses
 * them or reads anything else than the prescan did (*bad is the entry that differs, p->count for
 * the file as a whole); -errno.
 */
int ini_create(const char *data, size_t len, const struct prescan *p, struct ini **ini, size_t *bad)
	__attribute__((warn_unused_result));
void ini_destroy(struct ini **ini);

/* The value of a key, NULL if there is none. */
const char *ini_get(const struct ini *ini, const char *section, const char *key);

#endif
