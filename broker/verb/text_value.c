/* Task: read numbers and times of verbs' options. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "broker/verb/text_value.h"
#include "config/values.h"

#define USEC UINT64_C(1000000)

int text_number(const char *text, uint64_t *out)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*out = strtoull(text, &end, 10);
	return errno || *end ? -EINVAL : 0;
}

/* "", "Z", "+01:00": seconds to take off. */
static int parse_zone(const char *text, long *seconds)
{
	int sign = *text == '-' ? -1 : 1;

	*seconds = 0;
	if (*text == '\0' || strcmp(text, "Z") == 0)
		return 0;
	if ((*text != '+' && *text != '-') || strlen(text) != 6 || text[3] != ':')
		return -EINVAL;
	*seconds = sign * (atol(text + 1) * 3600 + atol(text + 4) * 60);
	return 0;
}

static int parse_date(const char *text, uint64_t *out)
{
	static const char *const formats[] = {
		"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"};
	size_t i;

	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct tm tm = {0};
		const char *rest = strptime(text, formats[i], &tm);
		long zone;
		time_t when;

		if (!rest || parse_zone(rest, &zone) < 0)
			continue;
		when = timegm(&tm) - zone;
		if (when < 0)
			return -EINVAL;
		*out = (uint64_t)when * USEC;
		return 0;
	}
	return -EINVAL;
}

int text_time(const char *text, uint64_t *out)
{
	uint64_t ago, now = (uint64_t)time(NULL) * USEC;

	if (parse_date(text, out) == 0)
		return 0;
	if (value_duration(text, &ago) < 0)
		return -EINVAL;
	*out = ago < now ? now - ago : 0;
	return 0;
}
