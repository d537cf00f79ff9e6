/*
 * Options of an authorized key.
 * Task: the text in front of a key to a struct. Owner: struct key_options owns its strings. May
 * not know the key.
 */
#include "auth/key_options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct option_text {
	const char *name;
	size_t name_len;
};

static const struct option_kind {
	const char *name;
	int (*apply)(struct key_options *o);
} kinds[];

static int apply_no_pty(struct key_options *o)
{
	o->pty = false;
	return 0;
}

static int apply_pty(struct key_options *o)
{
	o->pty = true;
	return 0;
}

static const struct option_kind kinds[] = {
	{"restrict", apply_no_pty},
	{"no-pty", apply_no_pty},
	{"pty", apply_pty},
	{NULL, NULL},
};

void key_options_init(struct key_options *o)
{
	*o = (struct key_options){.pty = true};
}

void key_options_finish(struct key_options *o)
{
	key_options_init(o);
}

static int apply_option(
	struct key_options *o, const char *name, size_t len, char why[KEY_OPTIONS_WHY_MAX])
{
	for (const struct option_kind *k = kinds; k->name != NULL; k++) {
		if (strlen(k->name) == len && strncasecmp(k->name, name, len) == 0)
			return k->apply(o);
	}
	snprintf(why, KEY_OPTIONS_WHY_MAX, "option \"%.*s\" is not enforced here, key refused",
		(int)(len < 64 ? len : 64), name);
	return -ENOTSUP;
}

int key_options_parse(
	struct key_options *o, const char *text, size_t len, char why[KEY_OPTIONS_WHY_MAX])
{
	size_t at = 0;

	while (at <= len) {
		size_t name = 0;
		int rc;

		while (at + name < len && text[at + name] != ',' && text[at + name] != '=')
			name++;
		rc = apply_option(o, text + at, name, why);
		if (rc < 0)
			return rc;
		if (at + name < len && text[at + name] == '=') {
			snprintf(why, KEY_OPTIONS_WHY_MAX, "option \"%.*s\" takes no value",
				(int)name, text + at);
			return -EINVAL;
		}
		at += name + 1;
	}
	return 0;
}
