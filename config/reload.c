/*
 * What may change in a running daemon: everything else keeps its old value, and is named. Knows
 * the table only.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/field.h"
#include "config/keys.h"
#include "config/object.h"

static int copy_field(const struct key *key, const void *from, void *to)
{
	char why[FIELD_WHY_MAX], *text = field_text(key, from, ",");
	int rc;

	if (!text)
		return -ENOMEM;
	rc = field_set(key, to, text, why);
	free(text);
	return rc;
}

static int keep_key(const struct config *old, struct config *new, const struct key *key,
	struct config_errors *warnings)
{
	const struct config_place *was = config_object_place_of(old, key);
	const struct config_place *is = config_object_place_of(new, key);
	const void *from = section_struct(old, key->section, 0);
	void *to = section_struct(new, key->section, 0);

	if (field_equal(key, from, to))
		return 0;
	/* A default that follows another key is told with that key. */
	if (was->file || is->file)
		config_warning_add(warnings, is->file, is->line,
			"[%s] %s has changed: takes effect on restart",
			config_sections[key->section].name, key->name);
	return copy_field(key, from, to);
}

/* The plain keys, either those with a default of their own or those that follow another. */
static int keep_keys(
	const struct config *old, struct config *new, bool derived, struct config_errors *warnings)
{
	for (size_t i = 0; i < config_key_count; i++) {
		const struct key *key = &config_keys[i];
		int rc;

		if (key->reloadable || config_sections[key->section].named ||
			config_object_derived(key) != derived)
			continue;
		rc = keep_key(old, new, key, warnings);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static bool sections_equal(
	const struct config *old, const struct config *new, enum config_section section)
{
	if (section_instances(old, section) != section_instances(new, section))
		return false;
	for (size_t i = 0; i < section_instances(old, section); i++) {
		const struct config_origin *a = section_struct(old, section, i);
		const struct config_origin *b = section_struct(new, section, i);

		if (strcmp(a->name, b->name) != 0)
			return false;
		for (size_t k = 0; k < config_key_count; k++) {
			if (config_keys[k].section == section &&
				!field_equal(&config_keys[k], a, b))
				return false;
		}
	}
	return true;
}

static int copy_sections(const struct config *old, struct config *new, enum config_section section)
{
	config_object_clear(new, section);
	for (size_t i = 0; i < section_instances(old, section); i++) {
		const struct config_origin *at = section_struct(old, section, i);
		int rc = config_object_add(new, section, at->name, at->file, at->line);

		for (size_t k = 0; k < config_key_count && rc == 0; k++) {
			if (config_keys[k].section == section)
				rc = copy_field(
					&config_keys[k], at, section_struct(new, section, i));
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

int config_reload_check(
	const struct config *old, struct config *new, struct config_errors *warnings)
{
	int rc = keep_keys(old, new, false, warnings);

	/* Their folders may just have been set back. */
	if (rc == 0)
		rc = config_object_derive(new);
	if (rc == 0)
		rc = keep_keys(old, new, true, warnings);
	for (size_t i = 0; i < SECTION_COUNT && rc == 0; i++) {
		const struct section *s = &config_sections[i];

		if (!s->named || s->reloadable || sections_equal(old, new, i))
			continue;
		config_warning_add(warnings, NULL, 0,
			"the [%s] sections have changed: takes effect on restart", s->name);
		rc = copy_sections(old, new, i);
	}
	return rc;
}
