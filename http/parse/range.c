/* Task: parse a Range field. Pure; bytes of strangers. */
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "http/parse/range.h"

/* Digits from *text on; too large a number counts as the largest. */
static bool read_number(const char **text, uint64_t *out)
{
	size_t digits = strspn(*text, "0123456789"), i;

	*out = 0;
	for (i = 0; i < digits; i++) {
		uint64_t digit = (uint64_t)((*text)[i] - '0');

		*out = *out > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *out * 10 + digit;
	}
	*text += digits;
	return digits > 0;
}

static struct http_range part(uint64_t first, uint64_t length)
{
	return (struct http_range){HTTP_RANGE_PART, first, length};
}

/* "-n": the last n bytes. */
static struct http_range suffix(uint64_t count, uint64_t size)
{
	if (count == 0 || size == 0)
		return (struct http_range){HTTP_RANGE_UNSATISFIABLE, 0, 0};
	if (count > size)
		count = size;
	return part(size - count, count);
}

struct http_range http_range_parse(const char *text, uint64_t size)
{
	const struct http_range all = {HTTP_RANGE_ALL, 0, size};
	uint64_t first, last = UINT64_MAX;
	bool has_first, has_last;

	if (!text || strncasecmp(text, "bytes=", 6) != 0)
		return all;
	text += 6;
	has_first = read_number(&text, &first);
	if (*text++ != '-')
		return all;
	has_last = read_number(&text, &last);
	if (*text || (!has_first && !has_last))
		return all;
	if (!has_first)
		return suffix(last, size);
	if (!has_last)
		last = UINT64_MAX;
	if (last < first)
		return all;
	if (first >= size)
		return (struct http_range){HTTP_RANGE_UNSATISFIABLE, 0, 0};
	if (last >= size)
		last = size - 1;
	return part(first, last - first + 1);
}
