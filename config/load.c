/*
 * Files to struct config: reads the main file and conf.d, scans them, has iniparser parse them,
 * and puts each value through its row of the table. Collects mistakes; logs nothing.
 */
#include "config/auto_dump.h"
#include "config/config.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/field.h"
#include "config/ini/ini.h"
#include "config/keys.h"
#include "config/ini/nearest.h"
#include "config/object.h"
#include "config/ini/prescan.h"
#include "config/protocols.h"
#include "core/io.h"
#include "core/file/trust.h"

#define DROPIN_FOLDER "conf.d"
#define DROPIN_SUFFIX ".conf"
#define DEFAULT_HYPERVISOR "local"

/* The file being loaded, and where in it we are. */
struct load {
	struct config *c;
	struct config_errors *errors;
	const char *file;
	bool scanned; /* the prescan found no mistake: what is not there is really missing */

	const struct section *section; /* NULL: an unknown one, whose keys are passed over */
	void *base;                    /* its struct */
	unsigned line;                 /* of its header */
	bool *seen;                    /* which keys it has, by index in the table */
};

static void prescan_error(void *arg, unsigned line, const char *text)
{
	struct load *l = arg;

	config_errors_add(l->errors, l->file, line, "%s", text);
}

/* The section has ended: what must be in it? */
static void end_section(struct load *l)
{
	if (!l->section || !l->scanned)
		return;
	for (size_t i = 0; i < config_key_count; i++) {
		const struct key *key = &config_keys[i];

		if (key->section == l->section->section && !key->def && !l->seen[i])
			config_errors_add(l->errors, l->file, l->line,
				"missing key %s: this section needs it", key->name);
	}
}

static void refuse_section(struct load *l, const char *kind, unsigned line)
{
	struct nearest n = {.word = kind};

	for (size_t i = 0; i < SECTION_COUNT; i++)
		nearest_offer(&n, config_sections[i].name);
	config_errors_add(l->errors, l->file, line, "unknown section [%s]%s%s%s", kind,
		n.best ? "; did you mean [" : "", n.best ? n.best : "", n.best ? "]?" : "");
}

/* A named section is new, or a mistake. */
static int begin_named(struct load *l, const struct section *s, const char *name, unsigned line)
{
	size_t count = section_instances(l->c, s->section);
	int rc;

	for (size_t i = 0; i < count; i++) {
		const struct config_origin *at = section_struct(l->c, s->section, i);

		if (strcmp(at->name, name) == 0) {
			config_errors_add(l->errors, l->file, line,
				"duplicate section [%s %s]: it is in %s:%u already", s->name, name,
				at->file, at->line);
			return 0;
		}
	}
	if (count >= CONFIG_SECTIONS_MAX) {
		config_errors_add(l->errors, l->file, line, "more than %d [%s] sections",
			CONFIG_SECTIONS_MAX, s->name);
		return 0;
	}
	rc = config_object_add(l->c, s->section, name, l->file, line);
	if (rc < 0)
		return rc;
	l->section = s;
	l->base = section_struct(l->c, s->section, count);
	return 0;
}

static int begin_section(struct load *l, const struct prescan_entry *e)
{
	char kind[PRESCAN_NAME_MAX + 1];
	const char *name = strchr(e->section, ' ');
	size_t len = name ? (size_t)(name - e->section) : strlen(e->section);
	const struct section *s;

	end_section(l);
	l->section = NULL;
	l->line = e->line;
	memset(l->seen, 0, config_key_count * sizeof(*l->seen));
	if (len == 0) /* the prescan has refused it */
		return 0;
	memcpy(kind, e->section, len);
	kind[len] = '\0';
	s = section_find(kind);
	if (!s) {
		refuse_section(l, kind, e->line);
		return 0;
	}
	if (s->named && !name) {
		config_errors_add(l->errors, l->file, e->line, "[%s] needs a name: [%s NAME]",
			s->name, s->name);
		return 0;
	}
	if (s->named)
		return begin_named(l, s, name + 1, e->line);
	if (name) {
		config_errors_add(l->errors, l->file, e->line, "[%s] takes no name: write [%s]",
			s->name, s->name);
		return 0;
	}
	l->section = s;
	l->base = section_struct(l->c, s->section, 0);
	return 0;
}

/* The word may be near a key of this section, or be a key of another. */
static void refuse_key(struct load *l, const struct prescan_entry *e)
{
	struct nearest n = {.word = e->key};

	for (size_t i = 0; i < config_key_count; i++) {
		if (config_keys[i].section == l->section->section)
			nearest_offer(&n, config_keys[i].name);
	}
	if (n.best) {
		config_errors_add(l->errors, l->file, e->line,
			"unknown key %s in [%s]; did you mean %s?", e->key, l->section->name,
			n.best);
		return;
	}
	for (size_t i = 0; i < SECTION_COUNT; i++) {
		if (key_find(i, e->key)) {
			config_errors_add(l->errors, l->file, e->line,
				"unknown key %s in [%s]; it belongs in [%s]", e->key,
				l->section->name, config_sections[i].name);
			return;
		}
	}
	config_errors_add(
		l->errors, l->file, e->line, "unknown key %s in [%s]", e->key, l->section->name);
}

static int take_key(struct load *l, const struct prescan_entry *e, const char *value)
{
	const struct key *key;
	char why[FIELD_WHY_MAX];
	int rc;

	if (!l->section)
		return 0;
	key = key_find(l->section->section, e->key);
	if (!key) {
		refuse_key(l, e);
		return 0;
	}
	l->seen[key - config_keys] = true;
	rc = field_set(key, l->base, value, why);
	if (rc == -EINVAL) {
		config_errors_add(l->errors, l->file, e->line, "%s: %s", key->name, why);
		return 0;
	}
	if (rc < 0 || l->section->named)
		return rc;
	return config_object_place(l->c, key, l->file, e->line);
}

/* ini is NULL when the prescan has found mistakes: then the values are only looked at. */
static int take_entries(struct load *l, const struct prescan *p, const struct ini *ini)
{
	int rc = 0;

	l->section = NULL;
	l->scanned = ini;
	for (size_t i = 0; i < p->count && rc == 0; i++) {
		const struct prescan_entry *e = &p->entries[i];

		if (!e->key)
			rc = begin_section(l, e);
		else
			rc = take_key(l, e, ini ? ini_get(ini, e->section, e->key) : e->value);
	}
	if (rc == 0)
		end_section(l);
	return rc;
}

static int take_bytes(struct load *l, const char *data, size_t len)
{
	struct prescan p;
	struct ini *ini = NULL;
	size_t bad;
	int rc = prescan(data, len, &p, prescan_error, l);

	if (rc == 0) {
		rc = ini_create(data, len, &p, &ini, &bad);
		if (rc == -EBADMSG)
			config_errors_add(l->errors, l->file,
				bad < p.count ? p.entries[bad].line : 0,
				"the iniparser library reads another value here: write it in a "
				"simpler way");
		else if (rc < 0 && rc != -ENOMEM)
			config_errors_add(l->errors, l->file, 0, "iniparser: %s", strerror(-rc));
	}
	if (rc != -ENOMEM)
		rc = take_entries(l, &p, ini);
	ini_destroy(&ini);
	prescan_finish(&p);
	return rc;
}

/* Whether nobody but root and this service's user can have written what says who gets what. */
static bool is_trusted(struct load *l, const char *path)
{
	char why[TRUST_WHY_MAX];
	int rc = trust_path(path, why);

	if (rc == -EPERM)
		config_errors_add(l->errors, path, 0, "%s", why);
	else if (rc < 0)
		config_errors_add(l->errors, path, 0, "cannot be read: %s", why);
	return rc == 0;
}

static void say_unreadable(struct load *l, const char *path, int error)
{
	char why[TRUST_WHY_MAX];

	trust_unreadable(path, error, why);
	config_errors_add(l->errors, path, 0, "cannot be read: %s", why);
}

static bool is_trusted_file(struct load *l)
{
	struct stat st;

	if (stat(l->file, &st) < 0 && errno == ENOENT)
		config_errors_add(l->errors, l->file, 0,
			"there is no such file; vmconsoled --sample-config prints one to begin "
			"with");
	else if (stat(l->file, &st) < 0)
		say_unreadable(l, l->file, errno);
	else if (!S_ISREG(st.st_mode))
		config_errors_add(l->errors, l->file, 0, "is not a regular file");
	else
		return is_trusted(l, l->file);
	return false;
}

static int take_file(struct load *l, const char *path)
{
	char *data;
	size_t len;
	int rc;

	l->file = path;
	if (!is_trusted_file(l))
		return 0;
	rc = read_file(path, CONFIG_FILE_MAX, &data, &len);
	if (rc == -ENOMEM)
		return rc;
	if (rc == -EFBIG)
		config_errors_add(l->errors, path, 0, "cannot be read: it is larger than 1M");
	else if (rc < 0)
		say_unreadable(l, path, -rc);
	if (rc < 0)
		return 0;
	rc = take_bytes(l, data, len);
	free(data);
	return rc;
}

static int is_dropin(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name), suffix = strlen(DROPIN_SUFFIX);

	return entry->d_name[0] != '.' && len > suffix &&
	       strcmp(entry->d_name + len - suffix, DROPIN_SUFFIX) == 0;
}

/* Bytes, not the locale's order: the same everywhere. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Also false when there is none. */
static bool is_trusted_folder(struct load *l, const char *folder)
{
	struct stat st;

	return (stat(folder, &st) == 0 || errno != ENOENT) && is_trusted(l, folder);
}

static int take_folder(struct load *l, const char *folder)
{
	struct dirent **names;
	int count, rc = 0;

	if (!is_trusted_folder(l, folder))
		return 0;
	count = scandir(folder, &names, is_dropin, by_name);
	if (count < 0) {
		if (errno == ENOMEM)
			return -ENOMEM;
		say_unreadable(l, folder, errno);
		return 0;
	}
	if (count > CONFIG_DROPINS_MAX)
		config_errors_add(
			l->errors, folder, 0, "has more than %d files", CONFIG_DROPINS_MAX);
	for (int i = 0; i < count; i++) {
		char *path = NULL;

		if (rc == 0 && i < CONFIG_DROPINS_MAX) {
			if (asprintf(&path, "%s/%s", folder, names[i]->d_name) < 0) {
				path = NULL;
				rc = -ENOMEM;
			} else {
				rc = take_file(l, path);
			}
		}
		free(path);
		free(names[i]);
	}
	free(names);
	return rc;
}

static int take_dropins(struct load *l, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder;
	int rc, n = slash ? asprintf(&folder, "%.*s/%s", (int)(slash - path), path, DROPIN_FOLDER)
			  : asprintf(&folder, "%s", DROPIN_FOLDER);

	if (n < 0)
		return -ENOMEM;
	rc = take_folder(l, folder);
	free(folder);
	return rc;
}

/* A port that carries ssh is instead of the default one. */
static void forget_default_port(struct config *c)
{
	const char *file;
	unsigned line;

	config_place(c, "ssh", "listen", &file, &line);
	if (file || !config_listens_have(c, "ssh"))
		return;
	free(c->ssh.listen.items);
	c->ssh.listen = (struct config_addresses){0};
}

/* What follows from all the files together. */
static int complete(struct config *c)
{
	int rc = 0;

	forget_default_port(c);

	if (c->hypervisor_count == 0)
		rc = config_object_add(c, SECTION_HYPERVISOR, DEFAULT_HYPERVISOR, NULL, 0);
	return rc < 0 ? rc : config_object_derive(c);
}

int config_default(struct config **out)
{
	int rc = config_object_create(out);

	if (rc < 0)
		return rc;
	rc = complete(*out);
	if (rc < 0) {
		config_free(*out);
		*out = NULL;
	}
	return rc;
}

/* Where libvirt puts dumps, if nobody says where they are. */
static int add_dump_folders(struct config *c)
{
	const char *file;
	unsigned line;

	config_place(c, "dump", "directories", &file, &line);
	return file ? 0 : config_auto_dump_add(c);
}

int config_load(const char *path, struct config **out, struct config_errors *errors)
{
	struct load l = {.errors = errors};
	int rc = -ENOMEM;

	l.seen = calloc(config_key_count, sizeof(*l.seen));
	if (l.seen)
		rc = config_object_create(&l.c);
	if (rc == 0)
		rc = take_file(&l, path);
	if (rc == 0)
		rc = take_dropins(&l, path);
	if (rc == 0)
		rc = complete(l.c);
	if (rc == 0)
		rc = add_dump_folders(l.c);
	if (rc == 0)
		config_object_check(l.c, errors);
	if (rc == 0 && !config_errors_none(errors))
		rc = -EINVAL;
	if (rc == 0)
		config_object_warn(l.c, errors);
	if (rc == 0)
		*out = l.c;
	else
		config_free(l.c);
	free(l.seen);
	return rc;
}
