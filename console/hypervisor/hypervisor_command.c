/*
 * Task: see hypervisor_command.h. Owner: the hypervisor, until the job has ended.
 *
 * libvirt has no call for a break; its way to QEMU's monitor marks the domain as tainted.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <libvirt/libvirt-qemu.h>

#include "console/hypervisor/hypervisor_private.h"
#include "core/log.h"

struct hypervisor_command {
	LIST_ENTRY(hypervisor_command) entry;
	struct hypervisor *h;
	struct hypervisor_link *link;
	enum hypervisor_command_kind kind;
	struct uuid uuid;
	char alias[DEVICE_ALIAS_MAX];
	hypervisor_commanded_fn done; /* NULL: forgotten */
	void *arg;
	bool resumes; /* forgotten, and the guest is to run */
	int error;
	char text[VIRT_TEXT_MAX];
};

/* --- in the job --- */

static void fail(struct hypervisor_command *o)
{
	struct virt_error error;

	virt_error_take(&error);
	o->error = virt_error_number(&error);
	snprintf(o->text, sizeof(o->text), "%s", error.text);
}

/* QEMU's own refusal comes as an answer. */
static void read_answer(struct hypervisor_command *o, const char *answer)
{
	json_t *json = answer ? json_loads(answer, 0, NULL) : NULL;
	const json_t *error = json_object_get(json, "error");
	const char *why = json_string_value(json_object_get(error, "desc"));

	if (error) {
		o->error = -EIO;
		snprintf(o->text, sizeof(o->text), "%s", why ? why : "QEMU refuses");
	}
	json_decref(json);
}

static void send_break(struct hypervisor_command *o, virDomainPtr domain)
{
	char command[DEVICE_ALIAS_MAX + 128], *answer = NULL;

	snprintf(command, sizeof(command),
		"{\"execute\":\"chardev-send-break\",\"arguments\":{\"id\":\"char%s\"}}", o->alias);
	if (virDomainQemuMonitorCommand(domain, command, &answer, 0) < 0)
		fail(o);
	else
		read_answer(o, answer);
	free(answer);
}

/* After a panic with on_crash=preserve libvirt leaves a guest that was reset paused. */
static int reset(virDomainPtr domain)
{
	int state, reason;

	if (virDomainReset(domain, 0) < 0 || virDomainGetState(domain, &state, &reason, 0) < 0)
		return -1;
	if (state == VIR_DOMAIN_PAUSED && reason == VIR_DOMAIN_PAUSED_CRASHED)
		return virDomainResume(domain);
	return 0;
}

static int switch_power(enum hypervisor_command_kind kind, virDomainPtr domain)
{
	switch (kind) {
	case HYPERVISOR_NMI:
		return virDomainInjectNMI(domain, 0);
	case HYPERVISOR_START:
		return virDomainCreate(domain);
	case HYPERVISOR_START_PAUSED:
		return virDomainCreateWithFlags(domain, VIR_DOMAIN_START_PAUSED);
	case HYPERVISOR_DESTROY:
		return virDomainDestroy(domain);
	case HYPERVISOR_RESET:
		return reset(domain);
	case HYPERVISOR_SHUTDOWN:
		return virDomainShutdown(domain);
	case HYPERVISOR_RESUME:
		return virDomainResume(domain);
	case HYPERVISOR_BREAK:
		break;
	}
	return 0;
}

static void command_work(void *arg)
{
	struct hypervisor_command *o = arg;
	virDomainPtr domain = virDomainLookupByUUID(o->link->conn, o->uuid.b);

	if (!domain) {
		fail(o);
		return;
	}
	if (o->kind == HYPERVISOR_BREAK)
		send_break(o, domain);
	else if (switch_power(o->kind, domain) < 0)
		fail(o);
	virDomainFree(domain);
}

/* --- on the loop --- */

static void resume(const struct hypervisor_command *o)
{
	struct hypervisor_command *next;
	int r = hypervisor_command(o->h, HYPERVISOR_RESUME, &o->uuid, NULL, NULL, NULL, &next);

	if (r < 0)
		log_warning(
			"a guest that was started stays paused: %s", hypervisor_command_refusal(r));
}

static void command_done(void *arg)
{
	struct hypervisor_command *o = arg;

	LIST_REMOVE(o, entry);
	link_job_end(o->link);
	if (job_cancelled(o->h->orders_pool)) {
		o->error = -ENOTCONN;
		snprintf(o->text, sizeof(o->text), "the service ends");
	}
	if (o->done)
		o->done(o->arg, o->error, o->text);
	else if (o->error)
		log_warning("an order that was given up has failed: %s", o->text);
	else if (o->resumes)
		resume(o);
	free(o);
}

/* The alias stands in JSON: only what needs no escape. */
static bool is_plain(const char *alias)
{
	size_t len = strlen(alias);

	return len > 0 && len < DEVICE_ALIAS_MAX &&
	       strspn(alias, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
		       len;
}

static bool is_busy(
	const struct hypervisor *h, enum hypervisor_command_kind kind, const struct uuid *uuid)
{
	const struct hypervisor_command *o;

	LIST_FOREACH (o, &h->commands, entry) {
		if (uuid_equal(&o->uuid, uuid) &&
			(kind != HYPERVISOR_DESTROY || o->kind == HYPERVISOR_DESTROY))
			return true;
	}
	return false;
}

int hypervisor_command(struct hypervisor *h, enum hypervisor_command_kind kind,
	const struct uuid *uuid, const char *alias, hypervisor_commanded_fn done, void *arg,
	struct hypervisor_command **order)
{
	struct hypervisor_command *o;
	int r;

	if (!h->link || h->link->state != LINK_OPEN)
		return -ENOTCONN;
	if (is_busy(h, kind, uuid))
		return -EBUSY;
	if (kind == HYPERVISOR_BREAK && !is_plain(alias))
		return -EINVAL;
	o = calloc(1, sizeof(*o));
	if (!o)
		return -ENOMEM;
	*o = (struct hypervisor_command){
		.h = h, .link = h->link, .kind = kind, .uuid = *uuid, .done = done, .arg = arg};
	snprintf(o->alias, sizeof(o->alias), "%s", alias ? alias : "");
	r = job_submit(h->orders_pool, command_work, command_done, o);
	if (r < 0) {
		free(o);
		return r;
	}
	link_job_begin(o->link);
	LIST_INSERT_HEAD(&h->commands, o, entry);
	*order = o;
	return 0;
}

const char *hypervisor_command_refusal(int error)
{
	switch (error) {
	case -ENOTCONN:
		return "the hypervisor is away";
	case -EBUSY:
		return "an earlier order has not been carried out";
	case -EAGAIN:
		return "too many orders are under way";
	case -EINVAL:
		return "the device's alias cannot be named to QEMU";
	default:
		return strerror(-error);
	}
}

void hypervisor_command_forget(struct hypervisor_command **order)
{
	if (*order)
		(*order)->done = NULL;
	*order = NULL;
}

void hypervisor_command_forget_and_resume(struct hypervisor_command **order)
{
	if (*order)
		(*order)->resumes = true;
	hypervisor_command_forget(order);
}
