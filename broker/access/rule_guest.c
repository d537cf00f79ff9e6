/* Task: see rule_guest.h. Owner: nobody; no state. */
#include "broker/access/rule_guest.h"
#include "console/guest/guest.h"
#include "console/hypervisor/hypervisor.h"

void rule_guest_init(struct rule_guest *r, const struct guest *guest)
{
	const struct hypervisor *h = guest_hypervisor(guest);
	const struct groups *groups = guest_groups(guest);

	r->vm = (struct rule_vm){.uuid = guest_uuid_text(guest),
		.name = guest_name(guest),
		.hypervisor = h ? hypervisor_name(h) : NULL,
		.groups = r->groups,
		.group_count = groups->count};
	for (size_t i = 0; i < groups->count; i++)
		r->groups[i] = groups->names[i];
}
