/* Task: read numbers and times of verbs' options. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "broker/verb/text_value.h"
#include "config/values.h"

#define USEC UINT64_C(1000000)
#define WITH_SECONDS 2 /* formats, of those below */
#define SECONDS_MAX ((uint64_t)1 << 40)

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

/* ".123": microseconds. */
static uint64_t parse_fraction(const char **text)
{
	uint64_t unit = USEC, fraction = 0;

	if (**text != '.')
		return 0;
	while (*++*text >= '0' && **text <= '9') {
		unit /= 10;
		fraction += unit * (uint64_t)(**text - '0');
	}
	return fraction;
}

static int parse_date(const char *text, uint64_t *out)
{
	static const char *const formats[] = {
		"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"};
	size_t i;

	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct tm tm = {0};
		const char *rest = strptime(text, formats[i], &tm);
		uint64_t fraction = 0;
		long zone;
		time_t when;

		if (rest && i < WITH_SECONDS)
			fraction = parse_fraction(&rest);
		if (!rest || parse_zone(rest, &zone) < 0)
			continue;
		when = timegm(&tm) - zone;
		if (when < 0)
			return -EINVAL;
		*out = (uint64_t)when * USEC + fraction;
		return 0;
	}
	return -EINVAL;
}

int text_time(const char *text, uint64_t *out)
{
	uint64_t ago, now = (uint64_t)time(NULL) * USEC;

	if (parse_date(text, out) == 0)
		return 0;
	if (*text == '@' && text_number(text + 1, out) == 0 && *out < SECONDS_MAX) {
		*out *= USEC;
		return 0;
	}
	if (value_duration(text, &ago) < 0)
		return -EINVAL;
	*out = ago < now ? now - ago : 0;
	return 0;
}
