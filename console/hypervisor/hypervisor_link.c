/*
 * Task: the control connection: open it, hear when it breaks, pass its events on, close it.
 * Owner: the hypervisor; an abandoned one belongs to its last job. Knows no guest.
 *
 * libvirt tells that a connection has closed in whatever thread notices: a wakeup brings that to
 * the loop. Guest events come on the loop already, since libvirt sends them from a timeout.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/virterror.h>

#include "console/hypervisor/hypervisor_private.h"
#include "console/libvirt/virt_wakeup.h"
#include "core/log.h"

/* --- libvirt's callbacks --- */

static void on_closed(virConnectPtr conn, int reason, void *arg)
{
	struct hypervisor_link *link = arg;

	atomic_store(&link->close_reason, reason);
	virt_wakeup_fire(link->wakeup);
}

static const char *reason_text(int reason)
{
	switch (reason) {
	case VIR_CONNECT_CLOSE_REASON_EOF:
		return "libvirtd closed the connection";
	case VIR_CONNECT_CLOSE_REASON_KEEPALIVE:
		return "libvirtd does not answer";
	default:
		return "connection to libvirtd broke";
	}
}

static void on_closed_bell(void *arg)
{
	struct hypervisor_link *link = arg;

	if (link->state == LINK_OPEN)
		link->h->parts->lost(link->h, reason_text(atomic_load(&link->close_reason)), "");
}

/* Events that come before the listing has been taken over count too. */
static int on_lifecycle(virConnectPtr conn, virDomainPtr domain, int event, int detail, void *arg)
{
	struct hypervisor_link *link = arg;

	if (link->state != LINK_DEAD)
		link->h->parts->lifecycle(link->h, domain, event, detail);
	return 0;
}

static void on_reboot(virConnectPtr conn, virDomainPtr domain, void *arg)
{
	struct hypervisor_link *link = arg;

	if (link->state != LINK_DEAD)
		link->h->parts->rebooted(link->h, domain);
}

/* Groups stand in the metadata. */
static void on_metadata(
	virConnectPtr conn, virDomainPtr domain, int type, const char *uri, void *arg)
{
	struct hypervisor_link *link = arg;

	if (link->state != LINK_DEAD)
		link->h->parts->changed(link->h, domain);
}

/* --- jobs --- */

/*
 * libvirt takes every callback as one type and calls it as the type that belongs to the event.
 * void (*)(void) stands for any function: compilers warn of a cast between two other types.
 */
typedef void (*any_function)(void);

static int register_event(struct hypervisor_link *link, int event, any_function callback)
{
	return virConnectDomainEventRegisterAny(
		link->conn, NULL, event, VIR_DOMAIN_EVENT_CALLBACK(callback), link, NULL);
}

static int register_events(struct hypervisor_link *link)
{
	link->callbacks[0] =
		register_event(link, VIR_DOMAIN_EVENT_ID_LIFECYCLE, (any_function)on_lifecycle);
	if (link->callbacks[0] < 0)
		return -1;
	link->callbacks[1] =
		register_event(link, VIR_DOMAIN_EVENT_ID_REBOOT, (any_function)on_reboot);
	if (link->callbacks[1] < 0)
		return -1;
	/* Not every driver has it; groups are read at the next change of state then. */
	link->callbacks[2] = register_event(
		link, VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, (any_function)on_metadata);
	return 0;
}

static int list_guests(struct hypervisor_link *link)
{
	virDomainPtr *domains;
	int count = virConnectListAllDomains(link->conn, &domains, 0), i;

	if (count < 0)
		return -1;
	link->listed = calloc((size_t)count + 1, sizeof(*link->listed));
	for (i = 0; i < count; i++) {
		if (link->listed && virDomainGetUUID(domains[i], link->listed[i].b) == 0)
			link->listed_count = (size_t)i + 1;
		virDomainFree(domains[i]);
	}
	free(domains);
	return link->listed ? 0 : -1;
}

/* Everything that holds the connection must let go of it first: virConnectClose only drops one
 * reference. On a broken connection all this returns at once. */
static void close_connection(struct hypervisor_link *link)
{
	size_t i;

	if (!link->conn)
		return;
	for (i = 0; i < LINK_EVENTS; i++)
		if (link->callbacks[i] >= 0)
			(void)virConnectDomainEventDeregisterAny(link->conn, link->callbacks[i]);
	(void)virConnectUnregisterCloseCallback(link->conn, on_closed);
	(void)virConnectClose(link->conn);
	link->conn = NULL;
}

static void open_work(void *arg)
{
	struct hypervisor_link *link = arg;

	link->conn = virt_connect(&link->h->target, &link->socket, &link->error);
	if (!link->conn) {
		(void)virt_cure(&link->error, link->cure);
		return;
	}
	/* Not every driver has them; without keepalive a stopped libvirtd is noticed later. */
	(void)virConnectSetKeepAlive(
		link->conn, HYPERVISOR_KEEPALIVE_S, HYPERVISOR_KEEPALIVE_COUNT);
	if (virConnectRegisterCloseCallback(link->conn, on_closed, link, NULL) == 0 &&
		register_events(link) >= 0 && list_guests(link) == 0)
		return;
	virt_error_take(&link->error);
	virt_socket_break(&link->socket);
	close_connection(link);
}

static void link_free(struct hypervisor_link *link)
{
	virt_wakeup_del(&link->wakeup);
	virt_socket_finish(&link->socket);
	free(link->listed);
	free(link);
}

static void close_work(void *arg)
{
	close_connection(arg);
}

static void close_done(void *arg)
{
	struct hypervisor_link *link = arg;

	close_connection(link); /* if the job was cancelled */
	link_free(link);
}

static void close_when_unused(struct hypervisor_link *link)
{
	if (link->state == LINK_DEAD && link->jobs == 0 &&
		job_submit(link->h->control, close_work, close_done, link) < 0)
		close_done(link);
}

static void open_done(void *arg)
{
	struct hypervisor_link *link = arg;
	struct hypervisor *h = link->h;

	if (link->state == LINK_OPENING && link->conn && atomic_load(&link->close_reason) < 0) {
		link->state = LINK_OPEN;
		h->parts->opened(h);
		h->parts->listed(h, link->listed, link->listed_count);
	} else if (link->state == LINK_OPENING) {
		h->parts->lost(h,
			link->conn ? reason_text(atomic_load(&link->close_reason))
				   : link->error.text,
			link->cure);
	}
	link_job_end(link);
}

int link_open(struct hypervisor *h)
{
	struct hypervisor_link *link = calloc(1, sizeof(*link));
	int r;

	if (!link)
		return -ENOMEM;
	link->h = h;
	link->state = LINK_OPENING;
	link->callbacks[0] = link->callbacks[1] = link->callbacks[2] = link->wakeup = -1;
	atomic_init(&link->close_reason, -1);
	virt_socket_init(&link->socket);
	r = virt_wakeup_add(on_closed_bell, link, &link->wakeup);
	if (r == 0)
		r = job_submit(h->control, open_work, open_done, link);
	if (r < 0) {
		link_free(link);
		return r;
	}
	link_job_begin(link);
	h->link = link;
	return 0;
}

void link_job_begin(struct hypervisor_link *link)
{
	link->jobs++;
}

void link_job_end(struct hypervisor_link *link)
{
	link->jobs--;
	close_when_unused(link);
}

void link_abandon(struct hypervisor_link *link)
{
	link->state = LINK_DEAD;
	virt_socket_break(&link->socket);
	close_when_unused(link);
}
