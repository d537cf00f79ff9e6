/*
 * Patterns on names.
 * Task: match, bytewise, whatever the locale; fnmatch(3) takes exponential time on hostile
 * patterns and refuses bytes that are no characters. Owner: nobody, pure. May not know rules.
 */
#include "core/text/glob.h"

#include <errno.h>
#include <string.h>

bool glob_is_pattern(const char *text)
{
	return strpbrk(text, "*?[") != NULL;
}

/* One byte or a-z of a set, at p. Returns what is behind it. */
static const char *read_range(const char *p, unsigned char *low, unsigned char *high)
{
	*low = *high = (unsigned char)*p;
	if (p[1] == '-' && p[2] != ']' && p[2] != 0) {
		*high = (unsigned char)p[2];
		p += 2;
	}
	return p + 1;
}

/*
 * p stands behind '['. Returns behind the closing ']' and tells whether c is in the set, or NULL
 * when the set is never closed.
 */
static const char *match_set(const char *p, unsigned char c, bool *in)
{
	bool negated = *p == '!' || *p == '^';
	bool found = false;
	const char *first = p + negated;

	p = first;
	while (*p != ']' || p == first) {
		unsigned char low, high;

		if (*p == 0)
			return NULL;
		p = read_range(p, &low, &high);
		found = found || (low <= c && c <= high);
	}
	*in = found != negated;
	return p + 1;
}

/* Matches one byte; returns the rest of the pattern or NULL. */
static const char *match_one(const char *p, unsigned char c)
{
	bool in;

	if (*p == '[') {
		const char *rest = match_set(p + 1, c, &in);

		if (rest)
			return in ? rest : NULL;
	}
	return *p == '?' || (unsigned char)*p == c ? p + 1 : NULL;
}

bool glob_match(const char *pattern, const char *text)
{
	const char *star = NULL;  /* behind the last '*' */
	const char *retry = NULL; /* what that '*' may still swallow */

	while (*text != 0) {
		const char *rest = NULL;

		if (*pattern == '*') {
			star = ++pattern;
			retry = text;
			continue;
		}
		if (*pattern != 0)
			rest = match_one(pattern, (unsigned char)*text);
		if (rest) {
			pattern = rest;
			text++;
		} else if (star) {
			pattern = star;
			text = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == 0;
}

/* p stands behind '['. Returns behind the closing ']', or NULL with the reason. */
static const char *check_set(const char *p, const char **why)
{
	const char *first = p + (*p == '!' || *p == '^');

	p = first;
	while (*p != ']' || p == first) {
		unsigned char low, high;

		if (*p == 0) {
			*why = "a [ is never closed: write [[] for the character itself";
			return NULL;
		}
		p = read_range(p, &low, &high);
		if (low > high) {
			*why = "a range between [ and ] ends before it begins";
			return NULL;
		}
	}
	return p + 1;
}

int glob_check(const char *pattern, const char **why)
{
	while (*pattern != 0) {
		if (*pattern++ != '[')
			continue;
		pattern = check_set(pattern, why);
		if (!pattern)
			return -EINVAL;
	}
	return 0;
}

/* Marks in to where the pattern may stand after one byte of set, when it stood at at. */
static void step(const char *pattern, size_t at, const char *set, bool *to)
{
	for (; pattern[at] == '*'; at++)
		to[at] = true;
	for (; pattern[at] != 0 && *set != 0; set++) {
		const char *rest = match_one(pattern + at, (unsigned char)*set);

		if (rest)
			to[rest - pattern] = true;
	}
}

bool glob_may_match(const char *pattern, const char *const *sets, size_t count)
{
	size_t room = strlen(pattern) + 1;
	bool rows[2][GLOB_SHAPE_MAX + 1] = {{true}};
	bool *from = rows[0];
	bool *to = rows[1];

	if (room > GLOB_SHAPE_MAX + 1)
		return true;
	for (size_t i = 0; i < count; i++) {
		bool *spare = from;

		memset(to, 0, room);
		for (size_t at = 0; at < room; at++) {
			if (from[at])
				step(pattern, at, sets[i], to);
		}
		from = to;
		to = spare;
	}
	/* What is left of the pattern may be stars. */
	for (size_t at = 0; at < room; at++) {
		if (from[at] && strspn(pattern + at, "*") == room - 1 - at)
			return true;
	}
	return false;
}
