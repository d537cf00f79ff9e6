/*
 * Task: the life of a console opened through libvirt.
 * Owner: the console until close; afterwards itself, until its connection is closed.
 *
 * Nothing here blocks: jobs open and close. Whatever hangs in libvirt is broken by shutting the
 * connection's socket down; one that is being opened only when its time is over, since libvirtd
 * takes a console whose client went meanwhile for held until the guest ends. Events go up from the
 * wakeup, from a job's end, or from the stream's callback: always from the loop, never from inside
 * an op.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console/backend/backend_libvirt_private.h"
#include "console/libvirt/virt_wakeup.h"

static void open_done(void *arg);
static void libvirt_backend_update(struct libvirt_backend *p);

/* Every client of a hypervisor is one of ours. */
static struct libvirt_backend *libvirt_backend_of(struct hypervisor_client *client)
{
	return (struct libvirt_backend *)((char *)client -
					  offsetof(struct libvirt_backend, client));
}

/* --- notices from other threads, and to ourselves --- */

static void on_hypervisor_lost(struct hypervisor_client *client)
{
	struct libvirt_backend *p = libvirt_backend_of(client);

	atomic_store(&p->lost, true);
	virt_wakeup_fire(p->wakeup);
}

static void finish_send(struct libvirt_backend *p)
{
	p->send = LIBVIRT_BACKEND_SEND_IDLE;
	if (p->base.careful && p->send_failed)
		return;
	if (p->state == LIBVIRT_BACKEND_OPEN || p->state == LIBVIRT_BACKEND_ENDING)
		p->events->sent(p->arg, p->send_len);
}

static void end_lost(struct libvirt_backend *p)
{
	libvirt_backend_end(p, BACKEND_LOST,
		hypervisor_is_up(p->h) ? "connection to libvirtd broke" : hypervisor_error(p->h));
}

/* The way broke: what the guest printed before is still taken. */
static void check_broken(struct libvirt_backend *p)
{
	if (p->state == LIBVIRT_BACKEND_OPEN && (p->lost || p->send_failed))
		libvirt_backend_receive(p);
	if (p->state == LIBVIRT_BACKEND_OPEN && p->lost)
		end_lost(p);
	else if (p->state == LIBVIRT_BACKEND_OPEN && p->send_failed)
		libvirt_backend_end(p, BACKEND_EOF, "the console takes no input");
}

static void on_wakeup(void *arg)
{
	struct libvirt_backend *p = arg;

	if (p->state == LIBVIRT_BACKEND_QUEUED && p->lost) {
		p->open_error = BACKEND_UNREACHED;
		snprintf(p->text, sizeof(p->text), "%s", hypervisor_error(p->h));
		open_done(p);
		return;
	}
	if (p->send == LIBVIRT_BACKEND_SEND_DONE)
		finish_send(p);
	check_broken(p);
	libvirt_backend_update(p);
}

/* --- the end --- */

void libvirt_backend_end(struct libvirt_backend *p, enum backend_end end, const char *text)
{
	p->state = LIBVIRT_BACKEND_ENDING;
	p->end = end;
	snprintf(p->text, sizeof(p->text), "%s", text);
	libvirt_backend_unlisten(p);
	if (p->send == LIBVIRT_BACKEND_SEND_THREAD)
		virt_socket_break(&p->client.socket);
	virt_wakeup_fire(p->wakeup); /* ended() comes from there */
}

static void start_next(struct hypervisor *h, const struct uuid *uuid);

static void reap_done(void *arg)
{
	struct libvirt_backend *p = arg;
	struct hypervisor *h = p->h;
	struct uuid uuid = p->uuid;

	libvirt_backend_close_work(p); /* if the job was cancelled */
	hypervisor_detach(h, &p->client);
	virt_wakeup_del(&p->wakeup);
	virt_socket_finish(&p->client.socket);
	free(p);
	start_next(h, &uuid);
}

/* A connection whose bytes libvirtd does not read cannot be closed in order. */
static void reap(struct libvirt_backend *p)
{
	p->state = LIBVIRT_BACKEND_REAPING;
	libvirt_backend_unlisten(p);
	if (!libvirt_backend_is_drained(p))
		virt_socket_break(&p->client.socket);
	if (job_submit(hypervisor_jobs(p->h), libvirt_backend_close_work, reap_done, p) == 0)
		return;
	p->state = LIBVIRT_BACKEND_CLOSING; /* no memory: try again */
	virt_wakeup_fire(p->wakeup);
}

/* Goes on when nothing is under way any more. */
static void libvirt_backend_update(struct libvirt_backend *p)
{
	if (p->send != LIBVIRT_BACKEND_SEND_IDLE)
		return;
	if (p->state == LIBVIRT_BACKEND_ENDING) {
		p->state = LIBVIRT_BACKEND_ENDED;
		p->events->ended(p->arg, p->end, p->text);
	} else if (p->state == LIBVIRT_BACKEND_CLOSING) {
		reap(p);
	}
}

void libvirt_backend_send_over(struct libvirt_backend *p)
{
	free(p->data);
	p->data = NULL;
	finish_send(p);
	check_broken(p);
	libvirt_backend_update(p);
}

static void libvirt_backend_close(struct backend **b)
{
	struct libvirt_backend *p = (struct libvirt_backend *)*b;
	enum libvirt_backend_state was = p->state;

	*b = NULL;
	p->state = was == LIBVIRT_BACKEND_OPENING ? LIBVIRT_BACKEND_LEFT : LIBVIRT_BACKEND_CLOSING;
	if (p->send == LIBVIRT_BACKEND_SEND_DONE)
		p->send = LIBVIRT_BACKEND_SEND_IDLE;
	atomic_store(&p->lost, true); /* an opening job gives up */
	if (p->state == LIBVIRT_BACKEND_LEFT)
		return; /* its time goes on, and so does open_done */
	hypervisor_client_patient(p->h, &p->client, HYPERVISOR_CLOSE_US);
	if (p->send == LIBVIRT_BACKEND_SEND_THREAD)
		virt_socket_break(&p->client.socket);
	libvirt_backend_unlisten(p);
	libvirt_backend_update(p);
}

/* The hypervisor ends: what could not be given to a job is done here. */
static void on_hypervisor_ends(struct hypervisor_client *client)
{
	struct libvirt_backend *p = libvirt_backend_of(client);

	if (p->state == LIBVIRT_BACKEND_CLOSING && p->send == LIBVIRT_BACKEND_SEND_IDLE)
		reap_done(p);
}

/* --- opening --- */

static void open_done(void *arg)
{
	struct libvirt_backend *p = arg;

	if (p->state == LIBVIRT_BACKEND_LEFT) {
		p->state = LIBVIRT_BACKEND_CLOSING;
		hypervisor_client_patient(p->h, &p->client, HYPERVISOR_CLOSE_US);
		libvirt_backend_update(p);
		return;
	}
	hypervisor_client_patient(p->h, &p->client, 0);
	if (p->open_error == BACKEND_OK && (p->lost || libvirt_backend_listen(p) < 0)) {
		p->open_error = BACKEND_UNREACHED;
		snprintf(p->text, sizeof(p->text), "connection to libvirtd broke");
	}
	p->state = p->open_error == BACKEND_OK ? LIBVIRT_BACKEND_OPEN : LIBVIRT_BACKEND_ENDED;
	p->events->opened(p->arg, p->open_error, p->text);
}

static int start_opening(struct libvirt_backend *p)
{
	int r = job_submit(hypervisor_jobs(p->h), libvirt_backend_open_work, open_done, p);

	if (r < 0)
		return r;
	p->state = LIBVIRT_BACKEND_OPENING;
	hypervisor_client_patient(p->h, &p->client, HYPERVISOR_OPEN_US);
	return 0;
}

/* Another connection to the same guest that its owner has closed. */
static bool has_remains(struct hypervisor *h, const struct uuid *uuid)
{
	struct hypervisor_client *c = NULL;

	while ((c = hypervisor_next_client(h, c))) {
		const struct libvirt_backend *other = libvirt_backend_of(c);

		if (other->state >= LIBVIRT_BACKEND_LEFT && uuid_equal(&other->uuid, uuid))
			return true;
	}
	return false;
}

static void start_next(struct hypervisor *h, const struct uuid *uuid)
{
	struct hypervisor_client *c = NULL;

	if (has_remains(h, uuid))
		return;
	while ((c = hypervisor_next_client(h, c))) {
		struct libvirt_backend *p = libvirt_backend_of(c);

		if (p->state != LIBVIRT_BACKEND_QUEUED || !uuid_equal(&p->uuid, uuid) ||
			start_opening(p) == 0)
			continue;
		atomic_store(&p->lost, true);
		virt_wakeup_fire(p->wakeup);
	}
}

static const struct backend_ops ops = {
	.send = libvirt_backend_send, .close = libvirt_backend_close};

int backend_libvirt_open(struct hypervisor *h, const struct uuid *uuid, const char *alias,
	int force, const struct backend_events *events, void *arg, struct backend **b)
{
	struct libvirt_backend *p;
	int r;

	if (alias && strlen(alias) >= DEVICE_ALIAS_MAX)
		return -EINVAL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->base.ops = &ops;
	p->h = h;
	p->events = events;
	p->arg = arg;
	p->uuid = *uuid;
	p->force = force != 0;
	p->client.lost = on_hypervisor_lost;
	p->client.ends = on_hypervisor_ends;
	snprintf(p->alias, sizeof(p->alias), "%s", alias ? alias : "");
	virt_socket_init(&p->client.socket);
	atomic_init(&p->lost, false);
	r = virt_wakeup_add(on_wakeup, p, &p->wakeup);
	if (r < 0)
		goto fail;
	p->patient = has_remains(h, uuid);
	r = hypervisor_attach(h, &p->client);
	if (r < 0)
		goto fail_bell;
	if (!p->patient)
		r = start_opening(p);
	if (r < 0)
		goto fail_attached;
	*b = &p->base;
	return 0;
fail_attached:
	hypervisor_detach(h, &p->client);
fail_bell:
	virt_wakeup_del(&p->wakeup);
fail:
	free(p);
	return r;
}
