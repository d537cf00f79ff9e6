/*
 * The answers of ovirt-vmconsole's helpers.
 * Task: check a document, keep what a login needs. Owner: the broker. May not know how a helper is
 * run.
 */
#include "auth/ovirt_json.h"
#include "auth/ssh/authorized_keys.h"
#include "core/text/uuid_text.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define VERSION 1

struct ovirt_key {
	struct authorized_key *key;
	char *entity_id, *entity;
	size_t order;
};

struct ovirt_keys {
	struct ovirt_key *all; /* sorted by blob, then order */
	size_t count;
};

struct ovirt_consoles {
	unsigned refs;
	char (*ids)[UUID_ROOM]; /* sorted */
	size_t count;
};

/* The document's array under name, after its head was checked; NULL with *why. */
static const json_t *open_list(
	struct span text, const char *content, const char *name, json_t **root, const char **why)
{
	const json_t *list;
	json_error_t error;

	*root = NULL;
	*why = "the answer is too long";
	if (text.len > OVIRT_JSON_MAX)
		return NULL;
	*why = "the answer is not valid JSON";
	*root = json_loadb((const char *)text.at, text.len, JSON_REJECT_DUPLICATES, &error);
	if (!*root)
		return NULL;
	*why = "the answer's version is not 1";
	if (json_integer_value(json_object_get(*root, "version")) != VERSION)
		return NULL;
	*why = "the answer is not of the content asked for";
	if (!json_is_string(json_object_get(*root, "content")) ||
		strcmp(json_string_value(json_object_get(*root, "content")), content) != 0)
		return NULL;
	*why = "the answer's list is missing or too long";
	list = json_object_get(*root, name);
	if (!json_is_array(list) || json_array_size(list) > OVIRT_ENTRIES_MAX)
		return NULL;
	*why = "an entry of the answer is malformed";
	return list;
}

/* A member that is a string of 1..max bytes, or NULL. */
static const char *member(const json_t *entry, const char *name, size_t max)
{
	const json_t *value = json_object_get(entry, name);
	size_t len = json_string_length(value);

	return json_is_string(value) && len != 0 && len <= max ? json_string_value(value) : NULL;
}

struct reading {
	const char *source;
	auth_report_fn report;
	void *arg;
};

/* 1 taken, 0 left out, -EINVAL, -ENOMEM. */
static int read_key(
	const struct reading *r, const json_t *entry, unsigned number, struct ovirt_key *out)
{
	const char *id = member(entry, "entityid", OVIRT_TEXT_MAX);
	const char *entity = member(entry, "entity", OVIRT_TEXT_MAX);
	const char *text = member(entry, "key", AUTHORIZED_KEYS_LINE_MAX);
	char why[KEY_OPTIONS_WHY_MAX] = "not one key";
	int rc;

	if (!id || !entity || !text)
		return -EINVAL;
	*out = (struct ovirt_key){.order = number};
	rc = strpbrk(text, "\n\r") != NULL
		     ? -EINVAL
		     : authorized_keys_parse_line(text, strlen(text), &out->key, why);
	if (rc == LINE_KEY && out->key->has_options) {
		authorized_key_destroy(out->key);
		memcpy(why, "options have no meaning here", 29);
		rc = -EINVAL;
	}
	if (rc != LINE_KEY) {
		if (rc != -ENOMEM)
			r->report(r->arg, r->source, number, why);
		return rc == -ENOMEM ? rc : 0;
	}
	out->entity_id = strdup(id);
	out->entity = strdup(entity);
	if (out->entity_id && out->entity)
		return 1;
	return -ENOMEM;
}

static void key_finish(struct ovirt_key *k)
{
	authorized_key_destroy(k->key);
	free(k->entity_id);
	free(k->entity);
}

static int compare_blobs(struct span a, struct span b)
{
	if (a.len != b.len)
		return a.len < b.len ? -1 : 1;
	return a.len != 0 ? memcmp(a.at, b.at, a.len) : 0;
}

static int compare_keys(const void *a, const void *b)
{
	const struct ovirt_key *x = (const struct ovirt_key *)a;
	const struct ovirt_key *y = (const struct ovirt_key *)b;
	int order = compare_blobs(x->key->key.blob, y->key->key.blob);

	return order != 0 ? order : x->order < y->order ? -1 : x->order > y->order;
}

static int read_keys(struct ovirt_keys *k, const json_t *list, const struct reading *r)
{
	size_t size = json_array_size(list);

	k->all = (struct ovirt_key *)calloc(size != 0 ? size : 1, sizeof(*k->all));
	if (!k->all)
		return -ENOMEM;
	for (size_t i = 0; i < size; i++) {
		struct ovirt_key *place = &k->all[k->count];
		int rc = read_key(r, json_array_get(list, i), (unsigned)i + 1, place);

		if (rc == -ENOMEM)
			key_finish(place);
		if (rc < 0)
			return rc;
		k->count += (size_t)rc;
	}
	qsort(k->all, k->count, sizeof(*k->all), compare_keys);
	return 0;
}

int ovirt_keys_create(struct span text, const char *source, auth_report_fn report, void *arg,
	struct ovirt_keys **out, const char **why)
{
	const struct reading r = {source, report, arg};
	json_t *root;
	const json_t *list = open_list(text, "key_list", "keys", &root, why);
	struct ovirt_keys *k = NULL;
	int rc = -EINVAL;

	if (list) {
		k = (struct ovirt_keys *)calloc(1, sizeof(*k));
		rc = k ? read_keys(k, list, &r) : -ENOMEM;
	}
	json_decref(root);
	if (rc < 0) {
		ovirt_keys_destroy(k);
		return rc;
	}
	*out = k;
	return 0;
}

void ovirt_keys_destroy(struct ovirt_keys *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->count; i++)
		key_finish(&k->all[i]);
	free(k->all);
	free(k);
}

size_t ovirt_keys_count(const struct ovirt_keys *k)
{
	return k->count;
}

static int make_identity(const struct ovirt_key *k, struct identity **out)
{
	char fingerprint[PUBKEY_FINGERPRINT_ROOM];
	struct identity *id;

	pubkey_fingerprint(k->key->key.blob, fingerprint);
	if (identity_create(FACT_ENTITY, k->entity, &id) < 0)
		return -ENOMEM;
	if (identity_add(id, FACT_ENTITY_ID, k->entity_id) < 0 ||
		identity_set(&id->fingerprint, fingerprint) < 0 ||
		identity_set(&id->comment, k->key->comment) < 0) {
		identity_destroy(id);
		return -ENOMEM;
	}
	*out = id;
	return 0;
}

int ovirt_keys_login(const struct ovirt_keys *k, struct span blob, struct identity **out)
{
	size_t low = 0;
	size_t high = k->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (compare_blobs(k->all[mid].key->key.blob, blob) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == k->count || !span_equal(k->all[low].key->key.blob, blob))
		return -ENOENT;
	return make_identity(&k->all[low], out);
}

static int compare_ids(const void *a, const void *b)
{
	return strcasecmp((const char *)a, (const char *)b);
}

static int read_consoles(struct ovirt_consoles *c, const json_t *list)
{
	size_t size = json_array_size(list);

	c->ids = (char(*)[UUID_ROOM])calloc(size != 0 ? size : 1, sizeof(*c->ids));
	if (!c->ids)
		return -ENOMEM;
	for (size_t i = 0; i < size; i++) {
		const json_t *entry = json_array_get(list, i);
		const char *id = member(entry, "vmid", OVIRT_TEXT_MAX);

		if (!id || !uuid_is(id) || !member(entry, "vm", OVIRT_TEXT_MAX) ||
			!member(entry, "host", OVIRT_TEXT_MAX) ||
			!member(entry, "console", OVIRT_TEXT_MAX))
			return -EINVAL;
		memcpy(c->ids[c->count++], id, UUID_ROOM);
	}
	qsort(c->ids, c->count, sizeof(*c->ids), compare_ids);
	return 0;
}

int ovirt_consoles_create(struct span text, struct ovirt_consoles **out, const char **why)
{
	json_t *root;
	const json_t *list = open_list(text, "console_list", "consoles", &root, why);
	struct ovirt_consoles *c = NULL;
	int rc = -EINVAL;

	if (list) {
		c = (struct ovirt_consoles *)calloc(1, sizeof(*c));
		rc = c ? read_consoles(ovirt_consoles_ref(c), list) : -ENOMEM;
	}
	json_decref(root);
	if (rc < 0) {
		ovirt_consoles_unref(c);
		return rc;
	}
	*out = c;
	return 0;
}

struct ovirt_consoles *ovirt_consoles_ref(struct ovirt_consoles *c)
{
	if (c)
		c->refs++;
	return c;
}

void ovirt_consoles_unref(struct ovirt_consoles *c)
{
	if (!c || --c->refs != 0)
		return;
	free(c->ids);
	free(c);
}

size_t ovirt_consoles_count(const struct ovirt_consoles *c)
{
	return c->count;
}

bool ovirt_consoles_has(const struct ovirt_consoles *c, const char *uuid)
{
	return c->count != 0 && bsearch(uuid, c->ids, c->count, sizeof(*c->ids), compare_ids);
}
