/* Task: notice that rules may match a guest otherwise than before. Owner: nobody; no state. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "broker/files/file_store.h"
#include "broker/login/context.h"
#include "broker/login/guest_events.h"
#include "broker/login/judge.h"
#include "console/guest/directory.h"

/* What rules look at. */
struct face {
	char name[LOCATION_NAME_MAX];
	struct groups groups;
	struct hypervisor *hypervisor;
};

static void look(const struct guest *g, struct face *face)
{
	memset(face, 0, sizeof(*face));
	if (!g)
		return;
	snprintf(face->name, sizeof(face->name), "%s", guest_name(g));
	face->groups = *guest_groups(g);
	face->hypervisor = guest_hypervisor(g);
}

static bool is_same(const struct face *a, const struct face *b)
{
	return strcmp(a->name, b->name) == 0 && a->hypervisor == b->hypervisor &&
	       groups_equal(&a->groups, &b->groups);
}

/* Where a guest is may depend on who can be asked. */
static void on_link(void *arg, struct hypervisor *h, int up, const char *text)
{
	const struct broker_context *context = arg;

	directory_events.link(context->directory, h, up, text);
	if (up)
		file_store_link(context->files, context->directory, h);
	else
		file_store_lost(context->files, h);
	judge_all(context);
}

static void on_location(void *arg, struct hypervisor *h, const struct location_info *info)
{
	const struct broker_context *context = arg;
	struct directory *d = context->directory;
	const struct guest *g = directory_by_uuid(d, &info->uuid);
	struct face before, after;

	look(g, &before);
	directory_events.location(d, h, info);
	file_store_place(context->files, h, info);
	if (!g)
		return;
	look(g, &after);
	if (!is_same(&before, &after))
		judge_guest(context, g);
}

/* A guest that nobody knows any more keeps its sessions: they say themselves what has become of
 * it, and no rule can have got wider by its going. One that another hypervisor knows is there. */
static void on_gone(void *arg, struct hypervisor *h, const struct location_info *info)
{
	const struct broker_context *context = arg;
	struct directory *d = context->directory;
	const struct guest *g = directory_by_uuid(d, &info->uuid);
	struct face before, after;

	look(g, &before);
	directory_events.gone(d, h, info);
	file_store_gone(context->files, h, info);
	look(g, &after);
	if (g && guest_is_known(g) && !is_same(&before, &after))
		judge_guest(context, g);
}

static void on_rebooted(void *arg, struct hypervisor *h, const struct uuid *uuid)
{
	const struct broker_context *context = arg;

	directory_events.rebooted(context->directory, h, uuid);
}

static void on_panicked(void *arg, struct hypervisor *h, const struct uuid *uuid)
{
	const struct broker_context *context = arg;

	directory_events.panicked(context->directory, h, uuid);
}

const struct hypervisor_events guest_events = {
	.link = on_link,
	.location = on_location,
	.gone = on_gone,
	.rebooted = on_rebooted,
	.panicked = on_panicked,
};
