/*
 * Task: call the loop from any thread. A timeout of the virt_loop, woken by setting it to zero.
 */
#include <errno.h>
#include <stdlib.h>

#include <libvirt/libvirt.h>

#include "console/libvirt/virt_wakeup.h"

struct wakeup {
	loop_fn fn;
	void *arg;
};

static void on_wakeup(int id, void *arg)
{
	const struct wakeup *wakeup = arg;

	virEventUpdateTimeout(id, -1);
	wakeup->fn(wakeup->arg);
}

int virt_wakeup_add(loop_fn fn, void *arg, int *id)
{
	struct wakeup *wakeup = malloc(sizeof(*wakeup));

	if (!wakeup)
		return -ENOMEM;
	*wakeup = (struct wakeup){fn, arg};
	*id = virEventAddTimeout(-1, on_wakeup, wakeup, free);
	if (*id >= 0)
		return 0;
	free(wakeup);
	return -ENOMEM;
}

void virt_wakeup_fire(int id)
{
	virEventUpdateTimeout(id, 0);
}

void virt_wakeup_del(int *id)
{
	if (*id >= 0)
		(void)virEventRemoveTimeout(*id);
	*id = -1;
}
