/*
 * Task: what is so of a virtual machine. Owner: the guest. Changes nothing, and knows no console.
 */
#include <stdbool.h>
#include <time.h>

#include "console/guest/guest_private.h"

const struct uuid *guest_uuid(const struct guest *g)
{
	return &g->uuid;
}

const char *guest_uuid_text(const struct guest *g)
{
	return g->uuid_text;
}

const char *guest_name(const struct guest *g)
{
	return g->name;
}

enum guest_state guest_state(const struct guest *g)
{
	if (!g->active)
		return GUEST_GONE;
	if (!g->active->reachable)
		return GUEST_UNREACHABLE;
	switch (g->active->info.state) {
	case LOCATION_OFF:
		return GUEST_OFF;
	case LOCATION_INCOMING:
	case LOCATION_PAUSED:
		return GUEST_PAUSED;
	case LOCATION_RUNNING:
		return GUEST_RUNNING;
	case LOCATION_CRASHED:
		return GUEST_CRASHED;
	}
	return GUEST_OFF;
}

const char *guest_state_name(enum guest_state state)
{
	switch (state) {
	case GUEST_RUNNING:
		return "running";
	case GUEST_PAUSED:
		return "paused";
	case GUEST_CRASHED:
		return "crashed";
	case GUEST_OFF:
		return "off";
	case GUEST_UNREACHABLE:
		return "unreachable";
	case GUEST_GONE:
		return "gone";
	}
	return "unknown";
}

bool guest_is_ending(const struct guest *g)
{
	return g->ordered_off || (g->active && g->active->info.ending);
}

bool guest_is_on(const struct guest *g)
{
	enum guest_state state = guest_state(g);

	return state == GUEST_RUNNING || state == GUEST_PAUSED || state == GUEST_CRASHED;
}

uint64_t guest_last_seen(const struct guest *g)
{
	return g->active ? (uint64_t)time(NULL) : g->last_seen;
}

struct hypervisor *guest_hypervisor(const struct guest *g)
{
	return g->active ? g->active->h : NULL;
}

const struct devices *guest_devices(const struct guest *g)
{
	return &g->devices;
}

const struct groups *guest_groups(const struct guest *g)
{
	static const struct groups none;

	return g->active ? &g->active->info.groups : &none;
}

const struct aids *guest_aids(const struct guest *g)
{
	return g->active ? &g->active->info.aids : NULL;
}

enum location_reason guest_stop_reason(const struct guest *g)
{
	return g->stop_reason;
}

unsigned long long guest_generation(const struct guest *g)
{
	return g->active ? g->active->info.generation : 0;
}

unsigned long long guest_boot_generation(const struct guest *g)
{
	return g->boot_generation;
}

bool guest_is_known(const struct guest *g)
{
	return g->location_count > 0;
}

struct hypervisor *guest_other_location(
	const struct guest *g, const struct hypervisor *from, const struct devices **devices)
{
	size_t i;

	for (i = 0; i < g->location_count; i++) {
		const struct location *p = &g->locations[i];

		if (p->h == from || !p->reachable || p->info.state == LOCATION_OFF)
			continue;
		*devices = &p->info.devices;
		return p->h;
	}
	return NULL;
}

struct console *guest_console_at(const struct guest *g, size_t index)
{
	return index < g->console_count ? g->consoles[index] : NULL;
}
