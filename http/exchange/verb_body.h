/*
 * The body of a request for a verb: a JSON object whose members are the verb's options, and
 * "arguments", as words of the command. Which there are, the broker knows. Pure; bytes of
 * strangers.
 *
 *   {"timeout": "5m", "raw": true, "arguments": ["login: $"]}
 */
#ifndef HTTP_EXCHANGE_VERB_BODY_H
#define HTTP_EXCHANGE_VERB_BODY_H

#include "http/exchange/command.h"

#define VERB_BODY_MAX ((size_t)16 << 10) /* bytes */
#define VERB_BODY_WHY_MAX 200

/* Adds the words. 0; -EINVAL and why; -E2BIG: they are more than a command holds. */
int verb_body_words(const char *body, size_t len, struct command *command,
	char why[VERB_BODY_WHY_MAX]) __attribute__((warn_unused_result));

#endif
