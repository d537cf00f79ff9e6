/* Task: see host_keys_public.h. Owner: nobody, plain values. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/ssh/base64.h"
#include "broker/door/host_keys_public.h"
#include "core/io.h"

/* The second word of "type base64 comment". */
static int decode(char *text, uint8_t blob[PUBKEY_BLOB_MAX], size_t *len)
{
	char *rest = text;
	const char *base64;

	(void)strsep(&rest, " ");
	base64 = rest ? strsep(&rest, " \r\n") : NULL;
	return base64 ? base64_decode(base64, strlen(base64), blob, PUBKEY_BLOB_MAX, len) : -EINVAL;
}

static int read_one(const char *path, host_key_fn each, void *arg, const char **why)
{
	uint8_t blob[PUBKEY_BLOB_MAX];
	struct pubkey key;
	char *text = NULL;
	size_t len;
	int r = read_file(path, HOST_KEYS_FILE_MAX, &text, &len);

	if (r < 0) {
		*why = strerror(-r);
		return r;
	}
	*why = "it is no public key";
	r = decode(text, blob, &len);
	free(text);
	if (!r)
		r = pubkey_parse((struct span){blob, len}, &key, why);
	if (!r)
		each(arg, &key);
	return r;
}

static void read_named(
	const char *dir, const char *name, host_key_fn each, host_key_missing_fn missing, void *arg)
{
	char path[PATH_MAX], text[HOST_KEYS_WHY_MAX];
	const char *why = "its name is too long";

	if (snprintf(path, sizeof(path), "%s/%s.pub", dir, name) < (int)sizeof(path) &&
		read_one(path, each, arg, &why) == 0)
		return;
	snprintf(text, sizeof(text),
		"%.240s/%.160s.pub: %.100s: make it by ssh-keygen -y -f %.240s/%.160s", dir, name,
		why, dir, name);
	missing(arg, text);
}

int host_keys_public(const char *dir, host_key_fn each, host_key_missing_fn missing, void *arg,
	char why[HOST_KEYS_WHY_MAX])
{
	char *names[HOST_KEYS_MAX] = {0};
	int count = host_keys_names(dir, names, why);

	for (int i = 0; i < count; i++) {
		read_named(dir, names[i], each, missing, arg);
		free(names[i]);
	}
	return count < 0 ? count : 0;
}
