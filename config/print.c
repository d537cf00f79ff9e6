/* A configuration as a file: the effective one, and the commented sample. Knows the table only. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/field.h"
#include "config/keys.h"
#include "config/ini/prescan.h"
#include "config/values.h"

#define SAMPLE_WIDTH 90 /* columns of a comment */

/* A value that was read from a line without blanks may not fit one with them. */
static int print_key(FILE *out, const struct key *key, const void *base)
{
	char *text = field_text(key, base, ", ");

	if (!text)
		return -ENOMEM;
	if (strlen(key->name) + strlen(" = ") + strlen(text) > PRESCAN_LINE_MAX) {
		free(text);
		text = field_text(key, base, ",");
		if (!text)
			return -ENOMEM;
		fprintf(out, "%s=%s\n", key->name, text);
	} else {
		fprintf(out, "%s =%s%s\n", key->name, text[0] ? " " : "", text);
	}
	free(text);
	return 0;
}

static int print_keys(FILE *out, const struct config *c, const struct section *s, size_t i)
{
	int rc = 0;

	for (size_t k = 0; k < config_key_count && rc == 0; k++) {
		if (config_keys[k].section == s->section)
			rc = print_key(out, &config_keys[k], section_struct(c, s->section, i));
	}
	return rc;
}

static int stream_error(FILE *out)
{
	return fflush(out) != 0 || ferror(out) ? -EIO : 0;
}

int config_print(FILE *out, const struct config *c)
{
	int rc = 0;

	for (size_t s = 0; s < SECTION_COUNT; s++) {
		const struct section *section = &config_sections[s];

		for (size_t i = 0; i < section_instances(c, s) && rc == 0; i++) {
			const char *gap = s == 0 && i == 0 ? "" : "\n";

			if (section->named) {
				const struct config_origin *at = section_struct(c, s, i);

				fprintf(out, "%s[%s %s]\n", gap, section->name, at->name);
			} else {
				fprintf(out, "%s[%s]\n", gap, section->name);
			}
			rc = print_keys(out, c, section, i);
		}
	}
	return rc < 0 ? rc : stream_error(out);
}

/* ---- the sample --------------------------------------------------------------------------- */

/* Wraps text as "# " comments. */
static void print_comment(FILE *out, const char *text)
{
	while (*text) {
		size_t len = strlen(text);

		if (len > SAMPLE_WIDTH) {
			len = SAMPLE_WIDTH;
			while (len > 0 && text[len] != ' ')
				len--;
		}
		fprintf(out, "# %.*s\n", (int)len, text);
		text += len;
		text += strspn(text, " ");
	}
}

/* " 64K to 64M." for what has limits. */
static void add_range(const struct key *key, char *text, size_t room)
{
	char low[VALUE_NUMBER_TEXT_MAX], high[VALUE_NUMBER_TEXT_MAX];
	const char *(*number)(uint64_t, char *) = NULL;
	size_t used = strlen(text);

	if (key->type == KEY_NUMBER)
		number = value_number_text;
	else if (key->type == KEY_SIZE)
		number = value_size_text;
	else if (key->type == KEY_DURATION)
		number = value_duration_text;
	if (number && key->max)
		snprintf(text + used, room - used, " %s to %s.", number(key->min, low),
			number(key->max, high));
}

static int sample_key(FILE *out, const struct config *defaults, const struct key *key)
{
	bool named = config_sections[key->section].named;
	char help[512];

	snprintf(help, sizeof(help), "%s", key->help);
	add_range(key, help, sizeof(help));
	if (!key->reloadable) {
		size_t used = strlen(help);

		snprintf(help + used, sizeof(help) - used, " Takes effect on restart.");
	}
	fprintf(out, "\n");
	print_comment(out, help);
	if (key->def && key->def[0] == '\0')
		print_comment(out, "Default: none. Example:");
	fprintf(out, "#");
	if (key->example)
		fprintf(out, "%s = %s\n", key->name, key->example);
	else if (named)
		fprintf(out, "%s = %s\n", key->name, key->def);
	else
		return print_key(out, key, section_struct(defaults, key->section, 0));
	return 0;
}

static int sample_section(FILE *out, const struct config *defaults, const struct section *s)
{
	int rc = 0;

	fprintf(out, "\n");
	print_comment(out, s->help);
	if (s->named)
		fprintf(out, "#[%s %s]\n", s->name, s->example);
	else
		fprintf(out, "[%s]\n", s->name);
	for (size_t i = 0; i < config_key_count && rc == 0; i++) {
		if (config_keys[i].section == s->section)
			rc = sample_key(out, defaults, &config_keys[i]);
	}
	return rc;
}

int config_sample(FILE *out)
{
	struct config *defaults;
	int rc = config_default(&defaults);

	if (rc < 0)
		return rc;
	print_comment(out, "Configuration of vmconsoled; see vmconsoled.conf(5). What is commented "
			   "out is the default, or an example where there is none.");
	for (size_t i = 0; i < SECTION_COUNT && rc == 0; i++)
		rc = sample_section(out, defaults, &config_sections[i]);
	config_free(defaults);
	return rc < 0 ? rc : stream_error(out);
}
