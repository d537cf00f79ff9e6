/* Task: quote words. Pure. */
#include <errno.h>
#include <string.h>

#include "ctl/quote.h"

/* Letters that need no quotes anywhere. */
static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			    "%+,-./:=@_";

struct output {
	char *at, *end;
	int full;
};

static void put(struct output *o, const char *data, size_t len)
{
	if (len > (size_t)(o->end - o->at)) {
		o->full = 1;
		return;
	}
	memcpy(o->at, data, len);
	o->at += len;
}

static void put_quoted(struct output *o, const char *word)
{
	put(o, "'", 1);
	while (*word) {
		size_t len = strcspn(word, "'");

		put(o, word, len);
		word += len;
		if (*word) {
			put(o, "'\\''", 4);
			word++;
		}
	}
	put(o, "'", 1);
}

int quote_words(int count, const char *const *words, char *out, size_t room, size_t *len)
{
	struct output o = {out, out + room, 0};
	int i;

	for (i = 0; i < count; i++) {
		size_t size = strlen(words[i]);

		if (i > 0)
			put(&o, " ", 1);
		if (size > 0 && strspn(words[i], plain) == size)
			put(&o, words[i], size);
		else
			put_quoted(&o, words[i]);
	}
	if (o.full)
		return -ENOBUFS;
	*len = (size_t)(o.at - out);
	return 0;
}
