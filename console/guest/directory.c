/*
 * Task: find guests by UUID, name or prefix. Owner: the broker. Fed by hypervisors.
 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console/guest/directory.h"
#include "console/guest/remembered.h"
#include "console/health/panic.h"
#include "core/log.h"

#define TABLE_FIRST 256
#define FOUND_MAX 8                       /* namesakes that are told of */
#define JOURNAL_WAIT_US (2 * LOOP_SECOND) /* for what is being written at the end */

struct directory {
	struct loop *loop;
	struct console_options options;
	struct guest **table; /* open addressing, linear probing, by UUID */
	size_t size, count;
	struct remembered *remembered;
	struct directory_counts counts;
};

/* --- the table --- */

static size_t slot_of(const struct directory *d, const struct uuid *uuid)
{
	uint64_t key;

	memcpy(&key, uuid->b + 8, sizeof(key));
	key ^= key >> 32;
	return (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (d->size - 1);
}

static size_t find_slot(const struct directory *d, const struct uuid *uuid)
{
	size_t i = slot_of(d, uuid);

	while (d->table[i] && !uuid_equal(guest_uuid(d->table[i]), uuid))
		i = (i + 1) & (d->size - 1);
	return i;
}

static int grow(struct directory *d)
{
	struct guest **old = d->table;
	size_t old_size = d->size, i;

	d->size = old_size ? old_size * 2 : TABLE_FIRST;
	d->table = calloc(d->size, sizeof(struct guest *));
	if (!d->table) {
		d->table = old;
		d->size = old_size;
		return -ENOMEM;
	}
	for (i = 0; i < old_size; i++) {
		if (old[i])
			d->table[find_slot(d, guest_uuid(old[i]))] = old[i];
	}
	free(old);
	return 0;
}

static struct guest *add_guest(struct directory *d, const struct uuid *uuid)
{
	struct guest *g;

	if (d->count >= HYPERVISOR_GUESTS_MAX + DIRECTORY_REMEMBERED_MAX)
		return NULL;
	if (d->count * 2 >= d->size && grow(d) < 0)
		return NULL;
	g = guest_create(d->loop, &d->options, uuid);
	if (!g)
		return NULL;
	d->table[find_slot(d, uuid)] = g;
	d->count++;
	return g;
}

struct guest *directory_by_uuid(const struct directory *d, const struct uuid *uuid)
{
	return d->table[find_slot(d, uuid)];
}

struct guest *directory_next(const struct directory *d, size_t *cursor)
{
	while (*cursor < d->size) {
		struct guest *g = d->table[(*cursor)++];

		if (g)
			return g;
	}
	return NULL;
}

/* --- what hypervisors report --- */

static void on_link(void *arg, struct hypervisor *h, int up, const char *text)
{
	struct directory *d = arg;
	struct guest *g;
	size_t cursor = 0;

	while ((g = directory_next(d, &cursor)))
		guest_link(g, h, up);
	if (up)
		remembered_changed(d->remembered);
}

static void on_location(void *arg, struct hypervisor *h, const struct location_info *info)
{
	struct directory *d = arg;
	struct guest *g = directory_by_uuid(d, &info->uuid);
	int changed = !g || strcmp(guest_name(g), info->name) != 0;

	if (!g)
		g = add_guest(d, &info->uuid);
	if (!g) {
		log_error("too many guests: %s of hypervisor %s is left out", info->name,
			hypervisor_name(h));
		return;
	}
	guest_place(g, h, info);
	if (changed)
		remembered_changed(d->remembered);
}

static void on_gone(void *arg, struct hypervisor *h, const struct location_info *info)
{
	struct directory *d = arg;
	struct guest *g = directory_by_uuid(d, &info->uuid);

	if (!g)
		return;
	guest_gone(g, h, info);
	remembered_changed(d->remembered);
}

static void on_rebooted(void *arg, struct hypervisor *h, const struct uuid *uuid)
{
	struct guest *g = directory_by_uuid(arg, uuid);

	if (g)
		guest_rebooted(g);
}

static void on_panicked(void *arg, struct hypervisor *h, const struct uuid *uuid)
{
	struct directory *d = arg;
	struct guest *g = directory_by_uuid(d, uuid);

	if (!g)
		return;
	d->counts.panics++;
	guest_panicked(g);
	if (d->options.panicked)
		d->options.panicked(d->options.panicked_arg, g);
}

const struct hypervisor_events directory_events = {
	on_link, on_location, on_gone, on_rebooted, on_panicked};

/* --- figures --- */

const struct directory_counts *directory_counts(const struct directory *d)
{
	return &d->counts;
}

void directory_journal_stats(const struct directory *d, struct journal_store_stats *stats)
{
	journal_store_stats(d->options.store, stats);
}

/* --- resolving a name --- */

/* "0a1b2c3d-4e" -> hexadecimal digits, or 0 when it is no prefix of a UUID's text. */
static bool is_uuid_prefix(const char *name)
{
	static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	size_t i;

	for (i = 0; name[i]; i++) {
		if (i >= sizeof(shape) - 1)
			return false;
		if (shape[i] == '-' ? name[i] != '-' : !isxdigit((unsigned char)name[i]))
			return false;
	}
	return i >= DIRECTORY_PREFIX_MIN;
}

struct search {
	struct guest **found;
	size_t max, count;
};

static void add_found(struct search *s, struct guest *g)
{
	if (s->count < s->max)
		s->found[s->count] = g;
	s->count++;
}

/* The whole table is walked whether the name is known or not: the same work for both. */
static void search_all(const struct directory *d, const char *name, directory_may_fn may, void *arg,
	struct search *names, struct search *past, struct search *prefixes)
{
	size_t len = strlen(name), cursor = 0;
	int prefix = is_uuid_prefix(name);
	struct guest *g;

	while ((g = directory_next(d, &cursor))) {
		int is_name = strcmp(guest_name(g), name) == 0;
		int is_prefix = prefix && strncasecmp(guest_uuid_text(g), name, len) == 0;

		if (!is_name && !is_prefix)
			continue;
		if (!may(arg, g))
			continue;
		if (is_name)
			add_found(guest_is_known(g) ? names : past, g);
		if (is_prefix)
			add_found(prefixes, g);
	}
}

int directory_resolve(const struct directory *d, const char *name, directory_may_fn may, void *arg,
	struct guest **found, size_t found_max, size_t *found_count)
{
	struct guest *by_prefix[FOUND_MAX], *by_past[FOUND_MAX];
	struct search names = {found, found_max, 0};
	struct search past = {by_past, found_max < FOUND_MAX ? found_max : FOUND_MAX, 0};
	struct search prefixes = {by_prefix, past.max, 0};
	struct search *best;
	struct guest *exact;
	struct uuid uuid;

	search_all(d, name, may, arg, &names, &past, &prefixes);
	if (uuid_parse(name, &uuid) == 0) {
		exact = directory_by_uuid(d, &uuid);
		if (exact && may(arg, exact)) {
			found[0] = exact;
			*found_count = 1;
			return 0;
		}
	}
	/* A guest that exists has its name before those that are only remembered. */
	best = names.count ? &names : past.count ? &past : &prefixes;
	if (best != &names)
		memcpy(found, best->found,
			sizeof(struct guest *) *
				(best->count < best->max ? best->count : best->max));
	*found_count = best->count < best->max ? best->count : best->max;
	if (best->count == 0)
		return -ENOENT;
	return best->count == 1 ? 0 : -ENOTUNIQ;
}

/* --- the remembered ones --- */

static void on_remembered(
	void *arg, const struct uuid *uuid, const char *name, uint64_t last_seen, const char *slot)
{
	struct directory *d = arg;
	struct guest *g = directory_by_uuid(d, uuid);

	if (!g)
		g = add_guest(d, uuid);
	if (g)
		guest_remember(g, name, last_seen, slot);
}

/* --- life --- */

static int make_parts(struct directory *d, const char *state_dir)
{
	char dir[4096];

	snprintf(dir, sizeof(dir), "%s/journal", state_dir);
	if (panic_create(&d->options.panic_patterns, &d->options.panics) < 0)
		return -ENOMEM;
	return journal_store_create(d->loop, dir, &d->options.history, &d->options.store);
}

int directory_create(struct loop *loop, const char *state_dir,
	const struct console_options *options, struct directory **out)
{
	struct directory *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	d->loop = loop;
	d->options = *options;
	d->options.counts = &d->counts.consoles;
	r = grow(d);
	if (!r)
		r = make_parts(d, state_dir);
	if (!r)
		r = remembered_create(loop, state_dir, d, &d->remembered);
	if (r < 0) {
		directory_destroy(&d);
		return r;
	}
	remembered_load(d->remembered, on_remembered, d);
	*out = d;
	return 0;
}

void directory_destroy(struct directory **out)
{
	struct directory *d = *out;
	size_t i;

	if (!d)
		return;
	*out = NULL;
	remembered_destroy(&d->remembered);
	for (i = 0; i < d->size; i++)
		guest_destroy(d->table[i]);
	free(d->table);
	panic_destroy(&d->options.panics);
	if (d->options.store)
		journal_store_destroy(&d->options.store, JOURNAL_WAIT_US);
	free(d);
}

void directory_set_options(struct directory *d, const struct console_options *options)
{
	struct journal_store *store = d->options.store;
	struct panic_texts *panics = d->options.panics, *fresh;
	struct guest *g;
	size_t cursor = 0;

	d->options = *options;
	d->options.store = store;
	d->options.panics = panics;
	d->options.counts = &d->counts.consoles;
	if (panic_create(&options->panic_patterns, &fresh) == 0) {
		panic_destroy(&panics);
		d->options.panics = fresh;
	}
	journal_store_set_limits(store, &options->history);
	while ((g = directory_next(d, &cursor)))
		guest_options_changed(g);
}
