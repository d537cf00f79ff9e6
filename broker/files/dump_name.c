/* Task: read and clean the names of dump files. Pure. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/files/dump_name.h"

#define DATE_FORM "dddd-dd-dd-dd:dd:dd"
#define DATE_LENGTH (sizeof(DATE_FORM) - 1)

static bool is_date(const char *text)
{
	const char *form = DATE_FORM;

	for (; *form; form++, text++) {
		if (*form == 'd' ? !isdigit((unsigned char)*text) : *form != *text)
			return false;
	}
	return *text == '\0';
}

int dump_name_parse(const char *file, struct dump_name *out)
{
	size_t len = strlen(file), digits = strspn(file, "0123456789");
	const char *guest = file + digits + 1, *date;
	long id = strtol(file, NULL, 10);

	if (digits == 0 || digits > 10 || file[digits] != '-' || id > INT_MAX)
		return -EINVAL;
	if (len < digits + 1 + 1 + 1 + DATE_LENGTH) /* ID-N-DATE */
		return -EINVAL;
	date = file + len - DATE_LENGTH;
	if (date[-1] != '-' || !is_date(date) || (size_t)(date - 1 - guest) >= sizeof(out->guest))
		return -EINVAL;
	out->id = (int)id;
	snprintf(out->guest, sizeof(out->guest), "%.*s", (int)(date - 1 - guest), guest);
	return 0;
}

/* Of UTF-8; bytes that are none count each. */
static size_t characters(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

bool dump_name_is_of(const char *short_name, const char *name)
{
	size_t len = strlen(short_name);

	if (len == 0 || strncmp(short_name, name, len) != 0)
		return false;
	return name[len] == '\0' || characters(short_name) == DUMP_SHORT_CHARS;
}

void dump_name_safe(const char *file, char out[DUMP_FILE_MAX])
{
	size_t i;

	for (i = 0; file[i] && i < DUMP_FILE_MAX - 1; i++) {
		unsigned char c = (unsigned char)file[i];

		if (c == ':')
			out[i] = '-';
		else if (isalnum(c) || strchr("+-.=@_", c))
			out[i] = (char)c;
		else
			out[i] = '_';
	}
	out[i] = '\0';
	if (out[0] == '.' || strcmp(out, "latest") == 0)
		out[0] = '_';
}
