/* A guest as rules see it. A value; looks into the guest. */
#ifndef BROKER_ACCESS_RULE_GUEST_H
#define BROKER_ACCESS_RULE_GUEST_H

#include "auth/rules.h"
#include "console/domain/groups.h"

struct guest;

struct rule_guest {
	struct rule_vm vm;
	const char *groups[GROUPS_MAX];
};

void rule_guest_init(struct rule_guest *r, const struct guest *guest);

#endif
