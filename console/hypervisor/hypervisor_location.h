/*
 * What libvirt says about one guest, as a location_info. Blocking: for job threads.
 */
#ifndef CONSOLE_HYPERVISOR_HYPERVISOR_LOCATION_H
#define CONSOLE_HYPERVISOR_HYPERVISOR_LOCATION_H

#include <libvirt/libvirt.h>

#include "console/hypervisor/hypervisor.h"
#include "console/libvirt/virt_connect.h"

struct location_reading {
	struct location_info
		info;  /* generation is 0; state never INCOMING: only events tell that */
	int domain_id; /* libvirt's number of this life; -1 while it is off */
};

/* 0; -ENOENT: no such domain; -EIO and *error. */
int place_read(virConnectPtr conn, const struct uuid *uuid, struct location_reading *reading,
	struct virt_error *error) MUST_CHECK;

/* From the detail of VIR_DOMAIN_EVENT_STOPPED. */
enum location_reason location_reason_of_event(int detail);

#endif
