/* Task: see host_keys_public.h. Owner: nobody, plain values. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/door/host_keys_public.h"
#include "core/io.h"

static int read_one(const char *path, host_key_fn each, void *arg, const char **why)
{
	uint8_t mem[PUBKEY_BLOB_MAX];
	struct span blob;
	struct pubkey key;
	char *text = NULL;
	size_t len;
	int r = read_file(path, HOST_KEYS_FILE_MAX, &text, &len);

	if (r < 0) {
		*why = strerror(-r);
		return r;
	}
	*why = "it is no public key";
	r = pubkey_line_blob(text, mem, &blob);
	free(text);
	if (!r)
		r = pubkey_parse(blob, &key, why);
	if (!r)
		each(arg, &key);
	return r;
}

struct reading {
	const char *dir;
	host_key_fn each;
	host_key_missing_fn missing;
	void *arg;
};

static int read_named(void *arg, const char *name)
{
	const struct reading *r = arg;
	char path[PATH_MAX], text[HOST_KEYS_WHY_MAX];
	const char *why = "its name is too long";

	if (snprintf(path, sizeof(path), "%s/%s.pub", r->dir, name) < (int)sizeof(path) &&
		read_one(path, r->each, r->arg, &why) == 0)
		return 0;
	snprintf(text, sizeof(text),
		"%.240s/%.160s.pub: %.100s: make it by ssh-keygen -y -f %.240s/%.160s", r->dir,
		name, why, r->dir, name);
	r->missing(r->arg, text);
	return 0;
}

int host_keys_public(const char *dir, host_key_fn each, host_key_missing_fn missing, void *arg,
	char why[HOST_KEYS_WHY_MAX])
{
	struct reading reading = {dir, each, missing, arg};

	return host_keys_each(dir, read_named, &reading, why);
}
