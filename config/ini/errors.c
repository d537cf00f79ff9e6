/*
 * Collects the mistakes of a configuration. Owned by whoever loads one; knows nothing of keys.
 */
#include "config/ini/errors.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/text/escape.h"

/* Where the text stands: "FILE:LINE: ", "FILE: " or nothing. Returns its length. */
static size_t write_place(char *text, size_t room, const char *file, unsigned line)
{
	int n = 0;

	if (file && line)
		n = snprintf(text, room, "%s:%u: ", file, line);
	else if (file)
		n = snprintf(text, room, "%s: ", file);
	if (n < 0)
		return 0;
	return (size_t)n < room ? (size_t)n : room - 1;
}

static void add_escaped(struct config_errors *errors, bool is_warning, const char *escaped)
{
	char *line = errors->count < CONFIG_ERRORS_MAX ? strdup(escaped) : NULL;

	errors->warnings += is_warning;
	if (!line) {
		errors->dropped++;
		return;
	}
	errors->is_warning[errors->count] = is_warning;
	errors->lines[errors->count++] = line;
}

__attribute__((format(printf, 5, 0))) static void add(struct config_errors *errors, bool is_warning,
	const char *file, unsigned line, const char *format, va_list args)
{
	char text[CONFIG_ERROR_LINE_MAX];
	char escaped[ESCAPE_ROOM(CONFIG_ERROR_LINE_MAX)];
	size_t used = write_place(text, sizeof(text), file, line);

	vsnprintf(text + used, sizeof(text) - used, format, args);
	escape_text(text, strlen(text), escaped, sizeof(escaped));
	add_escaped(errors, is_warning, escaped);
}

void config_errors_add(
	struct config_errors *errors, const char *file, unsigned line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(errors, false, file, line, format, args);
	va_end(args);
}

void config_warning_add(
	struct config_errors *errors, const char *file, unsigned line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(errors, true, file, line, format, args);
	va_end(args);
}

void config_warning_take(struct config_errors *errors, const char *escaped)
{
	add_escaped(errors, true, escaped);
}

bool config_errors_none(const struct config_errors *errors)
{
	return errors->count + errors->dropped == errors->warnings;
}

const char *config_errors_prefix(const struct config_errors *errors, size_t i)
{
	return errors->is_warning[i] ? "warning: " : "";
}

void config_errors_print(FILE *out, const struct config_errors *errors)
{
	for (size_t i = 0; i < errors->count; i++)
		fprintf(out, "%s%s\n", config_errors_prefix(errors, i), errors->lines[i]);
	if (errors->dropped)
		fprintf(out, "... and %zu more\n", errors->dropped);
}

void config_errors_finish(struct config_errors *errors)
{
	for (size_t i = 0; i < errors->count; i++)
		free(errors->lines[i]);
	memset(errors, 0, sizeof(*errors));
}
