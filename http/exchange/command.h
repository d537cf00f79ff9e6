/* A command for the broker, as core/text/tokenize.h reads it, put together word by word. Pure. */
#ifndef HTTP_EXCHANGE_COMMAND_H
#define HTTP_EXCHANGE_COMMAND_H

#include <stddef.h>

struct command {
	char *at;    /* its end; a NUL is there */
	size_t room; /* the NUL included */
};

/* Both: 0, or -E2BIG. */
int command_add(struct command *c, const char *text, size_t len)
	__attribute__((warn_unused_result));
/* One word, whatever is in it. */
int command_add_quoted(struct command *c, const char *word) __attribute__((warn_unused_result));

#endif
