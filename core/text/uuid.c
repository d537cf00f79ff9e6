/*
 * Task: a UUID from text and back. Pure.
 */
#include <errno.h>
#include <stddef.h>

#include "core/text/hex.h"
#include "core/text/uuid.h"

/* A dash stands before these bytes. */
static bool dash_before(size_t byte)
{
	return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

int uuid_parse(const char *text, struct uuid *uuid)
{
	struct uuid u;
	size_t i;

	if (!text || strnlen(text, UUID_TEXT) != UUID_TEXT - 1)
		return -EINVAL;
	for (i = 0; i < sizeof(u.b); i++) {
		int high, low;

		if (dash_before(i) && *text++ != '-')
			return -EINVAL;
		high = hex_value(text[0]);
		low = hex_value(text[1]);
		if (high < 0 || low < 0)
			return -EINVAL;
		u.b[i] = (uint8_t)(high << 4 | low);
		text += 2;
	}
	*uuid = u;
	return 0;
}

void uuid_text(const struct uuid *uuid, char out[UUID_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < sizeof(uuid->b); i++) {
		if (dash_before(i))
			*out++ = '-';
		*out++ = digits[uuid->b[i] >> 4];
		*out++ = digits[uuid->b[i] & 15];
	}
	*out = '\0';
}
