/* Task: print JSON on a channel. */
#include <stdlib.h>
#include <string.h>

#include "broker/channel/channel.h"
#include "broker/verb/json.h"
#include "config/rights.h"
#include "core/text/escape.h"

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

json_t *json_bytes(const char *data, size_t len)
{
	char *text = malloc(2 * len + 1), *to = text;
	json_t *value;
	size_t i;

	if (!text)
		return NULL;
	for (i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)data[i];

		if (byte >= 0x80)
			*to++ = (char)(0xc0 | byte >> 6);
		*to++ = (char)(byte < 0x80 ? byte : (0x80 | (byte & 0x3f)));
	}
	value = json_stringn(text, (size_t)(to - text));
	free(text);
	return value;
}

json_t *json_rights(unsigned rights)
{
	json_t *list = json_array();

	for (unsigned bit = 1; bit & RIGHT_ALL; bit <<= 1) {
		if (rights & bit)
			json_array_append_new(list, json_string(right_name(bit)));
	}
	return list;
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
