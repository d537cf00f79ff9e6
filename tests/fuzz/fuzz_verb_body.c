/*
 * The body of a verb's request: within bounds, and whatever is in it, the command has an option for
 * each member and then arguments, and no word more. Input: the body.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/text/tokenize.h"
#include "http/exchange/verb_body.h"

#define CHECK(x)                                                                                   \
	do {                                                                                       \
		if (!(x))                                                                          \
			abort();                                                                   \
	} while (0)

#define ROOM 8192

/* What the members say, without the door's way to say it. */
static size_t count_words(const uint8_t *data, size_t size)
{
	json_t *object = json_loadb((const char *)data, size, 0, NULL), *value;
	const char *name;
	size_t count = 0;

	CHECK(json_is_object(object));
	json_object_foreach(object, name, value)
	{
		if (strcmp(name, "arguments") == 0)
			count += 1 + json_array_size(value);
		else
			count += !json_is_false(value) && !json_is_null(value);
	}
	json_decref(object);
	return count;
}

static void check_words(const char *text, size_t count)
{
	struct tokens words;
	size_t i;

	if (tokenize(text, strlen(text), &words) < 0) {
		CHECK(count > TOKENS_MAX);
		return;
	}
	CHECK(words.count == count);
	for (i = 0; i < count && strcmp(words.list[i], "--") != 0; i++)
		CHECK(strncmp(words.list[i], "--", 2) == 0);
	tokens_finish(&words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(ROOM); /* so that a byte more is seen */
	char why[VERB_BODY_WHY_MAX] = "";
	struct command command = {text, ROOM};

	if (!text)
		return 0;
	*text = '\0';
	if (verb_body_words((const char *)data, size, &command, why) == 0)
		check_words(text, count_words(data, size));
	CHECK(memchr(why, '\0', sizeof(why)) && memchr(text, '\0', ROOM));
	free(text);
	return 0;
}
