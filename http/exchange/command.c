/* Task: see command.h. */
#include <errno.h>
#include <string.h>

#include "http/exchange/command.h"

int command_add(struct command *c, const char *text, size_t len)
{
	if (len >= c->room)
		return -E2BIG;
	memcpy(c->at, text, len);
	c->at += len;
	c->room -= len;
	*c->at = '\0';
	return 0;
}

/* As core/text/tokenize.h reads it: '...', and \' for the one character that cannot stand there. */
int command_add_quoted(struct command *c, const char *word)
{
	int r = command_add(c, "'", 1);

	while (!r && *word) {
		size_t len = strcspn(word, "'");

		r = command_add(c, word, len);
		word += len;
		if (!r && *word == '\'') {
			r = command_add(c, "'\\''", 4);
			word++;
		}
	}
	return r ? r : command_add(c, "'", 1);
}
