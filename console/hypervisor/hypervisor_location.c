/*
 * Task: turn a libvirt domain into a location_info. Owner: the hypervisor. Keeps nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/virterror.h>

#include "console/hypervisor/hypervisor_location.h"

/* A domain on its way down still has its QEMU: it counts as running until it has stopped. */
static enum location_state state_of(int state, bool active)
{
	if (!active)
		return LOCATION_OFF;
	switch (state) {
	case VIR_DOMAIN_PAUSED:
	case VIR_DOMAIN_PMSUSPENDED:
		return LOCATION_PAUSED;
	case VIR_DOMAIN_CRASHED:
		return LOCATION_CRASHED;
	default: /* foreign numbers; newer libvirt may have more */
		return LOCATION_RUNNING;
	}
}

static enum location_reason reason_of(int state, int reason)
{
	if (state == VIR_DOMAIN_CRASHED)
		return LOCATION_REASON_CRASHED;
	switch (reason) {
	case VIR_DOMAIN_SHUTOFF_SHUTDOWN:
		return LOCATION_REASON_SHUTDOWN;
	case VIR_DOMAIN_SHUTOFF_DESTROYED:
		return LOCATION_REASON_DESTROYED;
	case VIR_DOMAIN_SHUTOFF_CRASHED:
		return LOCATION_REASON_CRASHED;
	case VIR_DOMAIN_SHUTOFF_MIGRATED:
		return LOCATION_REASON_MIGRATED;
	case VIR_DOMAIN_SHUTOFF_SAVED:
		return LOCATION_REASON_SAVED;
	case VIR_DOMAIN_SHUTOFF_FAILED:
		return LOCATION_REASON_FAILED;
	default:
		return LOCATION_REASON_NONE;
	}
}

enum location_reason location_reason_of_event(int detail)
{
	switch (detail) {
	case VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN:
		return LOCATION_REASON_SHUTDOWN;
	case VIR_DOMAIN_EVENT_STOPPED_DESTROYED:
		return LOCATION_REASON_DESTROYED;
	case VIR_DOMAIN_EVENT_STOPPED_CRASHED:
		return LOCATION_REASON_CRASHED;
	case VIR_DOMAIN_EVENT_STOPPED_MIGRATED:
		return LOCATION_REASON_MIGRATED;
	case VIR_DOMAIN_EVENT_STOPPED_SAVED:
		return LOCATION_REASON_SAVED;
	case VIR_DOMAIN_EVENT_STOPPED_FAILED:
		return LOCATION_REASON_FAILED;
	default:
		return LOCATION_REASON_NONE;
	}
}

static int failed(struct virt_error *error)
{
	virt_error_take(error);
	return error->code == VIR_ERR_NO_DOMAIN ? -ENOENT : -EIO;
}

static int read_domain(virDomainPtr domain, struct location_reading *out, struct virt_error *error)
{
	struct location_info *info = &out->info;
	int state, reason, persistent;
	char *xml;

	out->domain_id = (int)virDomainGetID(domain);
	snprintf(info->name, sizeof(info->name), "%s", virDomainGetName(domain));
	if (virDomainGetState(domain, &state, &reason, 0) < 0)
		return failed(error);
	persistent = virDomainIsPersistent(domain);
	xml = persistent < 0 ? NULL : virDomainGetXMLDesc(domain, 0);
	if (!xml)
		return failed(error);
	/* XML that cannot be read is that of a guest without consoles. */
	(void)devices_parse(xml, &info->devices);
	(void)groups_parse(xml, &info->groups);
	(void)!aids_parse(xml, &info->aids);
	free(xml);
	info->transient = !persistent;
	info->ending = state == VIR_DOMAIN_SHUTDOWN;
	info->state = state_of(state, out->domain_id >= 0 && state != VIR_DOMAIN_SHUTOFF);
	if (info->state == LOCATION_OFF) {
		info->reason = reason_of(state, reason);
		out->domain_id = -1;
	}
	return 0;
}

int place_read(virConnectPtr conn, const struct uuid *uuid, struct location_reading *reading,
	struct virt_error *error)
{
	virDomainPtr domain;
	int r;

	memset(reading, 0, sizeof(*reading));
	reading->info.uuid = *uuid;
	domain = virDomainLookupByUUID(conn, uuid->b);
	if (!domain)
		return failed(error);
	r = read_domain(domain, reading, error);
	virDomainFree(domain);
	return r;
}
