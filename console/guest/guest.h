/*
 * One virtual machine: where it is, what state it is in, its consoles.
 *
 * A guest has a place on each hypervisor that knows it; at most one of them is the active one.
 * Owned by the directory, by UUID; it goes on existing after libvirt has forgotten a transient
 * guest, so that its history stays reachable.
 */
#ifndef CONSOLE_GUEST_GUEST_H
#define CONSOLE_GUEST_GUEST_H

#include <stdbool.h>

#include "console/hypervisor/hypervisor.h"

struct console;
struct console_options;
struct guest;

#define GUEST_CONSOLES_MAX DEVICES_MAX
#define GUEST_PLACES_MAX 16

enum guest_state {
	GUEST_RUNNING,
	GUEST_PAUSED,
	GUEST_CRASHED, /* stopped by a panic, but QEMU is still there */
	GUEST_OFF,
	GUEST_UNREACHABLE, /* its hypervisor cannot be asked now */
	GUEST_GONE,        /* no hypervisor knows it; only remembered */
};

const struct uuid *guest_uuid(const struct guest *g);
const char *guest_uuid_text(const struct guest *g);
const char *guest_name(const struct guest *g); /* the latest name */
enum guest_state guest_state(const struct guest *g);
const char *guest_state_name(enum guest_state state);
/* QEMU runs, so that its consoles can be open. */
bool guest_is_on(const struct guest *g);
/* It is shutting down, or we have it ended: QEMU is about to end. */
bool guest_is_ending(const struct guest *g);
uint64_t guest_last_seen(const struct guest *g); /* seconds since 1970 */

/* Where it runs or would run; NULL when nobody knows it. */
struct hypervisor *guest_hypervisor(const struct guest *g);
const struct devices *guest_devices(const struct guest *g);
const struct groups *guest_groups(const struct guest *g); /* of the active place; none without */
/* Of the active place; NULL without. */
const struct aids *guest_aids(const struct guest *g);
/* Of the last stop. */
enum location_reason guest_stop_reason(const struct guest *g);
/* Distinguishes one life of QEMU from the next. */
unsigned long long guest_generation(const struct guest *g);
/* The life whose start was seen here; 0: none. */
unsigned long long guest_boot_generation(const struct guest *g);

/* Its console on a device (alias, ttyS0, hvc0; NULL the main one), made when it is asked for the
 * first time. 0, -ENODEV no such device, -ENOMEM. */
int guest_console(struct guest *g, const char *device, struct console **out) MUST_CHECK;

/* The existing consoles in order; NULL at the end. */
struct console *guest_console_at(const struct guest *g, size_t index);
/* The existing one in a slot; NULL. */
struct console *guest_console_in(const struct guest *g, const char *slot);

/* Another hypervisor than from on which it is alive or being migrated to; NULL: none. *devices are
 * those there. */
struct hypervisor *guest_other_location(
	const struct guest *g, const struct hypervisor *from, const struct devices **devices);

/* --- for the directory --- */
struct guest *guest_create(
	struct loop *loop, const struct console_options *options, const struct uuid *uuid);
void guest_destroy(struct guest *g);
void guest_remember(struct guest *g, const char *name, uint64_t last_seen, const char *slot);
void guest_place(struct guest *g, struct hypervisor *h, const struct location_info *info);
void guest_gone(struct guest *g, struct hypervisor *h, const struct location_info *info);
void guest_link(struct guest *g, struct hypervisor *h, int up);
void guest_rebooted(struct guest *g);
void guest_panicked(struct guest *g);
/* The options have changed. */
void guest_options_changed(struct guest *g);
/* Whether anything but memory of the past holds it. */
bool guest_is_known(const struct guest *g);

#endif
