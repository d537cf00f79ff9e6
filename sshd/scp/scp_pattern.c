/* Task: match names with patterns as a shell does. Pure. */
#include <string.h>

#include "sshd/scp/scp_command.h"

static const char *skip_escape(const char *p, const char *end)
{
	return *p == '\\' && end - p > 1 ? p + 1 : p;
}

/* Behind the ']' that ends the set at p; NULL: it has none, and '[' is an ordinary byte. */
static const char *set_end(const char *p, const char *end)
{
	p++;
	if (p < end && (*p == '!' || *p == '^'))
		p++;
	if (p < end && *p == ']')
		p++;
	for (; p < end; p++) {
		if (*p == ']')
			return p + 1;
		p = skip_escape(p, end);
	}
	return NULL;
}

/* p: behind '['; end: at ']'. */
static bool in_set(const char *p, const char *end, unsigned char byte)
{
	bool invert = *p == '!' || *p == '^', found = false;

	p += invert;
	while (p < end) {
		unsigned char from, to;

		p = skip_escape(p, end);
		from = to = (unsigned char)*p++;
		if (end - p > 1 && *p == '-') {
			p = skip_escape(p + 1, end);
			to = (unsigned char)*p++;
		}
		if (byte >= from && byte <= to)
			found = true;
	}
	return found != invert;
}

/* Behind what stands for one byte, if it stands for this one; else NULL. */
static const char *match_byte(const char *p, const char *end, unsigned char byte)
{
	const char *behind;

	if (*p == '?')
		return p + 1;
	if (*p == '[' && (behind = set_end(p, end)))
		return in_set(p + 1, behind - 1, byte) ? behind : NULL;
	p = skip_escape(p, end);
	return (unsigned char)*p == byte ? p + 1 : NULL;
}

bool scp_pattern_match(const char *pattern, size_t len, const char *name)
{
	const char *p = pattern, *end = pattern + len, *star = NULL, *tried = NULL;

	if (len > SCP_PATTERN_MAX || (*name == '.' && (len == 0 || *p != '.')))
		return false;
	while (*name) {
		const char *next;

		if (p < end && *p == '*') {
			star = ++p;
			tried = name;
		} else if (p < end && (next = match_byte(p, end, (unsigned char)*name))) {
			p = next;
			name++;
		} else if (star) {
			p = star;
			name = ++tried;
		} else {
			return false;
		}
	}
	while (p < end && *p == '*')
		p++;
	return p == end;
}

bool scp_pattern_wild(const char *pattern, size_t len)
{
	const char *p, *end = pattern + len;
	bool closed = true; /* once a '[' has no ']', those behind it have none */

	for (p = pattern; p < end; p++) {
		if (*p == '*' || *p == '?')
			return true;
		if (*p == '[' && closed && (closed = set_end(p, end) != NULL))
			return true;
		p = skip_escape(p, end);
	}
	return false;
}

size_t scp_pattern_plain(const char *pattern, size_t len, char *out)
{
	const char *p, *end = pattern + len;
	char *begin = out;

	for (p = pattern; p < end; p++) {
		p = skip_escape(p, end);
		*out++ = *p;
	}
	*out = '\0';
	return (size_t)(out - begin);
}
