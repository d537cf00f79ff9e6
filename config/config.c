/*
 * The struct config as an object: made with all defaults, filled key by key, freed. Knows the
 * table, but no file.
 */
#include "config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/field.h"
#include "config/keys.h"
#include "config/object.h"

/* Sets the keys of one struct to their defaults. */
static int set_defaults(enum config_section section, void *base)
{
	char why[FIELD_WHY_MAX];

	for (size_t i = 0; i < config_key_count; i++) {
		const struct key *key = &config_keys[i];
		int rc;

		if (key->section != section || !key->def || config_object_derived(key))
			continue;
		rc = field_set(key, base, key->def, why);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int config_object_create(struct config **out)
{
	struct config *c = calloc(1, sizeof(*c));
	int rc = -ENOMEM;

	if (!c)
		return -ENOMEM;
	c->places = calloc(1, sizeof(*c->places));
	if (!c->places)
		goto fail;
	c->places->of = calloc(config_key_count, sizeof(*c->places->of));
	if (!c->places->of)
		goto fail;
	for (size_t i = 0; i < SECTION_COUNT; i++) {
		if (config_sections[i].named)
			continue;
		rc = set_defaults(i, section_struct(c, i, 0));
		if (rc < 0)
			goto fail;
	}
	*out = c;
	return 0;
fail:
	config_free(c);
	return rc;
}

int config_object_place(struct config *c, const struct key *key, const char *file, unsigned line)
{
	struct config_place *place = &c->places->of[key - config_keys];
	char *copy = strdup(file);

	if (!copy)
		return -ENOMEM;
	free(place->file);
	*place = (struct config_place){copy, line};
	return 0;
}

const struct config_place *config_object_place_of(const struct config *c, const struct key *key)
{
	return &c->places->of[key - config_keys];
}

void config_place(const struct config *c, const char *section, const char *key, const char **file,
	unsigned *line)
{
	const struct section *s = section_find(section);
	const struct key *row = s && !s->named ? key_find(s->section, key) : NULL;

	*file = NULL;
	*line = 0;
	if (row) {
		*file = config_object_place_of(c, row)->file;
		*line = config_object_place_of(c, row)->line;
	}
}

/* Room for one more, zeroed; the count goes up. */
static struct config_origin *grow(struct config *c, enum config_section section)
{
	const struct section *s = &config_sections[section];
	void **array = (void **)((char *)c + s->array);
	size_t *count = (size_t *)((char *)c + s->count);
	void *grown = reallocarray(*array, *count + 1, s->size);

	if (!grown)
		return NULL;
	*array = grown;
	memset((char *)grown + *count * s->size, 0, s->size);
	(*count)++;
	return section_struct(c, section, *count - 1);
}

int config_object_add(struct config *c, enum config_section section, const char *name,
	const char *file, unsigned line)
{
	struct config_origin *at = grow(c, section);

	if (!at)
		return -ENOMEM;
	at->name = strdup(name);
	at->file = file ? strdup(file) : NULL;
	at->line = line;
	if (!at->name || (file && !at->file))
		return -ENOMEM;
	return set_defaults(section, section_struct(c, section, section_instances(c, section) - 1));
}

static void finish_fields(enum config_section section, void *base)
{
	for (size_t i = 0; i < config_key_count; i++) {
		if (config_keys[i].section == section)
			field_finish(&config_keys[i], base);
	}
}

static void finish_origin(struct config_origin *at)
{
	free(at->name);
	free(at->file);
}

void config_object_clear(struct config *c, enum config_section section)
{
	const struct section *s = &config_sections[section];

	for (size_t i = 0; i < section_instances(c, section); i++)
		finish_fields(section, section_struct(c, section, i));
	if (!s->named)
		return;
	for (size_t i = 0; i < section_instances(c, section); i++)
		finish_origin(section_struct(c, section, i));
	free(*(void **)((char *)c + s->array));
	*(void **)((char *)c + s->array) = NULL;
	*(size_t *)((char *)c + s->count) = 0;
}

static const char *base_folder(const struct config *c, const struct key *key, const char **rest)
{
	if (strncmp(key->def, KEY_IN_STATE_DIR, strlen(KEY_IN_STATE_DIR)) == 0) {
		*rest = key->def + strlen(KEY_IN_STATE_DIR);
		return c->daemon.state_dir;
	}
	*rest = key->def + strlen(KEY_IN_RUN_DIR);
	return c->daemon.run_dir;
}

bool config_object_derived(const struct key *key)
{
	return key->type == KEY_PATH && key->def &&
	       (strncmp(key->def, KEY_IN_STATE_DIR, strlen(KEY_IN_STATE_DIR)) == 0 ||
		       strncmp(key->def, KEY_IN_RUN_DIR, strlen(KEY_IN_RUN_DIR)) == 0);
}

int config_object_derive(struct config *c)
{
	for (size_t i = 0; i < config_key_count; i++) {
		const struct key *key = &config_keys[i];
		char **field, *path;
		const char *folder, *rest;

		if (!config_object_derived(key) || config_object_place_of(c, key)->file)
			continue;
		folder = base_folder(c, key, &rest);
		if (asprintf(&path, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, rest) < 0)
			return -ENOMEM;
		field = (char **)((char *)section_struct(c, key->section, 0) + key->offset);
		free(*field);
		*field = path;
	}
	return 0;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < SECTION_COUNT; i++) {
		if (config_sections[i].named)
			config_object_clear(c, i);
		else
			finish_fields(i, section_struct(c, i, 0));
	}
	if (c->places && c->places->of) {
		for (size_t i = 0; i < config_key_count; i++)
			free(c->places->of[i].file);
		free(c->places->of);
	}
	free(c->places);
	free(c);
}
