/* Task: see verb_body.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "http/exchange/verb_body.h"

#define ARGUMENTS "arguments"

__attribute__((format(printf, 2, 3))) static int refuse(
	char why[VERB_BODY_WHY_MAX], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, VERB_BODY_WHY_MAX, format, args);
	va_end(args);
	return -EINVAL;
}

/* --- options --- */

static int add_value(struct command *c, const json_t *value)
{
	char number[32];

	if (json_is_string(value))
		return command_add_quoted(c, json_string_value(value));
	snprintf(number, sizeof(number), "%" PRId64, (int64_t)json_integer_value(value));
	return command_add(c, number, strlen(number));
}

static int add_option(
	struct command *c, const char *name, const json_t *value, char why[VERB_BODY_WHY_MAX])
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz-");
	int r;

	if (name[len] || *name == '-' || !*name)
		return refuse(why, "unknown member %.60s", name);
	if (json_is_false(value) || json_is_null(value))
		return 0;
	if (!json_is_true(value) && !json_is_string(value) && !json_is_integer(value))
		return refuse(why, "%.60s: a text, a whole number, true or false is wanted", name);
	r = command_add(c, " --", 3);
	if (!r)
		r = command_add(c, name, len);
	if (r || json_is_true(value))
		return r;
	r = command_add(c, "=", 1);
	return r ? r : add_value(c, value);
}

static int add_options(struct command *c, json_t *object, char why[VERB_BODY_WHY_MAX])
{
	const char *name;
	json_t *value;
	int r = 0;

	json_object_foreach(object, name, value)
	{
		if (!r && strcmp(name, ARGUMENTS) != 0)
			r = add_option(c, name, value, why);
	}
	return r;
}

/* --- arguments --- */

static int add_argument(struct command *c, const json_t *value, char why[VERB_BODY_WHY_MAX])
{
	int r;

	if (!json_is_string(value))
		return refuse(why, ARGUMENTS ": a list of texts is wanted");
	r = command_add(c, " ", 1);
	return r ? r : command_add_quoted(c, json_string_value(value));
}

/* Behind "--", so that none of them is an option. */
static int add_arguments(struct command *c, const json_t *list, char why[VERB_BODY_WHY_MAX])
{
	size_t i;
	int r;

	if (!list)
		return 0;
	if (!json_is_array(list))
		return refuse(why, ARGUMENTS ": a list of texts is wanted");
	r = command_add(c, " --", 3);
	for (i = 0; !r && i < json_array_size(list); i++)
		r = add_argument(c, json_array_get(list, i), why);
	return r;
}

int verb_body_words(
	const char *body, size_t len, struct command *command, char why[VERB_BODY_WHY_MAX])
{
	json_error_t error;
	json_t *object = json_loadb(body, len, JSON_REJECT_DUPLICATES, &error);
	int r;

	if (!object)
		return refuse(why, "malformed JSON: %.150s", error.text);
	if (!json_is_object(object)) {
		json_decref(object);
		return refuse(why, "an object is wanted");
	}
	r = add_options(command, object, why);
	if (!r)
		r = add_arguments(command, json_object_get(object, ARGUMENTS), why);
	json_decref(object);
	return r;
}
