/* What makes a console stay blank: the checks of the verb doctor. */
#ifndef BROKER_ADMIN_DOCTOR_H
#define BROKER_ADMIN_DOCTOR_H

#include "broker/admin/findings.h"

struct broker_context;
struct guest;
struct hypervisor;

/* Of one guest; device: of which console, NULL: the main one. */
void doctor_guest(const struct guest *g, const char *device, struct findings *f);
/* Of the host, as far as it is known without asking anybody. */
void doctor_host(const struct broker_context *context, struct findings *f);
/* The hypervisor, if it cannot be reached. */
void doctor_hypervisor(const struct hypervisor *h, struct findings *f);

#endif
