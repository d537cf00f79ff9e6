/*
 * Patterns on names.
 * Task: match, bytewise, whatever the locale; fnmatch(3) takes exponential time on hostile
 * patterns and refuses bytes that are no characters. Owner: nobody, pure. May not know rules.
 */
#include "auth/glob.h"

#include <stddef.h>
#include <string.h>

bool glob_is_pattern(const char *text)
{
	return strpbrk(text, "*?[") != NULL;
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

	for (p = first; *p != ']' || p == first; p++) {
		unsigned char low = (unsigned char)*p;
		unsigned char high = low;

		if (low == 0)
			return NULL;
		if (p[1] == '-' && p[2] != ']' && p[2] != 0) {
			high = (unsigned char)p[2];
			p += 2;
		}
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

		if (rest != NULL)
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
		if (rest != NULL) {
			pattern = rest;
			text++;
		} else if (star != NULL) {
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
