/*
 * Task: call the loop from any thread. A timeout of the virt_loop, woken by setting it to zero.
 */
#include <errno.h>
#include <stdlib.h>

#include <libvirt/libvirt.h>

#include "console/libvirt/virt_bell.h"

struct bell {
	loop_fn fn;
	void *arg;
};

static void on_bell(int id, void *arg)
{
	const struct bell *bell = arg;

	virEventUpdateTimeout(id, -1);
	bell->fn(bell->arg);
}

int virt_bell_add(loop_fn fn, void *arg, int *id)
{
	struct bell *bell = malloc(sizeof(*bell));

	if (!bell)
		return -ENOMEM;
	*bell = (struct bell){fn, arg};
	*id = virEventAddTimeout(-1, on_bell, bell, free);
	if (*id >= 0)
		return 0;
	free(bell);
	return -ENOMEM;
}

void virt_bell_ring(int id)
{
	virEventUpdateTimeout(id, 0);
}

void virt_bell_del(int *id)
{
	if (*id >= 0)
		(void)virEventRemoveTimeout(*id);
	*id = -1;
}
