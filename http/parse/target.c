/* Task: cut and decode a request's target. Pure; bytes of strangers. */
#include <errno.h>
#include <string.h>

#include "http/parse/target.h"

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* In place. A '+' of a query is a blank (the urlencoded form). */
static int decode(char *text, bool is_query)
{
	char *out = text;

	for (; *text; text++) {
		int high, low;

		if (*text != '%') {
			*out = *text;
			if (is_query && *text == '+')
				*out = ' ';
			out++;
			continue;
		}
		high = hex_value(text[1]);
		low = high < 0 ? -1 : hex_value(text[2]);
		if (low < 0 || (high == 0 && low == 0))
			return -EINVAL;
		*out++ = (char)(unsigned char)(high << 4 | low);
		text += 2;
	}
	*out = '\0';
	return 0;
}

static int add_segment(struct http_target *t, char *segment)
{
	if (decode(segment, false) < 0 || strcmp(segment, ".") == 0 || strcmp(segment, "..") == 0)
		return -EINVAL;
	if (t->segment_count == HTTP_SEGMENTS_MAX)
		return -E2BIG;
	t->segments[t->segment_count++] = segment;
	return 0;
}

static int add_parameter(struct http_target *t, char *name)
{
	char *equals = strchr(name, '='), *value = name + strlen(name);

	if (!*name)
		return 0; /* "a=1&&b=2" */
	if (equals) {
		*equals = '\0';
		value = equals + 1;
	}
	if (decode(name, true) < 0 || decode(value, true) < 0)
		return -EINVAL;
	if (t->parameter_count == HTTP_PARAMETERS_MAX)
		return -E2BIG;
	t->parameters[t->parameter_count++] = (struct http_parameter){name, value};
	return 0;
}

/* Calls add for every part of text between separators: also those behind one too many, which may be
 * malformed. */
static int cut(struct http_target *t, char *text, char separator,
	int (*add)(struct http_target *t, char *part))
{
	char *end;
	int r, all = 0;

	do {
		end = strchr(text, separator);
		if (end)
			*end = '\0';
		r = add(t, text);
		if (r < 0)
			all = r;
		if (end)
			text = end + 1;
	} while (end && r != -EINVAL);
	return all;
}

int http_target_parse(struct http_target *t, const char *target)
{
	size_t len = strlen(target);
	char *query;
	int r, q;

	memset(t, 0, offsetof(struct http_target, text));
	if (len > HTTP_TARGET_MAX || *target != '/')
		return -EINVAL;
	memcpy(t->text, target, len + 1);
	query = strchr(t->text, '?');
	if (query)
		*query++ = '\0';
	r = cut(t, t->text + 1, '/', add_segment);
	if (r == -EINVAL || !query)
		return r;
	q = cut(t, query, '&', add_parameter);
	return q ? q : r;
}

const char *http_target_parameter(const struct http_target *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->parameter_count; i++) {
		if (strcmp(t->parameters[i].name, name) == 0)
			return t->parameters[i].value;
	}
	return NULL;
}
