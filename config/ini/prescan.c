/*
 * The pure scan of a configuration file that runs before iniparser. Owns its copy of the text;
 * may not know which sections and keys exist.
 */
#include "config/ini/prescan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/text/escape.h"

#define KIND_BYTES "abcdefghijklmnopqrstuvwxyz0123456789_"
#define NAME_BYTES "abcdefghijklmnopqrstuvwxyz0123456789._-"
#define BLANKS " \t"
#define ENTRIES_FIRST 32 /* room the array of entries begins with */

struct scan {
	struct prescan *out;
	size_t room;         /* of out->entries */
	const char *section; /* the one we are in, NULL before the first */
	size_t section_from; /* index of its header */
	unsigned line;
	bool failed;
	prescan_error_fn error;
	void *arg;
};

__attribute__((format(printf, 2, 3))) static void refuse(struct scan *s, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	s->failed = true;
	s->error(s->arg, s->line, text);
}

static char *trim(char *text)
{
	size_t len;

	text += strspn(text, BLANKS);
	len = strlen(text);
	while (len > 0 && strchr(BLANKS, text[len - 1]))
		text[--len] = '\0';
	return text;
}

static int add_entry(struct scan *s, const char *key, const char *value)
{
	struct prescan *out = s->out;

	if (out->count == PRESCAN_ENTRIES_MAX) {
		refuse(s, "too many sections and keys in one file");
		return -E2BIG;
	}
	if (out->count == s->room) {
		size_t room = s->room ? 2 * s->room : ENTRIES_FIRST;
		void *grown = reallocarray(out->entries, room, sizeof(*out->entries));

		if (!grown)
			return -ENOMEM;
		out->entries = grown;
		s->room = room;
	}
	out->entries[out->count++] = (struct prescan_entry){s->section, key, value, s->line};
	return 0;
}

/*
 * A whole line must be text a person can see. escape_text changes exactly what is not, and every
 * backslash, which is looked at elsewhere.
 */
static bool is_printable(struct scan *s, const char *line, size_t len)
{
	char plain[PRESCAN_LINE_MAX + 1] = "", escaped[ESCAPE_ROOM(PRESCAN_LINE_MAX)] = "";
	size_t i = 0;

	if (len == 0)
		return true;
	memcpy(plain, line, len);
	for (size_t k = 0; k < len; k++) {
		if (plain[k] == '\\' || plain[k] == '\t')
			plain[k] = ' ';
	}
	if (line[len - 1] == '\r') {
		refuse(s,
			"the line ends in a carriage return: save the file with Unix line endings");
		return false;
	}
	if (escape_text(plain, len, escaped, sizeof(escaped)) == len &&
		memcmp(plain, escaped, len) == 0)
		return true;
	while (i + 1 < len && plain[i] == escaped[i])
		i++;
	refuse(s, "byte 0x%02X in column %zu is not printable UTF-8 text%s; in a value, write %%XX",
		(unsigned)(uint8_t)line[i], i + 1,
		s->line == 1 && len >= 3 && memcmp(line, "\xEF\xBB\xBF", 3) == 0
			? " (a byte order mark)"
			: "");
	return false;
}

/* KIND, or KIND and NAME with one blank between. */
static bool is_section_name(const char *name)
{
	size_t kind = strspn(name, KIND_BYTES);

	if (kind == 0)
		return false;
	if (name[kind] == '\0')
		return true;
	if (name[kind] != ' ' || name[kind + 1] == '\0')
		return false;
	return name[kind + 1 + strspn(name + kind + 1, NAME_BYTES)] == '\0';
}

/* Whether what stands between the brackets may open a section here. */
static bool may_open(struct scan *s, const char *name)
{
	if (strlen(name) > PRESCAN_NAME_MAX) {
		refuse(s, "the name of the section is too long");
		return false;
	}
	if (!is_section_name(name)) {
		refuse(s,
			"invalid section \"[%s]\": write [KIND] or [KIND NAME], in the "
			"characters a-z 0-9 . _ - with one blank between",
			name);
		return false;
	}
	for (size_t i = 0; i < s->out->count; i++) {
		const struct prescan_entry *e = &s->out->entries[i];

		if (!e->key && strcmp(e->section, name) == 0) {
			refuse(s, "duplicate section [%s]: line %u of this file begins it already",
				name, e->line);
			return false;
		}
	}
	return true;
}

/* A refused header opens a section all the same, without a name: its keys belong nowhere, and
 * that is told once. */
static int scan_section(struct scan *s, char *line)
{
	size_t len = strlen(line);

	s->section = "";
	if (line[len - 1] != ']') {
		refuse(s, "a section is [NAME], alone on its line");
	} else {
		line[len - 1] = '\0';
		if (may_open(s, line + 1))
			s->section = line + 1;
	}
	s->section_from = s->out->count;
	return add_entry(s, NULL, NULL);
}

static bool is_value(struct scan *s, const char *value)
{
	size_t at = strcspn(value, ";#\"'\\");

	if (value[at] == '\0')
		return true;
	refuse(s, "a value cannot hold %c as it is: write %%%02X%s", value[at], (unsigned)value[at],
		value[at] == '#' || value[at] == ';' ? " (a comment has a line of its own)"
		: value[at] == '\\'                  ? " (lines cannot be continued)"
						     : " (values are not quoted)");
	return false;
}

static int scan_entry(struct scan *s, char *line)
{
	char *equals = strchr(line, '='), *key, *value;

	if (!equals) {
		refuse(s, "not a [section], a \"key = value\" or a # comment");
		return 0;
	}
	*equals = '\0';
	key = trim(line);
	value = trim(equals + 1);
	if (key[0] == '\0' || key[strspn(key, KIND_BYTES)] != '\0' ||
		strlen(key) > PRESCAN_NAME_MAX) {
		refuse(s, "invalid key \"%.64s\": the characters are a-z 0-9 _, in lower case",
			key);
		return 0;
	}
	if (!is_value(s, value))
		return 0;
	if (!s->section) {
		refuse(s, "the key %.64s is not in any [section]", key);
		return 0;
	}
	for (size_t i = s->section_from; i < s->out->count; i++) {
		const struct prescan_entry *e = &s->out->entries[i];

		if (e->key && strcmp(e->key, key) == 0) {
			refuse(s, "duplicate key %.64s: line %u sets it already", key, e->line);
			return 0;
		}
	}
	return add_entry(s, key, value);
}

/* line[len] is writable: a NUL is put there. */
static int scan_line(struct scan *s, char *line, size_t len)
{
	if (len > PRESCAN_LINE_MAX) {
		refuse(s, "the line is longer than %d bytes", PRESCAN_LINE_MAX);
		return 0;
	}
	if (!is_printable(s, line, len))
		return 0;
	line[len] = '\0';
	line = trim(line);
	len = strlen(line);
	if (len == 0)
		return 0;
	if (line[0] == '#' || line[0] == ';') {
		if (line[len - 1] == '\\')
			refuse(s, "a comment cannot end in a backslash: the next line would be "
				  "part of it");
		return 0;
	}
	return line[0] == '[' ? scan_section(s, line) : scan_entry(s, line);
}

int prescan(const char *data, size_t len, struct prescan *out, prescan_error_fn error, void *arg)
{
	struct scan s = {.out = out, .error = error, .arg = arg};
	char *at, *end;

	*out = (struct prescan){0};
	out->text = malloc(len + 1);
	if (!out->text)
		return -ENOMEM;
	if (len > 0)
		memcpy(out->text, data, len);
	at = out->text;
	end = at + len;
	while (at < end) {
		char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t line_len = (size_t)((newline ? newline : end) - at);
		int rc;

		s.line++;
		rc = scan_line(&s, at, line_len);
		if (rc == -ENOMEM)
			return rc;
		if (rc < 0)
			break;
		at += line_len + 1;
	}
	return s.failed ? -EINVAL : 0;
}

void prescan_finish(struct prescan *p)
{
	free(p->entries);
	free(p->text);
	*p = (struct prescan){0};
}
