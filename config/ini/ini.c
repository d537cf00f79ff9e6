/*
 * iniparser, fed from memory: it reads files by name only (a FILE since 4.2), so the bytes go
 * into a memfd, and it sees exactly the bytes that were scanned before.
 */
#include "config/ini/ini.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#ifdef INIPARSER_FLAT_HEADER
#include <iniparser.h>
#else
#include <iniparser/iniparser.h>
#endif

#include "config/ini/prescan.h"
#include "core/io.h"

struct ini {
	dictionary *dict;
};

/* "SECTION:KEY" as iniparser names a value. */
#define INI_NAME_MAX (2 * PRESCAN_NAME_MAX + 2)

/* iniparser's own complaints carry no use: the caller has a better one. */
static int be_quiet(const char *format, ...)
{
	return 0;
}

static int load_dictionary(const char *data, size_t len, dictionary **dict)
{
	char path[64];
	int rc, fd FD_AUTO = memfd_create("vmconsoled-config", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	rc = write_all(fd, data, len);
	if (rc < 0)
		return rc;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	iniparser_set_error_callback(be_quiet);
	*dict = iniparser_load(path);
	iniparser_set_error_callback(NULL);
	return *dict ? 0 : -EBADMSG;
}

const char *ini_get(const struct ini *ini, const char *section, const char *key)
{
	char name[INI_NAME_MAX];

	snprintf(name, sizeof(name), "%s:%s", section, key);
	return iniparser_getstring(ini->dict, name, NULL);
}

/* Whether every entry is there with its value. *bad is the first that is not. */
static int compare_entries(const struct ini *ini, const struct prescan *p, size_t *bad)
{
	for (size_t i = 0; i < p->count; i++) {
		const struct prescan_entry *e = &p->entries[i];
		const char *value;

		*bad = i;
		if (!e->key) {
			if (!iniparser_find_entry(ini->dict, e->section))
				return -EBADMSG;
			continue;
		}
		value = ini_get(ini, e->section, e->key);
		if (!value || strcmp(value, e->value) != 0)
			return -EBADMSG;
	}
	*bad = p->count;
	return 0;
}

/* Whether iniparser has nothing that the prescan has not. */
static int compare_counts(const struct ini *ini, const struct prescan *p)
{
	int sections = iniparser_getnsec(ini->dict);
	size_t found = 0;

	for (int i = 0; i < sections; i++) {
		const char *name = iniparser_getsecname(ini->dict, i);
		int keys = name ? iniparser_getsecnkeys(ini->dict, name) : -1;

		if (keys < 0)
			return -EBADMSG;
		found += 1 + (size_t)keys;
	}
	return found == p->count ? 0 : -EBADMSG;
}

int ini_create(const char *data, size_t len, const struct prescan *p, struct ini **ini, size_t *bad)
{
	struct ini *new = calloc(1, sizeof(*new));
	int rc;

	*bad = p->count;
	if (!new)
		return -ENOMEM;
	rc = load_dictionary(data, len, &new->dict);
	if (rc == 0)
		rc = compare_entries(new, p, bad);
	if (rc == 0)
		rc = compare_counts(new, p);
	if (rc < 0) {
		ini_destroy(&new);
		return rc;
	}
	*ini = new;
	return 0;
}

void ini_destroy(struct ini **ini)
{
	if (!*ini)
		return;
	if ((*ini)->dict)
		iniparser_freedict((*ini)->dict);
	free(*ini);
	*ini = NULL;
}
