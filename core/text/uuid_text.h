/* The text of a guest's UUID: 8-4-4-4-12 hexadecimal digits. */
#ifndef CORE_TEXT_UUID_TEXT_H
#define CORE_TEXT_UUID_TEXT_H

#include <stdbool.h>
#include <string.h>

#define UUID_LENGTH 36
#define UUID_ROOM (UUID_LENGTH + 1)

static inline bool uuid_is(const char *text)
{
	if (strlen(text) != UUID_LENGTH)
		return false;
	for (size_t i = 0; i < UUID_LENGTH; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : !strchr("0123456789abcdefABCDEF", text[i]))
			return false;
	}
	return true;
}

#endif
