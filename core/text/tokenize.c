/* Task: split a command into words. Pure; fuzzed. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/text/tokenize.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Copies one word from *in to *out; both move on. */
static int copy_word(const char **in, char **out)
{
	char quote = '\0';

	for (; **in; (*in)++) {
		char c = **in;

		if (quote == '\0' && is_blank(c))
			break;
		if (quote == '\0' && (c == '\'' || c == '"')) {
			quote = c;
		} else if (c == quote) {
			quote = '\0';
		} else {
			if (c == '\\' && quote != '\'' && (*in)[1])
				c = *++(*in);
			*(*out)++ = c;
		}
	}
	return quote ? -EINVAL : 0;
}

int tokenize(const char *text, size_t len, struct tokens *w)
{
	char *copy, *out;
	const char *in;
	int r = 0;

	memset(w, 0, sizeof(*w));
	if (memchr(text, '\0', len))
		return -EILSEQ;
	/* The words, each terminated, are never longer than the text and one byte. */
	w->memory = malloc(2 * len + 2);
	if (!w->memory)
		return -ENOMEM;
	copy = w->memory + len + 1;
	memcpy(copy, text, len);
	copy[len] = '\0';
	out = w->memory;
	for (in = copy; r == 0;) {
		while (is_blank(*in))
			in++;
		if (!*in)
			return 0;
		if (w->count == TOKENS_MAX) {
			r = -E2BIG;
			break;
		}
		w->list[w->count++] = out;
		r = copy_word(&in, &out);
		*out++ = '\0';
	}
	tokens_finish(w);
	return r;
}

void tokens_finish(struct tokens *w)
{
	free(w->memory);
	memset(w, 0, sizeof(*w));
}
