/* JSON answers of verbs, over jansson. */
#ifndef BROKER_VERB_JSON_H
#define BROKER_VERB_JSON_H

#include <jansson.h>

struct channel;

/* The version of docs/json.md: raised when a member goes, or means something else. */
#define JSON_VERSION 1

/* A string whose bytes a stranger chose: what is no UTF-8 is escaped (core/text/escape.h). */
json_t *json_foreign(const char *text);

/* A string with one character, U+0000 to U+00FF, for each byte. */
json_t *json_bytes(const char *data, size_t len);

/* The names of these rights, as a list. */
json_t *json_rights(unsigned rights);

/* Prints the value on one line and gives it up. */
void json_answer(struct channel *channel, json_t *value);

#endif
