/*
 * What is wrong with a configuration: a bounded list of lines "FILE:LINE: text". An error refuses
 * it; a warning is about what is probably not meant.
 *
 * A line is escaped when it is added (core/text/escape.h), so it may be shown to a person as it is.
 */
#ifndef CONFIG_INI_ERRORS_H
#define CONFIG_INI_ERRORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define CONFIG_ERRORS_MAX 50       /* lines that are kept */
#define CONFIG_ERROR_LINE_MAX 1024 /* bytes of one line before escaping */

/* Begin with {0}. */
struct config_errors {
	char *lines[CONFIG_ERRORS_MAX];
	bool is_warning[CONFIG_ERRORS_MAX];
	size_t count;    /* of lines */
	size_t dropped;  /* further ones, which are only counted */
	size_t warnings; /* of all, those dropped included */
};

/* file may be NULL (a statement about no file) and line 0 (about the whole file). */
void config_errors_add(struct config_errors *errors, const char *file, unsigned line,
	const char *format, ...) __attribute__((format(printf, 4, 5)));
void config_warning_add(struct config_errors *errors, const char *file, unsigned line,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/* A line that is escaped already, such as one of another list or of the log. */
void config_warning_take(struct config_errors *errors, const char *escaped);

/* Whether nothing was added but warnings. */
bool config_errors_none(const struct config_errors *errors);

/* What stands before line i where it is shown to a person: "warning: " or "". */
const char *config_errors_prefix(const struct config_errors *errors, size_t i);

/* One line each with its prefix, and how many more there are. */
void config_errors_print(FILE *out, const struct config_errors *errors);

void config_errors_finish(struct config_errors *errors);

#endif
