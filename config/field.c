/*
 * The types of the key table: one row of functions for each, working on one field of a section's
 * struct. Owns nothing; the struct owns what its fields point to.
 */
#include "config/field.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/keys.h"
#include "config/ini/nearest.h"

/* Parses into a field that holds nothing yet. */
typedef int (*parse_fn)(const struct key *key, const char *text, void *field, char *why);
typedef char *(*text_fn)(const struct key *key, const void *field, const char *separator);
typedef void (*finish_fn)(void *field);

struct type {
	size_t size; /* of the field */
	parse_fn parse;
	text_fn text;
	finish_fn finish; /* NULL: nothing to free */
};

/* Writes the reason; returns -EINVAL, so that a parser can end with it. */
__attribute__((format(printf, 2, 3))) static int refuse(char *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, FIELD_WHY_MAX, format, args);
	va_end(args);
	return -EINVAL;
}

/* ---- numbers ------------------------------------------------------------------------------ */

static const char *number_text(enum key_type type, uint64_t value, char *out)
{
	if (type == KEY_SIZE)
		return value_size_text(value, out);
	if (type == KEY_DURATION)
		return value_duration_text(value, out);
	return value_number_text(value, out);
}

static int parse_number(const struct key *key, const char *text, void *field, char *why)
{
	char low[VALUE_NUMBER_TEXT_MAX], high[VALUE_NUMBER_TEXT_MAX];
	uint64_t value = 0, max = key->max ? key->max : UINT64_MAX;
	int rc;

	if (key->type == KEY_SIZE)
		rc = value_size(text, &value);
	else if (key->type == KEY_DURATION)
		rc = value_duration(text, &value);
	else
		rc = value_number(text, &value);
	if (rc == -EINVAL)
		return refuse(why, "invalid %s \"%.64s\"%s",
			key->type == KEY_SIZE       ? "size"
			: key->type == KEY_DURATION ? "duration"
						    : "number",
			text,
			key->type == KEY_SIZE       ? ": write bytes, 64K, 1M or 1G"
			: key->type == KEY_DURATION ? ": write 250ms, 30s, 5m, 1h, 2d or seconds"
						    : "");
	if (rc == -ERANGE || value < key->min || value > max)
		return refuse(why, "%.64s is out of range: %s to %s", text,
			number_text(key->type, key->min, low), number_text(key->type, max, high));
	*(uint64_t *)field = value;
	return 0;
}

static char *text_number(const struct key *key, const void *field, const char *separator)
{
	char text[VALUE_NUMBER_TEXT_MAX];

	return strdup(number_text(key->type, *(const uint64_t *)field, text));
}

/* ---- words and characters ----------------------------------------------------------------- */

static int parse_bool(const struct key *key, const char *text, void *field, char *why)
{
	if (value_bool(text, field) < 0)
		return refuse(why, "invalid value \"%.64s\": write yes or no", text);
	return 0;
}

static char *text_bool(const struct key *key, const void *field, const char *separator)
{
	return strdup(*(const bool *)field ? "yes" : "no");
}

static int parse_word(const struct key *key, const char *text, void *field, char *why)
{
	size_t used;

	if (value_word(text, key->words, field) == 0)
		return 0;
	refuse(why, "invalid value \"%.64s\": write one of", text);
	for (size_t i = 0; key->words[i]; i++) {
		used = strlen(why);
		snprintf(why + used, FIELD_WHY_MAX - used, "%s %s", i ? "," : "", key->words[i]);
	}
	return -EINVAL;
}

static char *text_word(const struct key *key, const void *field, const char *separator)
{
	return strdup(key->words[*(const int *)field]);
}

static int parse_escape(const struct key *key, const char *text, void *field, char *why)
{
	char plain[sizeof("%5C%5C%5C")];

	if (strlen(text) < sizeof(plain)) {
		memcpy(plain, text, strlen(text) + 1);
		if (value_decode(plain) == 0 && value_escape(plain, field) == 0)
			return 0;
	}
	return refuse(why,
		"invalid escape character \"%.64s\": write ^] or another of ^A to ^_, "
		"but not ^J or ^M; or none",
		text);
}

static char *text_escape(const struct key *key, const void *field, const char *separator)
{
	char plain[VALUE_NUMBER_TEXT_MAX], text[VALUE_ENCODE_ROOM(sizeof(plain))];

	value_escape_text(*(const int *)field, plain);
	if (value_encode(plain, false, text, sizeof(text)) < 0)
		return NULL;
	return strdup(text);
}

/* ---- texts -------------------------------------------------------------------------------- */

static int check_path(const char *path, bool globs, char *why)
{
	if (path[0] != '/')
		return refuse(why, "\"%.100s\" is not an absolute path", path);
	if (!globs && value_is_glob(path))
		return refuse(why, "\"%.100s\": a pattern (* ? [) is not possible here", path);
	return 0;
}

static int check_uri(const char *uri, char *why)
{
	size_t scheme = strspn(uri, "abcdefghijklmnopqrstuvwxyz0123456789+.-");

	if (scheme == 0 || strncmp(uri + scheme, "://", 3) != 0 || strpbrk(uri, " \t"))
		return refuse(
			why, "invalid libvirt URI \"%.100s\": write it as qemu:///system", uri);
	return 0;
}

static void drop_trailing_slashes(char *path)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
}

static int check_text(const struct key *key, char *text, char *why)
{
	uint64_t max = key->type == KEY_PATH ? KEY_PATH_MAX : KEY_TEXT_MAX;
	size_t len;

	if (key->type != KEY_URI && value_decode(text) < 0)
		return refuse(why, "%% must be followed by two hex digits, not 00; write %%25 "
				   "for the character itself");
	len = strlen(text);
	if (key->max)
		max = key->max;
	if (len < key->min)
		return refuse(why, "is empty");
	if (len > max)
		return refuse(why, "is longer than %zu bytes", (size_t)max);
	if (key->type == KEY_URI)
		return check_uri(text, why);
	if (key->type == KEY_PATH) {
		drop_trailing_slashes(text);
		/* Empty stands for "none", where that is the default. */
		if (len == 0 && key->def && key->def[0] == '\0')
			return 0;
		return check_path(text, false, why);
	}
	return 0;
}

static int parse_text(const struct key *key, const char *text, void *field, char *why)
{
	char *copy = strdup(text);
	int rc;

	if (!copy)
		return -ENOMEM;
	rc = check_text(key, copy, why);
	if (rc < 0) {
		free(copy);
		return rc;
	}
	*(char **)field = copy;
	return 0;
}

static char *text_text(const struct key *key, const void *field, const char *separator)
{
	const char *value = *(char *const *)field;
	size_t room;
	char *text;

	if (!value)
		value = "";
	if (key->type == KEY_URI)
		return strdup(value);
	room = VALUE_ENCODE_ROOM(strlen(value));
	text = malloc(room);
	if (text && value_encode(value, false, text, room) < 0) {
		free(text);
		return NULL;
	}
	return text;
}

static void finish_text(void *field)
{
	free(*(char **)field);
}

/* ---- lists -------------------------------------------------------------------------------- */

/* KIND:PATTERN of a known kind, or "ticket". */
static int check_who(const char *item, char *why)
{
	char kind[NEAREST_WORD_MAX] = "";
	size_t len = strcspn(item, ":");
	struct nearest n = {.word = kind};

	if (strcmp(item, "ticket") == 0)
		return 0;
	if (len < sizeof(kind)) {
		memcpy(kind, item, len);
		kind[len] = '\0';
	}
	for (size_t i = 0; config_who_kinds[i]; i++) {
		if (strcmp(kind, config_who_kinds[i]) == 0) {
			if (item[len] == ':' && item[len + 1] != '\0')
				return 0;
			return refuse(
				why, "missing value in \"%.64s\": write %s:PATTERN", item, kind);
		}
		nearest_offer(&n, config_who_kinds[i]);
	}
	if (n.best)
		return refuse(why, "unknown kind in \"%.64s\"; did you mean %s:?", item, n.best);
	return refuse(
		why, "invalid item \"%.64s\": write KIND:PATTERN, such as key:SHA256:*", item);
}

static int check_item(const struct key *key, const char *item, char *why)
{
	if (key->type == KEY_PATHS)
		return check_path(item, true, why);
	if (key->type == KEY_WHO)
		return check_who(item, why);
	return 0;
}

/* Splits; the reasons are those of every kind of list. */
static int split(const struct key *key, const char *text, struct config_list *list, char *why)
{
	size_t bad, max = key->max ? key->max : CONFIG_LIST_MAX;
	int rc = config_list_parse(text, list, &bad);

	if (rc == -EINVAL)
		return refuse(why, "item %zu is empty, or has a %% without two hex digits", bad);
	if (rc < 0 && rc != -E2BIG)
		return rc;
	if (rc == -E2BIG || list->count > max) {
		if (rc == 0)
			config_list_finish(list);
		return refuse(why, "the list has more than %zu items", max);
	}
	if (list->count < key->min) {
		config_list_finish(list);
		return refuse(why, "is empty");
	}
	return 0;
}

static int parse_list(const struct key *key, const char *text, void *field, char *why)
{
	struct config_list list;
	int rc = split(key, text, &list, why);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < list.count && rc == 0; i++)
		rc = check_item(key, list.items[i], why);
	if (rc < 0) {
		config_list_finish(&list);
		return rc;
	}
	*(struct config_list *)field = list;
	return 0;
}

static char *text_list(const struct key *key, const void *field, const char *separator)
{
	return config_list_text(field, separator);
}

static void finish_list(void *field)
{
	config_list_finish(field);
}

static int refuse_right(const char *word, char *why)
{
	struct nearest n = {.word = word};

	for (unsigned bit = 1; bit & RIGHT_ALL; bit <<= 1)
		nearest_offer(&n, right_name(bit));
	return refuse(why, "invalid right \"%.64s\"%s%s%s", word, n.best ? "; did you mean " : "",
		n.best ? n.best : "", n.best ? "?" : "");
}

static int parse_rights(const struct key *key, const char *text, void *field, char *why)
{
	struct config_list list;
	unsigned rights = 0;
	int rc = split(key, text, &list, why);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < list.count && rc == 0; i++) {
		unsigned bit = right_parse(list.items[i]);

		rights |= bit;
		if (bit == 0)
			rc = refuse_right(list.items[i], why);
	}
	config_list_finish(&list);
	if (rc == 0)
		*(unsigned *)field = rights;
	return rc;
}

static char *text_rights(const struct key *key, const void *field, const char *separator)
{
	unsigned rights = *(const unsigned *)field;
	char text[RIGHTS_TEXT_MAX];

	return strdup(rights ? rights_text(rights, text, sizeof(text)) : "");
}

static int parse_addresses(const struct key *key, const char *text, void *field, char *why)
{
	struct config_addresses addresses = {0};
	struct config_list list;
	int rc = split(key, text, &list, why);

	if (rc < 0)
		return rc;
	if (list.count > CONFIG_LISTEN_MAX)
		rc = refuse(why, "the list has more than %d addresses", CONFIG_LISTEN_MAX);
	if (rc == 0 && list.count > 0) {
		addresses.items = calloc(list.count, sizeof(*addresses.items));
		rc = addresses.items ? 0 : -ENOMEM;
	}
	for (size_t i = 0; i < list.count && rc == 0; i++) {
		if (config_address_parse(list.items[i], &addresses.items[i]) < 0)
			rc = refuse(why,
				"invalid address \"%.64s\": write 192.0.2.1:2222, "
				"[2001:db8::1]:2222 or *:2222",
				list.items[i]);
	}
	addresses.count = list.count;
	config_list_finish(&list);
	if (rc < 0)
		free(addresses.items);
	else
		*(struct config_addresses *)field = addresses;
	return rc;
}

static char *text_addresses(const struct key *key, const void *field, const char *separator)
{
	const struct config_addresses *addresses = field;
	size_t room = 1 + addresses->count * (CONFIG_ADDRESS_TEXT_MAX + strlen(separator));
	char *text = calloc(1, room);

	for (size_t i = 0; text && i < addresses->count; i++) {
		size_t used = strlen(text);

		snprintf(text + used, room - used, "%s%s", i ? separator : "",
			addresses->items[i].text);
	}
	return text;
}

static void finish_addresses(void *field)
{
	free(((struct config_addresses *)field)->items);
}

/* ---- the types ---------------------------------------------------------------------------- */

static const struct type types[] = {
	[KEY_BOOL] = {sizeof(bool), parse_bool, text_bool, NULL},
	[KEY_NUMBER] = {sizeof(uint64_t), parse_number, text_number, NULL},
	[KEY_SIZE] = {sizeof(uint64_t), parse_number, text_number, NULL},
	[KEY_DURATION] = {sizeof(uint64_t), parse_number, text_number, NULL},
	[KEY_WORD] = {sizeof(int), parse_word, text_word, NULL},
	[KEY_ESCAPE] = {sizeof(int), parse_escape, text_escape, NULL},
	[KEY_TEXT] = {sizeof(char *), parse_text, text_text, finish_text},
	[KEY_PATH] = {sizeof(char *), parse_text, text_text, finish_text},
	[KEY_URI] = {sizeof(char *), parse_text, text_text, finish_text},
	[KEY_LIST] = {sizeof(struct config_list), parse_list, text_list, finish_list},
	[KEY_PATHS] = {sizeof(struct config_list), parse_list, text_list, finish_list},
	[KEY_WHO] = {sizeof(struct config_list), parse_list, text_list, finish_list},
	[KEY_RIGHTS] = {sizeof(unsigned), parse_rights, text_rights, NULL},
	[KEY_ADDRESSES] = {sizeof(struct config_addresses), parse_addresses, text_addresses,
		finish_addresses},
};

/* Room for any field, aligned for all. */
union any_field {
	uint64_t number;
	char *text;
	struct config_list list;
	struct config_addresses addresses;
};

int field_set(const struct key *key, void *base, const char *text, char why[FIELD_WHY_MAX])
{
	union any_field value = {0};
	int rc = types[key->type].parse(key, text, &value, why);

	if (rc < 0)
		return rc;
	field_finish(key, base);
	memcpy((char *)base + key->offset, &value, types[key->type].size);
	return 0;
}

char *field_text(const struct key *key, const void *base, const char *separator)
{
	return types[key->type].text(key, (const char *)base + key->offset, separator);
}

bool field_equal(const struct key *key, const void *a, const void *b)
{
	char *text_a = field_text(key, a, ","), *text_b = field_text(key, b, ",");
	bool equal = text_a && text_b && strcmp(text_a, text_b) == 0;

	free(text_a);
	free(text_b);
	return equal;
}

void field_finish(const struct key *key, void *base)
{
	void *field = (char *)base + key->offset;

	if (types[key->type].finish)
		types[key->type].finish(field);
	memset(field, 0, types[key->type].size);
}
