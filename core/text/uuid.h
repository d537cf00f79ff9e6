/* A guest's UUID as a value. Text form: RFC 4122 §3, lower case. */
#ifndef CORE_TEXT_UUID_H
#define CORE_TEXT_UUID_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define UUID_TEXT 37 /* terminator included */

struct uuid {
	uint8_t b[16];
};

/* Exactly 36 characters, any case. 0 or -EINVAL. */
int uuid_parse(const char *text, struct uuid *uuid);
void uuid_text(const struct uuid *uuid, char out[UUID_TEXT]);

static inline bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

#endif
