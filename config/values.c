/* Text to value and back: numbers, sizes, durations, words, characters. Pure. */
#include "config/values.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/text/escape.h"
#include "core/text/hex.h"

struct unit {
	const char *name;
	uint64_t factor;
};

/* Largest first: the texts use the first that divides without rest. */
static const struct unit size_units[] = {
	{"T", UINT64_C(1) << 40},
	{"G", UINT64_C(1) << 30},
	{"M", UINT64_C(1) << 20},
	{"K", UINT64_C(1) << 10},
	{"", 1},
	{0},
};

#define MSEC UINT64_C(1000)
#define SECOND (1000 * MSEC)
#define HOUR (3600 * SECOND)
static const struct unit duration_units[] = {
	{"d", 24 * HOUR},
	{"h", HOUR},
	{"m", 60 * SECOND},
	{"s", SECOND},
	{"ms", MSEC},
	{0},
};

/* The digits text begins with. *rest is what follows. */
static int read_digits(const char *text, uint64_t *out, const char **rest)
{
	uint64_t value = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
			return -ERANGE;
	}
	if (p == text)
		return -EINVAL;
	*out = value;
	*rest = p;
	return 0;
}

/* Digits and one unit. ASCII letters of the unit are compared by the given function. */
static int read_with_unit(const char *text, const struct unit *units,
	int (*compare)(const char *, const char *), const char *plain, uint64_t *out)
{
	const char *rest;
	uint64_t value;
	int rc = read_digits(text, &value, &rest);

	if (rc < 0)
		return rc;
	if (*rest == '\0')
		rest = plain;
	for (const struct unit *u = units; u->name; u++) {
		if (compare(rest, u->name) != 0)
			continue;
		if (__builtin_mul_overflow(value, u->factor, &value))
			return -ERANGE;
		*out = value;
		return 0;
	}
	return -EINVAL;
}

int value_number(const char *text, uint64_t *out)
{
	const char *rest;
	uint64_t value;
	int rc = read_digits(text, &value, &rest);

	if (rc < 0)
		return rc;
	if (*rest != '\0')
		return -EINVAL;
	*out = value;
	return 0;
}

int value_size(const char *text, uint64_t *out)
{
	return read_with_unit(text, size_units, strcasecmp, "", out);
}

int value_duration(const char *text, uint64_t *us)
{
	return read_with_unit(text, duration_units, strcmp, "s", us);
}

int value_bool(const char *text, bool *out)
{
	if (strcmp(text, "yes") == 0)
		*out = true;
	else if (strcmp(text, "no") == 0)
		*out = false;
	else
		return -EINVAL;
	return 0;
}

int value_word(const char *text, const char *const *words, int *index)
{
	for (int i = 0; words[i]; i++) {
		if (strcmp(text, words[i]) == 0) {
			*index = i;
			return 0;
		}
	}
	return -EINVAL;
}

int value_escape(const char *text, int *out)
{
	int c;

	if (strcmp(text, "none") == 0) {
		*out = VALUE_ESCAPE_NONE;
		return 0;
	}
	if (text[0] != '^' || text[1] == '\0' || text[2] != '\0')
		return -EINVAL;
	c = (unsigned char)text[1];
	if (c >= 'a' && c <= 'z')
		c -= 'a' - 'A';
	if (c != '?' && (c < '@' || c > '_'))
		return -EINVAL;
	c ^= 0x40;
	if (c == '\0' || c == '\n' || c == '\r')
		return -EINVAL;
	*out = c;
	return 0;
}

bool value_is_glob(const char *text)
{
	return strpbrk(text, "*?[") != NULL;
}

static const char *text_with_unit(
	uint64_t value, const struct unit *units, char out[VALUE_NUMBER_TEXT_MAX])
{
	const struct unit *u = units;

	if (value == 0)
		return value_number_text(0, out);
	while (u[1].name && value % u->factor != 0)
		u++;
	snprintf(out, VALUE_NUMBER_TEXT_MAX, "%" PRIu64 "%s", value / u->factor, u->name);
	return out;
}

const char *value_number_text(uint64_t value, char out[VALUE_NUMBER_TEXT_MAX])
{
	snprintf(out, VALUE_NUMBER_TEXT_MAX, "%" PRIu64, value);
	return out;
}

const char *value_size_text(uint64_t value, char out[VALUE_NUMBER_TEXT_MAX])
{
	return text_with_unit(value, size_units, out);
}

const char *value_duration_text(uint64_t us, char out[VALUE_NUMBER_TEXT_MAX])
{
	return text_with_unit(us, duration_units, out);
}

const char *value_escape_text(int escape, char out[VALUE_NUMBER_TEXT_MAX])
{
	if (escape == VALUE_ESCAPE_NONE)
		snprintf(out, VALUE_NUMBER_TEXT_MAX, "none");
	else
		snprintf(out, VALUE_NUMBER_TEXT_MAX, "^%c", escape ^ 0x40);
	return out;
}

int value_decode(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		int high, low;

		if (*from != '%') {
			*to++ = *from;
			continue;
		}
		high = hex_value(from[1]);
		low = high < 0 ? -1 : hex_value(from[2]);
		if (low < 0 || (high == 0 && low == 0))
			return -EINVAL;
		*to++ = (char)(high << 4 | low);
		from += 2;
	}
	*to = '\0';
	return 0;
}

/* Bytes of the character at text that may stand in the file as they are; 0 if it may not. */
static size_t plain_length(const char *text, bool in_list, bool at_end)
{
	char escaped[ESCAPE_ROOM(4)];
	unsigned char c = (unsigned char)*text;
	size_t len = c < 0x80 ? 1 : c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;

	if (strchr("%;#\"'\\", c) || (in_list && c == ','))
		return 0;
	if (c == ' ' || c == '\t')
		return at_end ? 0 : 1;
	if (strnlen(text, len) < len)
		return 0;
	/* The whole character must be one that needs no escape. */
	if (escape_text(text, len, escaped, sizeof(escaped)) != len ||
		memcmp(text, escaped, len) != 0)
		return 0;
	return len;
}

int value_encode(const char *text, bool in_list, char *out, size_t room)
{
	const char *p = text;
	size_t used = 0;

	if (room == 0)
		return -ENOBUFS;
	out[0] = '\0';
	while (*p) {
		size_t len = plain_length(p, in_list, p == text || p[1] == '\0');
		size_t need = len ? len : 3;

		if (used + need + 1 > room)
			return -ENOBUFS;
		if (len)
			memcpy(out + used, p, len);
		else
			snprintf(out + used, room - used, "%%%02X", (unsigned)(unsigned char)*p);
		used += need;
		out[used] = '\0';
		p += len ? len : 1;
	}
	return (int)used;
}
