/*
 * All guests, by UUID, whichever hypervisor has them; the remembered ones too.
 *
 * Fed by hypervisor events (pass directory_events and the directory to hypervisor_create). What
 * must outlive a restart (UUID, last name, last seen) is kept in STATE_DIR/guests.
 * Owned by the broker.
 */
#ifndef CONSOLE_GUEST_DIRECTORY_H
#define CONSOLE_GUEST_DIRECTORY_H

#include "console/guest/console.h"
#include "console/guest/guest.h"

struct directory;

#define DIRECTORY_REMEMBERED_MAX 10000
#define DIRECTORY_REMEMBER_SECONDS (UINT64_C(30) * 24 * 3600)
#define DIRECTORY_PREFIX_MIN 8 /* hexadecimal digits of a UUID that may stand for it */

extern const struct hypervisor_events directory_events;

int directory_create(struct loop *loop, const char *state_dir,
	const struct console_options *options, struct directory **out) MUST_CHECK;
void directory_destroy(struct directory **out); /* closes every console */

/* New options hold for consoles that open from now on. */
void directory_set_options(struct directory *d, const struct console_options *options);

struct guest *directory_by_uuid(const struct directory *d, const struct uuid *uuid);

/* Since the daemon began; they only grow. */
struct directory_counts {
	struct console_counts consoles;
	uint64_t panics; /* that hypervisors have told of */
};

const struct directory_counts *directory_counts(const struct directory *d);
void directory_journal_stats(const struct directory *d, struct journal_store_stats *stats);

/* In no particular order: *cursor begins as 0; NULL at the end. */
struct guest *directory_next(const struct directory *d, size_t *cursor);

/*
 * What a login name may mean, in this order: exact UUID, exact name (of a guest that
 * exists; else of a remembered one), unambiguous prefix of a UUID.
 * Only guests for which may(arg, guest) is not 0 count. Found: 0 and *guest; -ENOENT none;
 * -ENOTUNIQ several: up to found_max of them are in found[], *found_count says how many.
 */
typedef int (*directory_may_fn)(void *arg, const struct guest *g);
int directory_resolve(const struct directory *d, const char *name, directory_may_fn may, void *arg,
	struct guest **found, size_t found_max, size_t *found_count) MUST_CHECK;

#endif
