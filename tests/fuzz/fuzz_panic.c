/*
 * The automaton that looks for panics, against memcmp at every place: whatever the texts, and
 * wherever the output is cut. Input: texts, each ended by a newline, an empty line, then output.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "console/health/panic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whether any text ends at data[end). */
static int ends_there(const struct config_list *list, const uint8_t *data, size_t end)
{
	size_t i;

	for (i = 0; i < list->count && i < PANIC_TEXTS_MAX; i++) {
		size_t len = strnlen(list->items[i], PANIC_TEXT_MAX);

		if (len && len <= end && memcmp(data + end - len, list->items[i], len) == 0)
			return 1;
	}
	return 0;
}

static size_t read_texts(const uint8_t *data, size_t size, struct config_list *list)
{
	size_t at = 0;

	list->items = calloc(PANIC_TEXTS_MAX, sizeof(*list->items));
	while (at < size && list->count < PANIC_TEXTS_MAX) {
		const uint8_t *end = memchr(data + at, '\n', size - at);
		size_t len = end ? (size_t)(end - data) - at : size - at;

		if (len == 0)
			return at + 1;
		/* A NUL byte ends the text, as in a configuration. */
		list->items[list->count++] = strndup((const char *)data + at, len);
		at += len + 1;
	}
	return at;
}

static void check(const struct panic_texts *texts, const struct config_list *list,
	const uint8_t *output, size_t len, size_t piece)
{
	size_t at = 0, told = 0;
	uint16_t state = 0;

	while (at < len) {
		size_t n = len - at < piece ? len - at : piece, got;
		const char *which;

		got = panic_scan(texts, &state, output + at, n, &which);
		if (got > n || (!which && got != n) || (which && got == 0))
			abort();
		for (told = at + 1; told < at + got; told++)
			if (ends_there(list, output, told))
				abort();
		if (ends_there(list, output, at + got) != (which != NULL))
			abort();
		at += got;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_list list = {0};
	struct panic_texts *texts;
	size_t begin = read_texts(data, size, &list);

	if (begin > size)
		begin = size;
	if (panic_create(&list, &texts) == 0 && texts) {
		check(texts, &list, data + begin, size - begin, 1);
		check(texts, &list, data + begin, size - begin, 7);
		check(texts, &list, data + begin, size - begin, 65536);
		panic_destroy(&texts);
	}
	config_list_finish(&list);
	return 0;
}
