/*
 * Logging: one line each to stderr or, with fields, to journald.
 *
 * The text is escaped here (core/text/escape.h), so that no foreign byte reaches a terminal or
 * another line; callers pass foreign strings with plain %s. No secret is ever passed. A line tagged
 * with a connection carries it as "[c12] " and as the field VMC_TAG.
 */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include <stddef.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

#define LOG_TAG_MAX 32    /* bytes of a tag, terminator included */
#define LOG_LINE_MAX 2048 /* bytes of a line before escaping; the rest is cut with "..." */

/* A sink gets the escaped text, without a newline. The default writes to stderr or journald. */
typedef void (*log_sink_fn)(void *arg, enum log_level level, const char *tag, const char *text);

void log_set_level(enum log_level level);
enum log_level log_get_level(void);
void log_set_sink(log_sink_fn fn, void *arg);

/* Looks at JOURNAL_STREAM and chooses journald or stderr; ident is the program's name. */
void log_init(const char *ident);

void log_write(enum log_level level, const char *tag, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(...) log_write(LOG_LEVEL_ERROR, NULL, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, NULL, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, NULL, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, NULL, __VA_ARGS__)

#endif
