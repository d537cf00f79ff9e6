/* Task: read and clean the names of dump files. Pure. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "broker/files/dump_name.h"

#define DATE_FORM "dddd-dd-dd-dd:dd:dd"
#define MADE_FORM "dddd-dd-dd-dd-dd-dd"
#define DATE_LENGTH (sizeof(DATE_FORM) - 1)
#define UUID_LENGTH ((size_t)36)

/* Whether the text begins with what the form says; d is a digit. */
static bool has_form(const char *text, const char *form)
{
	for (; *form; form++, text++) {
		if (*form == 'd' ? !isdigit((unsigned char)*text) : *form != *text)
			return false;
	}
	return true;
}

static bool is_date(const char *text)
{
	return has_form(text, DATE_FORM) && text[DATE_LENGTH] == '\0';
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

void dump_name_make(const char *guest, const struct uuid *uuid, int64_t when, const char *kind,
	char out[DUMP_FILE_MAX])
{
	char name[DUMP_FILE_MAX], id[UUID_TEXT], date[32] = "";
	time_t seconds = (time_t)when;
	struct tm tm;

	dump_name_safe(guest, name);
	uuid_text(uuid, id);
	if (gmtime_r(&seconds, &tm))
		(void)strftime(date, sizeof(date), "%Y-%m-%d-%H-%M-%S", &tm);
	snprintf(out, DUMP_FILE_MAX, "%.*s-%s-%s.%s", DUMP_SHORT_CHARS, name, id, date, kind);
}

int dump_name_made(const char *file, struct uuid *uuid)
{
	const char *dot = strrchr(file, '.'), *id;
	char text[UUID_LENGTH + 1];

	if (!dot || (size_t)(dot - file) < 1 + 1 + UUID_LENGTH + 1 + DATE_LENGTH)
		return -EINVAL;
	if (strcmp(dot, ".elf") != 0 && strcmp(dot, ".kdump") != 0 && strcmp(dot, ".dmp") != 0)
		return -EINVAL;
	id = dot - DATE_LENGTH - 1 - UUID_LENGTH;
	if (id[-1] != '-' || id[UUID_LENGTH] != '-' || !has_form(dot - DATE_LENGTH, MADE_FORM))
		return -EINVAL;
	snprintf(text, sizeof(text), "%.*s", (int)UUID_LENGTH, id);
	return uuid_parse(text, uuid);
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
