/*
 * Task: what is known of the guests of one hypervisor, and telling it upwards.
 * Owner: the hypervisor. Asks nothing itself (hypervisor_refresh.c).
 *
 * Two sources: events, which come at once and in order but say little, and readings, which say all
 * but may be older than the last event. A stop, a pause, a crash is told as soon as the event
 * comes; a start only with the reading, since nobody can open a console without its devices.
 */
#include <errno.h>
#include <string.h>

#include "console/hypervisor/hypervisor_private.h"
#include "core/log.h"

static void drop(struct hypervisor *h, struct guest_entry *g)
{
	refresh_unmark(h, g);
	if (g->failed)
		h->failed_count--;
	table_drop(h, g);
}

/* Once all that were listed have been reported, the hypervisor is up. */
static void no_longer_initial(struct hypervisor *h, struct guest_entry *g)
{
	if (!g->initial)
		return;
	g->initial = false;
	h->initial_left--;
}

static void check_listed(struct hypervisor *h)
{
	if (h->initial_left == 0)
		h->parts->reported_all(h);
}

/* From the clock, so that the lives on two hypervisors have different numbers too. */
static unsigned long long next_generation(struct hypervisor *h)
{
	uint64_t now = loop_now(h->loop);

	h->last_generation = now > h->last_generation ? now : h->last_generation + 1;
	return h->last_generation;
}

static void report(struct hypervisor *h, struct guest_entry *g)
{
	struct location_info info = g->info;

	g->reported = true;
	h->events->location(h->arg, h, &info);
}

static void report_gone(struct hypervisor *h, struct guest_entry *g)
{
	struct location_info info = g->info;
	bool reported = g->reported;

	no_longer_initial(h, g);
	drop(h, g);
	if (info.state != LOCATION_OFF) {
		info.state = LOCATION_OFF;
		info.reason = LOCATION_REASON_NONE;
	}
	if (reported)
		h->events->gone(h->arg, h, &info);
	questions_answer(h, &info.uuid, 0, NULL);
}

/* --- readings --- */

static bool differs(const struct location_info *a, const struct location_info *b)
{
	return a->state != b->state || a->reason != b->reason || a->transient != b->transient ||
	       a->ending != b->ending || a->generation != b->generation ||
	       strcmp(a->name, b->name) != 0 ||
	       memcmp(&a->devices, &b->devices, sizeof(a->devices)) != 0 ||
	       a->aids.panic != b->aids.panic || a->aids.vmcoreinfo != b->aids.vmcoreinfo ||
	       !groups_equal(&a->groups, &b->groups);
}

static void merge(
	struct hypervisor *h, struct guest_entry *g, const struct location_reading *reading)
{
	struct location_info old = g->info;

	g->info = reading->info;
	g->vanished = false;
	g->info.generation = old.generation;
	if (g->info.state != LOCATION_PAUSED)
		g->incoming = false;
	if (g->incoming)
		g->info.state = LOCATION_INCOMING;
	if (g->info.state == LOCATION_OFF && g->info.reason == LOCATION_REASON_NONE)
		g->info.reason = old.reason;
	if (reading->domain_id >= 0 && reading->domain_id != g->domain_id)
		g->info.generation = next_generation(h);
	g->domain_id = reading->domain_id;
	g->info.domain_id = reading->domain_id;
	if (!g->reported || differs(&old, &g->info))
		report(h, g);
}

/* A transient guest is gone as soon as it stops, and a reading may notice before the event comes
 * that has the reason. So a running one that has vanished gets a while for its event. */
static bool is_stop_due(const struct guest_entry *g)
{
	return g->reported && g->info.state != LOCATION_OFF && !g->vanished;
}

static void await_stop(struct hypervisor *h, struct guest_entry *g)
{
	g->vanished = true;
	refresh_failed(h, g);
}

void guests_read(struct hypervisor *h, struct guest_entry *g, int r,
	const struct location_reading *reading, const struct virt_error *error)
{
	struct uuid uuid = g->info.uuid;
	struct location_info info;

	no_longer_initial(h, g);
	if (r == -ENOENT) {
		if (is_stop_due(g))
			await_stop(h, g);
		else
			report_gone(h, g);
		check_listed(h);
		return;
	}
	if (r < 0) {
		log_debug(
			"hypervisor %s: a guest cannot be read: %s", h->options.name, error->text);
		refresh_failed(h, g);
		questions_answer(h, &uuid, r, NULL);
		check_listed(h);
		return;
	}
	merge(h, g, reading);
	info = reading->info;
	g = table_find(h, &uuid);
	if (g)
		info = g->info;
	questions_answer(h, &uuid, 0, &info);
	check_listed(h);
}

/* --- the listing after connecting --- */

static void forget_unlisted(struct hypervisor *h)
{
	size_t i;

	for (i = 0; i < BUCKETS; i++) {
		struct guest_entry *g = LIST_FIRST(&h->guests[i]);

		while (g) {
			struct guest_entry *next = LIST_NEXT(g, bucket);

			if (g->seen_in != h->link_number)
				report_gone(h, g);
			g = next;
		}
	}
}

/* Guests that an event has told of meanwhile are in the table already, and in the queue. */
void guests_listed(struct hypervisor *h, const struct uuid *uuids, size_t count)
{
	struct guest_entry *g;
	size_t i;

	TAILQ_FOREACH (g, &h->waiting, waiting)
		g->seen_in = h->link_number;
	for (i = 0; i < count; i++) {
		g = table_find_or_add(h, &uuids[i]);
		if (!g)
			continue;
		g->seen_in = h->link_number;
		if (!g->initial)
			h->initial_left++;
		g->initial = true;
		refresh_mark(h, g, false);
	}
	forget_unlisted(h);
	check_listed(h);
	refresh_pump(h);
}

void guests_link_down(struct hypervisor *h)
{
	size_t i;

	for (i = 0; i < BUCKETS; i++) {
		struct guest_entry *g;

		LIST_FOREACH (g, &h->guests[i], bucket) {
			refresh_unmark(h, g);
			g->initial = false;
		}
	}
	h->initial_left = 0;
	questions_fail(h, -ENOTCONN);
}

/* --- events --- */

/* Told at once only to those who know the guest; others get the reading. */
static void set_state(struct hypervisor *h, struct guest_entry *g, enum location_state state,
	enum location_reason reason)
{
	if (g->info.state == state && g->info.reason == reason)
		return;
	g->info.state = state;
	g->info.reason = reason;
	if (g->reported)
		report(h, g);
}

static void started(struct hypervisor *h, struct guest_entry *g, virDomainPtr domain, int detail)
{
	int id = (int)virDomainGetID(domain);

	g->incoming = detail == VIR_DOMAIN_EVENT_STARTED_MIGRATED;
	if (id >= 0 && id == g->domain_id)
		return; /* a reading was faster */
	g->domain_id = id;
	g->info.domain_id = id;
	g->info.generation = next_generation(h);
}

static void stopped(struct hypervisor *h, struct guest_entry *g, int detail)
{
	g->incoming = false;
	g->info.ending = 0;
	g->domain_id = -1;
	g->info.domain_id = -1;
	set_state(h, g, LOCATION_OFF, location_reason_of_event(detail));
}

/* QEMU is ended next, within milliseconds. */
static void shutting_down(struct hypervisor *h, struct guest_entry *g)
{
	if (g->info.ending || g->info.state == LOCATION_OFF)
		return;
	g->info.ending = 1;
	if (g->reported)
		report(h, g);
}

static void crashed(struct hypervisor *h, struct guest_entry *g)
{
	struct uuid uuid = g->info.uuid;

	set_state(h, g, LOCATION_CRASHED, LOCATION_REASON_NONE);
	h->events->panicked(h->arg, h, &uuid);
}

static void apply_event(
	struct hypervisor *h, struct guest_entry *g, virDomainPtr domain, int event, int detail)
{
	switch (event) {
	case VIR_DOMAIN_EVENT_STARTED:
		started(h, g, domain, detail);
		break;
	case VIR_DOMAIN_EVENT_STOPPED:
		stopped(h, g, detail);
		break;
	case VIR_DOMAIN_EVENT_CRASHED:
		crashed(h, g);
		break;
	case VIR_DOMAIN_EVENT_SHUTDOWN:
		shutting_down(h, g);
		break;
	case VIR_DOMAIN_EVENT_SUSPENDED:
		if (g->info.state == LOCATION_RUNNING || g->incoming)
			set_state(h, g, LOCATION_PAUSED, LOCATION_REASON_NONE);
		g->incoming = false;
		break;
	case VIR_DOMAIN_EVENT_RESUMED:
		g->incoming = false;
		if (g->info.state != LOCATION_OFF)
			set_state(h, g, LOCATION_RUNNING, LOCATION_REASON_NONE);
		break;
	default: /* defined, undefined, and what newer libvirt has: read it */
		break;
	}
}

static struct guest_entry *guest_of(struct hypervisor *h, virDomainPtr domain)
{
	struct uuid uuid;

	if (virDomainGetUUID(domain, uuid.b) < 0)
		return NULL;
	return table_find_or_add(h, &uuid);
}

void guests_lifecycle(struct hypervisor *h, virDomainPtr domain, int event, int detail)
{
	struct guest_entry *g = guest_of(h, domain);

	if (!g)
		return;
	g->seen_in = h->link_number;
	refresh_mark(h, g, event == VIR_DOMAIN_EVENT_STARTED);
	apply_event(h, g, domain, event, detail);
	refresh_pump(h);
}

void guests_changed(struct hypervisor *h, virDomainPtr domain)
{
	struct guest_entry *g = guest_of(h, domain);

	if (!g)
		return;
	refresh_mark(h, g, false);
	refresh_pump(h);
}

void guests_rebooted(struct hypervisor *h, virDomainPtr domain)
{
	struct guest_entry *g = guest_of(h, domain);
	uint64_t now = loop_now(h->loop);
	struct uuid uuid;

	if (!g || !g->reported)
		return;
	if (g->rebooted_at && now - g->rebooted_at < REBOOT_PAIR_US)
		return;
	g->rebooted_at = now;
	uuid = g->info.uuid;
	h->events->rebooted(h->arg, h, &uuid);
}

void guests_finish(struct hypervisor *h)
{
	size_t i;

	questions_drop(h);
	for (i = 0; i < BUCKETS; i++)
		while (!LIST_EMPTY(&h->guests[i]))
			drop(h, LIST_FIRST(&h->guests[i]));
}
