/*
 * What hypervisors report, on its way to the directory: sessions are judged anew where a guest's
 * name, place or groups have changed.
 */
#ifndef BROKER_GUEST_EVENTS_H
#define BROKER_GUEST_EVENTS_H

#include "console/hypervisor/hypervisor.h"

/* For hypervisor_create, with the broker's directory as arg. */
extern const struct hypervisor_events guest_events;

/* Judges all sessions on the guest anew. */
struct guest;
void guest_rights_changed(const struct guest *guest);

#endif
