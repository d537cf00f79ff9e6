/*
 * Task: the whole logging story. Owner: the process (one sink, one level).
 * A door's sink is its control line; everybody else writes to journald or stderr.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-journal.h>

#include "core/text/escape.h"
#include "core/log.h"

static const char *const names[] = {"error", "warning", "info", "debug"};
static const int priorities[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};

static _Atomic int current_level = LOG_LEVEL_INFO;
static log_sink_fn sink;
static void *sink_arg;
static int to_journal;
static char program[32] = "vmconsoled";

void log_set_level(enum log_level level)
{
	atomic_store(&current_level, (int)level);
}

enum log_level log_get_level(void)
{
	return (enum log_level)atomic_load(&current_level);
}

void log_set_sink(log_sink_fn fn, void *arg)
{
	sink = fn;
	sink_arg = arg;
}

/* systemd gives the device and inode of the stream it connected to stderr. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	if (!stream || sscanf(stream, "%llu:%llu", &device, &inode) != 2)
		return false;
	return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void log_init(const char *ident)
{
	snprintf(program, sizeof(program), "%s", ident);
	to_journal = stderr_is_journal();
}

static void write_journal(enum log_level level, const char *tag, const char *text)
{
	sd_journal_send("MESSAGE=%s%s%s%s", tag ? "[" : "", tag ? tag : "", tag ? "] " : "", text,
		"PRIORITY=%d", priorities[level], "SYSLOG_IDENTIFIER=%s", program, "VMC_TAG=%s",
		tag ? tag : "", NULL);
}

static void write_stderr(enum log_level level, const char *tag, const char *text)
{
	char line[ESCAPE_ROOM(LOG_LINE_MAX) + 128];
	char stamp[40];
	struct timespec now;
	struct tm tm;
	int n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	n = snprintf(line, sizeof(line), "%s.%03ldZ %s: %s: %s%s%s%s\n", stamp,
		now.tv_nsec / 1000000, program, names[level], tag ? "[" : "", tag ? tag : "",
		tag ? "] " : "", text);
	if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0)
		return; /* nowhere left to say it */
}

__attribute__((format(printf, 3, 0))) static void log_writev(
	enum log_level level, const char *tag, const char *format, va_list args)
{
	char raw[LOG_LINE_MAX];
	char text[ESCAPE_ROOM(LOG_LINE_MAX)];
	int saved = errno, n;

	if ((int)level > atomic_load(&current_level))
		return;
	n = vsnprintf(raw, sizeof(raw), format, args);
	if (n >= (int)sizeof(raw))
		memcpy(raw + sizeof(raw) - 4, "...", 4);
	escape_text(raw, strlen(raw), text, sizeof(text));
	if (sink)
		sink(sink_arg, level, tag, text);
	else if (to_journal)
		write_journal(level, tag, text);
	else
		write_stderr(level, tag, text);
	errno = saved;
}

void log_write(enum log_level level, const char *tag, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_writev(level, tag, format, args);
	va_end(args);
}
