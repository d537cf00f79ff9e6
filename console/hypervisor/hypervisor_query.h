/*
 * One question to a hypervisor about a guest that nothing else of it needs to know.
 */
#ifndef CONSOLE_HYPERVISOR_HYPERVISOR_QUERY_H
#define CONSOLE_HYPERVISOR_HYPERVISOR_QUERY_H

#include "console/domain/graphics.h"
#include "console/hypervisor/hypervisor.h"

struct hypervisor_query;

/* ticket is there during the call only, and wiped after it; NULL with an error: -ENOENT (no such
 * guest, no graphics, no password), -EIO. */
typedef void (*hypervisor_graphics_fn)(void *arg, int error, const struct graphics_ticket *ticket);

/* 0: done follows on a later turn, and *question can be cancelled until then. -ENOTCONN, -EAGAIN,
 * -ENOMEM. */
int hypervisor_ask_graphics(struct hypervisor *h, const struct uuid *uuid,
	hypervisor_graphics_fn done, void *arg, struct hypervisor_query **query) MUST_CHECK;

/* done is not called any more. For NULL inside too. */
void hypervisor_query_cancel(struct hypervisor_query **query);

#endif
