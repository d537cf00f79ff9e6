/*
 * What a client sends into a session: a command to split, and bytes to look through for the escape
 * key. Words never exceed what was given; the escape scan loses and invents no byte, however the
 * input is cut.
 */
#include <stdlib.h>
#include <string.h>

#include "broker/session/escape_key.h"
#include "core/text/tokenize.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void split(const uint8_t *data, size_t size)
{
	struct tokens w;
	size_t i, total = 0;

	if (tokenize((const char *)data, size, &w) < 0)
		return;
	for (i = 0; i < w.count; i++)
		total += strlen(w.list[i]);
	if (w.count > TOKENS_MAX || total > size)
		abort();
	tokens_finish(&w);
}

/* A plain reading of the rule: the bytes that are to be typed. */
static size_t plainly(const uint8_t *data, size_t size, uint8_t *out)
{
	size_t i, n = 0;

	for (i = 0; i < size; i++) {
		if (data[i] != 0x1d)
			out[n++] = data[i];
		else if (++i < size && data[i] == 0x1d)
			out[n++] = 0x1d;
	}
	return n;
}

static void scan(const uint8_t *data, size_t size, size_t piece)
{
	struct escape_key e = {.character = 0x1d};
	uint8_t *typed = malloc(size + 1), *wanted = malloc(size + 1);
	size_t done = 0, n = 0;

	while (typed && wanted && done < size) {
		size_t len = size - done < piece ? size - done : piece;
		struct escape_found f = escape_scan(&e, data + done, len);

		if (f.len == 0 || f.len > len)
			abort();
		if (f.step == ESCAPE_TYPE) {
			memcpy(typed + n, data + done, f.len);
			n += f.len;
			escape_typed(&e, f.len);
		}
		done += f.len;
	}
	if (typed && wanted && (n != plainly(data, size, wanted) || memcmp(typed, wanted, n) != 0))
		abort();
	free(typed);
	free(wanted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	split(data + 1, size - 1);
	scan(data + 1, size - 1, 1 + data[0] % 16);
	return 0;
}
