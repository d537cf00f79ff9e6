/* Task: tell a person what went wrong. Knows nothing else. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/text/escape.h"
#include "ctl/complain.h"

#define COMPLAINT_MAX 2048 /* bytes before escaping; the rest is cut */

void complain(const char *format, ...)
{
	char raw[COMPLAINT_MAX], line[ESCAPE_ROOM(COMPLAINT_MAX) + 32];
	size_t used = (size_t)snprintf(line, sizeof(line), "vmconsolectl: ");
	va_list args;

	va_start(args, format);
	vsnprintf(raw, sizeof(raw), format, args);
	va_end(args);
	used += escape_text(raw, strlen(raw), line + used, sizeof(line) - used - 1);
	line[used++] = '\n';
	if (write(STDERR_FILENO, line, used) < 0)
		return; /* nowhere left to say it */
}
