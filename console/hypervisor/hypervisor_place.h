/*
 * What libvirt says about one guest, as a place_info. Blocking: for job threads.
 */
#ifndef CONSOLE_HYPERVISOR_HYPERVISOR_PLACE_H
#define CONSOLE_HYPERVISOR_HYPERVISOR_PLACE_H

#include <libvirt/libvirt.h>

#include "console/hypervisor/hypervisor.h"
#include "console/libvirt/virt_connect.h"

struct place_reading {
	struct place_info info; /* run is 0; state never INCOMING: only events tell that */
	int domain_id;          /* libvirt's number of this life; -1 while it is off */
};

/* 0; -ENOENT: no such domain; -EIO and *error. */
int place_read(virConnectPtr conn, const struct uuid *uuid, struct place_reading *reading,
	struct virt_error *error) MUST_CHECK;

/* From the detail of VIR_DOMAIN_EVENT_STOPPED. */
enum place_reason place_reason_of_event(int detail);

#endif
