/* Task: see head.h. Pure; bytes of strangers. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "http/parse/head.h"

bool http_is_token(unsigned char c)
{
	return c > ' ' && c < 0x7f && !strchr("\"(),/:;<=>?@[\\]{}", c);
}

bool http_is_value(unsigned char c)
{
	return (c >= ' ' && c != 0x7f) || c == '\t';
}

char *http_next_line(struct http_cursor *c, size_t *len)
{
	char *line = c->at;
	char *cr = memchr(line, '\r', (size_t)(c->end - line));

	if (!cr || cr + 1 == c->end || cr[1] != '\n')
		return NULL;
	*len = (size_t)(cr - line);
	if (memchr(line, '\n', *len) || memchr(line, '\0', *len))
		return NULL;
	*cr = '\0';
	c->at = cr + 2;
	return line;
}

int http_parse_field(struct http_field *out, char *line, size_t len)
{
	char *colon = memchr(line, ':', len), *value, *end = line + len;
	const char *c;

	if (!colon || colon == line)
		return -EINVAL;
	for (c = line; c < colon; c++) {
		if (!http_is_token((unsigned char)*c))
			return -EINVAL; /* also obs-fold, and a blank before the colon */
	}
	for (c = colon + 1; c < end; c++) {
		if (!http_is_value((unsigned char)*c))
			return -EINVAL;
	}
	*colon = '\0';
	for (value = colon + 1; *value == ' '; value++)
		;
	while (end > value && end[-1] == ' ')
		*--end = '\0';
	if (*value == '\t' || (end > value && end[-1] == '\t'))
		return -EINVAL; /* parsers disagree on whether "5" HTAB is a length */
	*out = (struct http_field){line, value};
	return 0;
}

/* Whether a list of tokens (RFC 9110 §5.6.1) has one. */
static bool has_token(const char *list, const char *token)
{
	size_t len = strlen(token);

	while (*list) {
		size_t item;

		list += strspn(list, " \t,");
		item = strcspn(list, " \t,");
		if (item == len && strncasecmp(list, token, len) == 0)
			return true;
		list += item;
	}
	return false;
}

bool http_connection_has(const struct http_field *fields, size_t count, const char *token)
{
	for (size_t i = 0; i < count; i++) {
		if (strcasecmp(fields[i].name, "Connection") == 0 &&
			has_token(fields[i].value, token))
			return true;
	}
	return false;
}

bool http_is_hop_by_hop(const struct http_field *fields, size_t count, const char *name)
{
	static const char *const names[] = {"Connection", "Keep-Alive", "Proxy-Connection",
		"Proxy-Authenticate", "Proxy-Authorization", "TE", "Trailer", "Transfer-Encoding",
		"Upgrade", "HTTP2-Settings"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcasecmp(names[i], name) == 0)
			return true;
	}
	return http_connection_has(fields, count, name);
}
