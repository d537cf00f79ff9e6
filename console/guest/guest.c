/*
 * Task: one virtual machine: its places, what follows from their changes, its consoles.
 * Owner: the directory. Knows no viewer and no session.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "console/guest/console.h"
#include "console/guest/guest_private.h"

static int console_on(struct guest *g, int index, struct console **out);

/* --- places --- */

/* Running beats paused or incoming, those beat off, and what can be asked beats what cannot. */
static int location_rank(const struct location *p)
{
	int rank = 0;

	switch (p->info.state) {
	case LOCATION_RUNNING:
		rank = 3;
		break;
	case LOCATION_PAUSED:
	case LOCATION_CRASHED:
		rank = 2;
		break;
	case LOCATION_INCOMING:
		rank = 1;
		break;
	case LOCATION_OFF:
		break;
	}
	return rank * 2 + (p->reachable ? 1 : 0);
}

static void choose_active(struct guest *g)
{
	size_t i;

	g->active = NULL;
	for (i = 0; i < g->location_count; i++) {
		if (!g->active || location_rank(&g->locations[i]) > location_rank(g->active))
			g->active = &g->locations[i];
	}
	if (!g->active)
		return;
	snprintf(g->name, sizeof(g->name), "%s", g->active->info.name);
	if (g->active->info.devices.count || guest_is_on(g))
		g->devices = g->active->info.devices;
}

static void notify_consoles(struct guest *g)
{
	size_t i;

	for (i = 0; i < g->console_count; i++)
		console_guest_changed(g->consoles[i]);
}

void guest_expect_off(struct guest *g, bool ordered)
{
	g->ordered_off += ordered ? 1U : -1U;
	notify_consoles(g);
}

static void event_consoles(struct guest *g, enum console_event_kind kind)
{
	size_t i;

	for (i = 0; i < g->console_count; i++)
		console_guest_event(g->consoles[i], kind);
}

static struct location *find_location(struct guest *g, const struct hypervisor *h)
{
	size_t i;

	for (i = 0; i < g->location_count; i++) {
		if (g->locations[i].h == h)
			return &g->locations[i];
	}
	return NULL;
}

static struct location *add_location(struct guest *g, struct hypervisor *h)
{
	struct location *more;

	if (g->location_count == GUEST_PLACES_MAX)
		return NULL;
	more = realloc(g->locations, (g->location_count + 1) * sizeof(*more));
	if (!more)
		return NULL;
	g->locations = more;
	memset(&more[g->location_count], 0, sizeof(*more));
	more[g->location_count].h = h;
	return &more[g->location_count++];
}

/* Consoles that are recorded whether somebody watches or not must exist. */
static void hold_consoles(struct guest *g)
{
	struct console *c;
	size_t i;

	if (!g->options->record || !guest_is_on(g))
		return;
	for (i = 0; i < g->devices.count; i++) {
		if (g->options->record(g->options->record_arg, g, &g->devices.list[i]) ==
			CONSOLE_RECORD_ALL)
			(void)!console_on(g, (int)i, &c);
	}
}

void guest_options_changed(struct guest *g)
{
	size_t i;

	hold_consoles(g);
	for (i = 0; i < g->console_count; i++)
		console_options_changed(g->consoles[i]);
}

/* Paused by a person, not for the last moment of a migration. */
static void notify_paused(struct guest *g, enum guest_state before, enum guest_state now)
{
	const struct devices *devices;

	if (before == GUEST_RUNNING && now == GUEST_PAUSED &&
		!guest_other_location(g, guest_hypervisor(g), &devices)) {
		g->paused_told = 1;
		event_consoles(g, CONSOLE_EV_PAUSED);
	} else if (now == GUEST_RUNNING && g->paused_told) {
		g->paused_told = 0;
		event_consoles(g, CONSOLE_EV_RESUMED);
	} else if (now != GUEST_PAUSED) {
		g->paused_told = 0;
	}
}

void guest_place(struct guest *g, struct hypervisor *h, const struct location_info *info)
{
	enum guest_state before = guest_state(g), now;
	struct location *p = find_location(g, h);
	bool was_known = p;

	if (!p)
		p = add_location(g, h);
	if (!p)
		return;
	p->info = *info;
	p->reachable = 1;
	if (info->reason != LOCATION_REASON_NONE)
		g->stop_reason = info->reason;
	choose_active(g);
	now = guest_state(g);
	if ((was_known && before == GUEST_OFF) || before == GUEST_GONE) {
		/* A guest never seen before may have been running for long. */
		if (guest_is_on(g) && (was_known || hypervisor_is_up(h)))
			g->boot_generation = guest_generation(g);
	}
	hold_consoles(g);
	notify_consoles(g);
	notify_paused(g, before, now);
}

void guest_gone(struct guest *g, struct hypervisor *h, const struct location_info *info)
{
	struct location *p = find_location(g, h);
	size_t index;

	if (!p)
		return;
	if (info->reason != LOCATION_REASON_NONE)
		g->stop_reason = info->reason;
	index = (size_t)(p - g->locations);
	memmove(p, p + 1, (g->location_count - index - 1) * sizeof(*p));
	g->location_count--;
	g->last_seen = (uint64_t)time(NULL);
	choose_active(g);
	notify_consoles(g);
}

void guest_link(struct guest *g, struct hypervisor *h, int up)
{
	struct location *p = find_location(g, h);

	if (!p)
		return;
	p->reachable = up;
	choose_active(g);
	notify_consoles(g);
}

void guest_rebooted(struct guest *g)
{
	event_consoles(g, CONSOLE_EV_REBOOTED);
}

void guest_panicked(struct guest *g)
{
	event_consoles(g, CONSOLE_EV_PANICKED);
}

/* --- consoles --- */

struct console *guest_console_in(const struct guest *g, const char *slot)
{
	for (size_t i = 0; i < g->console_count; i++) {
		if (strcmp(console_slot(g->consoles[i]), slot) == 0)
			return g->consoles[i];
	}
	return NULL;
}

/* The console on a device, made when there is none yet. */
static int console_on(struct guest *g, int index, struct console **out)
{
	char slot[DEVICE_SLOT_MAX];
	struct console *c;

	device_slot(&g->devices.list[index], slot);
	*out = guest_console_in(g, slot);
	if (*out)
		return 0;
	if (g->console_count == GUEST_CONSOLES_MAX)
		return -ENODEV;
	c = console_create(g->loop, g->options, g, slot);
	if (!c)
		return -ENOMEM;
	g->consoles[g->console_count++] = c;
	*out = c;
	return 0;
}

int guest_console(struct guest *g, const char *device, struct console **out)
{
	int index = devices_find(&g->devices, device);

	return index < 0 ? index : console_on(g, index, out);
}

/* --- life --- */

struct guest *guest_create(
	struct loop *loop, const struct console_options *options, const struct uuid *uuid)
{
	struct guest *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->loop = loop;
	g->options = options;
	g->uuid = *uuid;
	uuid_text(uuid, g->uuid_text);
	return g;
}

void guest_remember(struct guest *g, const char *name, uint64_t last_seen, const char *slot)
{
	struct device *device = &g->devices.list[0];

	snprintf(g->name, sizeof(g->name), "%s", name);
	g->last_seen = last_seen;
	g->devices.count = 1;
	g->devices.main = 0;
	if (device_of_slot(slot, device) < 0)
		*device = (struct device){.kind = DEVICE_SERIAL};
	snprintf(device->type, sizeof(device->type), "pty");
	if (device->kind == DEVICE_SERIAL)
		snprintf(device->usual, sizeof(device->usual), "serial0");
}

void guest_destroy(struct guest *g)
{
	size_t i;

	if (!g)
		return;
	for (i = 0; i < g->console_count; i++)
		console_destroy(g->consoles[i]);
	free(g->locations);
	free(g);
}
