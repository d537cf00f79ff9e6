/*
 * The guests that were seen: STATE_DIR/guests, so that a transient guest that libvirt has
 * forgotten is still known by UUID and name.
 *
 * One line each: UUID, seconds since 1970 when last seen, slot of its main console, name with
 * foreign bytes escaped. Written in a job thread some seconds after a change. Owned by the
 * directory.
 */
#ifndef CONSOLE_GUEST_REMEMBERED_H
#define CONSOLE_GUEST_REMEMBERED_H

#include "console/guest/directory.h"

struct remembered;

typedef void (*remembered_fn)(
	void *arg, const struct uuid *uuid, const char *name, uint64_t last_seen, const char *slot);

int remembered_create(struct loop *loop, const char *state_dir, struct directory *d,
	struct remembered **out) MUST_CHECK;

/* Calls fn for each that is not too old. A damaged file is logged and what is whole is used. */
void remembered_load(struct remembered *r, remembered_fn fn, void *arg);

/* Something is to be written soon. */
void remembered_changed(struct remembered *r);

/* Writes what is due at once. The directory must still be whole. */
void remembered_destroy(struct remembered **out);

#endif
