/* Task: see utc.h. Pure. */
#include <stdio.h>
#include <time.h>

#include "core/text/utc.h"

const char *utc_text(int64_t seconds, char out[UTC_TEXT])
{
	time_t when = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&when, &tm) || strftime(out, UTC_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(out, UTC_TEXT, "-");
	return out;
}
