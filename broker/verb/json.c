/* Task: print JSON on a channel. */
#include <stdlib.h>
#include <string.h>

#include "broker/channel/channel.h"
#include "broker/verb/json.h"
#include "core/escape.h"

json_t *json_foreign(const char *text)
{
	json_t *value = json_string(text);
	size_t len = strlen(text);
	char *safe;

	if (value)
		return value;
	safe = malloc(ESCAPE_ROOM(len));
	if (!safe)
		return NULL;
	escape_text(text, len, safe, ESCAPE_ROOM(len));
	value = json_string(safe);
	free(safe);
	return value;
}

void json_answer(struct channel *channel, json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);

	if (!text || channel_put(channel, text, strlen(text)) < 0)
		channel_complain(channel, "the answer is too long");
	else
		channel_print(channel, "\n");
	free(text);
	json_decref(value);
}
