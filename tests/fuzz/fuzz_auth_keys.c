/* authorized_keys: any text as a file, and its first line as a line. */
#include "auth/ssh/base64.h"
#include "auth/ssh/key_store.h"

#include <stdlib.h>
#include <string.h>

static void ignore(void *arg, const char *file, unsigned line, const char *why)
{
	(void)arg;
	(void)file;
	(void)line;
	if (strlen(why) >= KEY_OPTIONS_WHY_MAX)
		abort();
}

/* What was taken for a key must stand in the line, letter by letter. */
static void check_key(const char *text, size_t len, const struct authorized_key *k)
{
	char base64[BASE64_ROOM(PUBKEY_BLOB_MAX)];
	size_t n = base64_encode(k->key.blob.at, k->key.blob.len, base64);
	const char *why;

	if (memmem(text, len, base64, n) == NULL)
		abort();
	if (key_options_allow(&k->options, "192.0.2.1", 0, &why) > 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const uint8_t *newline = size != 0 ? memchr(data, '\n', size) : NULL;
	size_t line = newline != NULL ? (size_t)(newline - data) : size;
	char why[KEY_OPTIONS_WHY_MAX];
	struct authorized_key *k;
	struct key_store *s;

	if (authorized_keys_parse_line(text, line, &k, why) == LINE_KEY) {
		check_key(text, line, k);
		authorized_key_destroy(k);
	}
	if (key_store_create(&s) < 0)
		return 0;
	if (key_store_load_text(s, "f", text, size, ignore, NULL) == 0)
		key_store_find(s, span_of(data, size));
	key_store_destroy(s);
	return 0;
}
