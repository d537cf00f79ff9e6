/*
 * What hypervisors report, on its way to the directory: whatever goes on about a guest is judged
 * anew where its name, place or groups have changed.
 */
#ifndef BROKER_LOGIN_GUEST_EVENTS_H
#define BROKER_LOGIN_GUEST_EVENTS_H

#include "console/hypervisor/hypervisor.h"

/* For hypervisor_create, with the broker as arg. */
extern const struct hypervisor_events guest_events;

#endif
