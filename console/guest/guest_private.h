/*
 * What guest.c (changes, consoles) and guest_facts.c share. Nobody else includes it.
 */
#ifndef CONSOLE_GUEST_GUEST_PRIVATE_H
#define CONSOLE_GUEST_GUEST_PRIVATE_H

#include <stdbool.h>

#include "console/guest/guest.h"

struct location {
	struct hypervisor *h;
	int reachable;
	struct location_info info;
};

struct guest {
	struct loop *loop;
	const struct console_options *options;
	struct uuid uuid;
	char uuid_text[UUID_TEXT];
	char name[LOCATION_NAME_MAX];
	uint64_t last_seen;
	struct location *locations;
	size_t location_count;
	struct location *active; /* NULL: nobody knows it */
	enum location_reason stop_reason;
	unsigned long long boot_generation;
	int paused_told;
	unsigned ordered_off;   /* so many are about to have it ended */
	struct devices devices; /* of the active place, or as last known */
	struct console *consoles[GUEST_CONSOLES_MAX];
	size_t console_count;
};

/* Somebody is about to have it ended, or no longer. Told to its consoles: some libvirtd bears no
 * input at a guest's end. */
void guest_expect_off(struct guest *g, bool ordered);

#endif
