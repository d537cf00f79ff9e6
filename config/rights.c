/* The words for rights, both ways. Pure. */
#include "config/rights.h"

#include <stdio.h>
#include <string.h>

/* In the order of their bits. */
static const char *const names[] = {
	"view",
	"type",
	"force",
	"control",
	"log",
	"dump-make",
	"dump-get",
	"dump-delete",
	"admin",
	"forward",
	"power",
	"metrics",
};
#define NAMES (sizeof(names) / sizeof(names[0]))

_Static_assert(RIGHT_ALL == (1u << NAMES) - 1, "every right has a name");

unsigned right_parse(const char *word)
{
	for (size_t i = 0; i < NAMES; i++) {
		if (strcmp(word, names[i]) == 0)
			return 1u << i;
	}
	return 0;
}

const char *right_name(unsigned bit)
{
	for (size_t i = 0; i < NAMES; i++) {
		if (bit == 1u << i)
			return names[i];
	}
	return NULL;
}

const char *rights_text(unsigned rights, char *out, size_t room)
{
	size_t used = 0;

	if (room == 0)
		return out;
	out[0] = '\0';
	if ((rights & RIGHT_ALL) == 0)
		snprintf(out, room, "nothing");
	for (size_t i = 0; i < NAMES && used < room; i++) {
		if (rights & (1u << i))
			used += (size_t)snprintf(
				out + used, room - used, "%s%s", used ? ", " : "", names[i]);
	}
	return out;
}
