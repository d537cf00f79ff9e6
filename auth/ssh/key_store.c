/*
 * The table of authorized keys.
 * Task: load files, find a key in constant time. Owner: the store owns every key. May not know who
 * asks or what a key is allowed.
 */
#include "auth/ssh/key_store.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

struct slot {
	uint64_t hash; /* the beginning of the blob's SHA-256 */
	struct authorized_key *first, *last;
};

struct key_store {
	struct slot *slots; /* open addressing; a slot without first is free */
	size_t size, used;  /* size is a power of two, or 0 */
	size_t keys;
	bool plain;
};

int key_store_create(struct key_store **out)
{
	*out = (struct key_store *)calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

int key_store_create_plain(struct key_store **out)
{
	int rc = key_store_create(out);

	if (rc == 0)
		(*out)->plain = true;
	return rc;
}

void key_store_destroy(struct key_store *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->size; i++) {
		struct authorized_key *next;

		for (struct authorized_key *k = s->slots[i].first; k; k = next) {
			next = k->next_same;
			authorized_key_destroy(k);
		}
	}
	free(s->slots);
	free(s);
}

size_t key_store_count(const struct key_store *s)
{
	return s->keys;
}

static uint64_t blob_hash(struct span blob)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	uint64_t hash;

	SHA256(blob.at, blob.len, digest);
	memcpy(&hash, digest, sizeof(hash));
	return hash;
}

/* The slot that holds the blob, or the free one where it belongs. */
static struct slot *find_slot(struct slot *slots, size_t size, uint64_t hash, struct span blob)
{
	size_t i = (size_t)hash & (size - 1);

	while (slots[i].first &&
		(slots[i].hash != hash || !span_equal(slots[i].first->key.blob, blob)))
		i = (i + 1) & (size - 1);
	return &slots[i];
}

static int grow(struct key_store *s)
{
	size_t size = s->size != 0 ? s->size * 2 : 64;
	struct slot *slots = (struct slot *)calloc(size, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < s->size; i++) {
		const struct slot *old = &s->slots[i];

		if (old->first)
			*find_slot(slots, size, old->hash, old->first->key.blob) = *old;
	}
	free(s->slots);
	s->slots = slots;
	s->size = size;
	return 0;
}

static int add_key(struct key_store *s, struct authorized_key *k)
{
	uint64_t hash = blob_hash(k->key.blob);
	struct slot *slot;

	if (s->keys >= KEY_STORE_KEYS_MAX)
		return -E2BIG;
	if (s->used * 2 >= s->size && grow(s) < 0)
		return -ENOMEM;
	slot = find_slot(s->slots, s->size, hash, k->key.blob);
	if (!slot->first) {
		slot->hash = hash;
		slot->first = k;
		s->used++;
	} else {
		slot->last->next_same = k;
	}
	slot->last = k;
	s->keys++;
	return 0;
}

const struct authorized_key *key_store_find(const struct key_store *s, struct span blob)
{
	if (s->size == 0 || blob.len > PUBKEY_BLOB_MAX)
		return NULL;
	return find_slot(s->slots, s->size, blob_hash(blob), blob)->first;
}

const struct authorized_key *key_store_find_fingerprint(
	const struct key_store *s, const char *fingerprint)
{
	for (size_t i = 0; i < s->size; i++) {
		char text[PUBKEY_FINGERPRINT_ROOM];

		if (!s->slots[i].first)
			continue;
		pubkey_fingerprint(s->slots[i].first->key.blob, text);
		if (strcmp(text, fingerprint) == 0)
			return s->slots[i].first;
	}
	return NULL;
}

void key_store_each(const struct key_store *s,
	void (*each)(void *arg, const struct authorized_key *key), void *arg)
{
	for (size_t i = 0; i < s->size; i++) {
		for (const struct authorized_key *k = s->slots[i].first; k; k = k->next_same)
			each(arg, k);
	}
}

static int load_line(struct key_store *s, const char *name, unsigned number, struct span line,
	auth_report_fn report, void *arg)
{
	char why[KEY_OPTIONS_WHY_MAX];
	struct authorized_key *k = NULL;
	int rc = authorized_keys_parse_line((const char *)line.at, line.len, &k, why);

	if (rc == LINE_EMPTY)
		return 0;
	if (rc < 0) {
		report(arg, name, number, why);
		return rc == -ENOMEM ? rc : 0;
	}
	if (s->plain && k->has_options) {
		authorized_key_destroy(k);
		report(arg, name, number, "options have no meaning here, key refused");
		return 0;
	}
	k->line = number;
	k->file = strdup(name);
	rc = k->file ? add_key(s, k) : -ENOMEM;
	if (rc < 0)
		authorized_key_destroy(k);
	return rc;
}

int key_store_load_text(struct key_store *s, const char *name, const char *text, size_t len,
	auth_report_fn report, void *arg)
{
	const char *end = text + len;
	unsigned number = 0;
	int rc = 0;

	while (rc == 0 && text < end) {
		const char *stop = (const char *)memchr(text, '\n', (size_t)(end - text));
		size_t line = (size_t)((stop ? stop : end) - text);

		rc = load_line(s, name, ++number, span_of(text, line), report, arg);
		text = stop ? stop + 1 : end;
	}
	if (rc == -E2BIG)
		report(arg, name, number,
			"too many keys: this one and all later ones are left out");
	return rc;
}

struct load {
	struct key_store *store;
	auth_report_fn report;
	void *arg;
};

static int load_file(void *arg, const char *path)
{
	const struct load *l = (const struct load *)arg;
	char why[AUTHFILE_WHY_MAX];
	char *text;
	size_t len;
	int rc = authfile_read(path, AUTHFILE_OURS, KEY_STORE_FILE_MAX, &text, &len, why);

	if (rc < 0) {
		l->report(l->arg, path, 0, why);
		return rc == -ENOMEM ? rc : 0;
	}
	rc = key_store_load_text(l->store, path, text, len, l->report, l->arg);
	free(text);
	return rc;
}

int key_store_load(struct key_store *s, const char *const *patterns, size_t count,
	auth_report_fn report, void *arg)
{
	struct load l = {s, report, arg};

	return authfile_expand(patterns, count, load_file, &l);
}
