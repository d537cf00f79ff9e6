/*
 * Task: the life of a console opened through libvirt.
 * Owner: the console until close; afterwards itself, until its connection is closed.
 *
 * Nothing here blocks: jobs open and close. Whatever hangs in libvirt is broken by shutting the
 * connection's socket down; one that is being opened only when its time is over, since libvirtd
 * takes a console whose client went meanwhile for held until the guest ends. Events go up from the
 * bell, from a job's end, or from the stream's callback: always from the loop, never from inside an
 * op.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console/backend/backend_libvirt_private.h"
#include "console/libvirt/virt_bell.h"

static void open_done(void *arg);
static void pipe_settle(struct pipe *p);

/* Every client of a hypervisor is one of ours. */
static struct pipe *pipe_of(struct hypervisor_client *client)
{
	return (struct pipe *)((char *)client - offsetof(struct pipe, client));
}

/* --- notices from other threads, and to ourselves --- */

static void on_hypervisor_lost(struct hypervisor_client *client)
{
	struct pipe *p = pipe_of(client);

	atomic_store(&p->lost, true);
	virt_bell_ring(p->bell);
}

static void finish_send(struct pipe *p)
{
	p->send = PIPE_SEND_IDLE;
	if (p->base.careful && p->send_failed)
		return;
	if (p->state == PIPE_OPEN || p->state == PIPE_ENDING)
		p->events->sent(p->arg, p->send_len);
}

static void end_lost(struct pipe *p)
{
	pipe_end(p, BACKEND_LOST,
		hypervisor_is_up(p->h) ? "connection to libvirtd broke" : hypervisor_error(p->h));
}

/* The way broke: what the guest printed before is still taken. */
static void check_broken(struct pipe *p)
{
	if (p->state == PIPE_OPEN && (p->lost || p->send_failed))
		pipe_receive(p);
	if (p->state == PIPE_OPEN && p->lost)
		end_lost(p);
	else if (p->state == PIPE_OPEN && p->send_failed)
		pipe_end(p, BACKEND_EOF, "the console takes no input");
}

static void on_bell(void *arg)
{
	struct pipe *p = arg;

	if (p->state == PIPE_QUEUED && p->lost) {
		p->open_error = BACKEND_UNREACHED;
		snprintf(p->text, sizeof(p->text), "%s", hypervisor_error(p->h));
		open_done(p);
		return;
	}
	if (p->send == PIPE_SEND_DONE)
		finish_send(p);
	check_broken(p);
	pipe_settle(p);
}

/* --- the end --- */

void pipe_end(struct pipe *p, enum backend_end end, const char *text)
{
	p->state = PIPE_ENDING;
	p->end = end;
	snprintf(p->text, sizeof(p->text), "%s", text);
	pipe_unlisten(p);
	if (p->send == PIPE_SEND_THREAD)
		virt_capture_break(&p->client.capture);
	virt_bell_ring(p->bell); /* ended() comes from there */
}

static void start_next(struct hypervisor *h, const struct uuid *uuid);

static void reap_done(void *arg)
{
	struct pipe *p = arg;
	struct hypervisor *h = p->h;
	struct uuid uuid = p->uuid;

	pipe_close_work(p); /* if the job was cancelled */
	hypervisor_detach(h, &p->client);
	virt_bell_del(&p->bell);
	virt_capture_finish(&p->client.capture);
	free(p);
	start_next(h, &uuid);
}

/* A connection whose bytes libvirtd does not read cannot be closed in order. */
static void reap(struct pipe *p)
{
	p->state = PIPE_REAPING;
	pipe_unlisten(p);
	if (!pipe_is_drained(p))
		virt_capture_break(&p->client.capture);
	if (job_submit(hypervisor_jobs(p->h), pipe_close_work, reap_done, p) == 0)
		return;
	p->state = PIPE_CLOSING; /* no memory: try again */
	virt_bell_ring(p->bell);
}

/* Goes on when nothing is under way any more. */
static void pipe_settle(struct pipe *p)
{
	if (p->send != PIPE_SEND_IDLE)
		return;
	if (p->state == PIPE_ENDING) {
		p->state = PIPE_ENDED;
		p->events->ended(p->arg, p->end, p->text);
	} else if (p->state == PIPE_CLOSING) {
		reap(p);
	}
}

void pipe_send_over(struct pipe *p)
{
	free(p->data);
	p->data = NULL;
	finish_send(p);
	check_broken(p);
	pipe_settle(p);
}

static void pipe_close(struct backend **b)
{
	struct pipe *p = (struct pipe *)*b;
	enum pipe_state was = p->state;

	*b = NULL;
	p->state = was == PIPE_OPENING ? PIPE_LEFT : PIPE_CLOSING;
	if (p->send == PIPE_SEND_DONE)
		p->send = PIPE_SEND_IDLE;
	atomic_store(&p->lost, true); /* an opening job gives up */
	if (p->state == PIPE_LEFT)
		return; /* its time goes on, and so does open_done */
	hypervisor_client_patient(p->h, &p->client, HYPERVISOR_CLOSE_US);
	if (p->send == PIPE_SEND_THREAD)
		virt_capture_break(&p->client.capture);
	pipe_unlisten(p);
	pipe_settle(p);
}

/* The hypervisor ends: what could not be given to a job is done here. */
static void on_hypervisor_ends(struct hypervisor_client *client)
{
	struct pipe *p = pipe_of(client);

	if (p->state == PIPE_CLOSING && p->send == PIPE_SEND_IDLE)
		reap_done(p);
}

/* --- opening --- */

static void open_done(void *arg)
{
	struct pipe *p = arg;

	if (p->state == PIPE_LEFT) {
		p->state = PIPE_CLOSING;
		hypervisor_client_patient(p->h, &p->client, HYPERVISOR_CLOSE_US);
		pipe_settle(p);
		return;
	}
	hypervisor_client_patient(p->h, &p->client, 0);
	if (p->open_error == BACKEND_OK && (p->lost || pipe_listen(p) < 0)) {
		p->open_error = BACKEND_UNREACHED;
		snprintf(p->text, sizeof(p->text), "connection to libvirtd broke");
	}
	p->state = p->open_error == BACKEND_OK ? PIPE_OPEN : PIPE_ENDED;
	p->events->opened(p->arg, p->open_error, p->text);
}

static int start_opening(struct pipe *p)
{
	int r = job_submit(hypervisor_jobs(p->h), pipe_open_work, open_done, p);

	if (r < 0)
		return r;
	p->state = PIPE_OPENING;
	hypervisor_client_patient(p->h, &p->client, HYPERVISOR_OPEN_US);
	return 0;
}

/* Another connection to the same guest that its owner has closed. */
static bool has_remains(struct hypervisor *h, const struct uuid *uuid)
{
	struct hypervisor_client *c = NULL;

	while ((c = hypervisor_next_client(h, c))) {
		const struct pipe *other = pipe_of(c);

		if (other->state >= PIPE_LEFT && uuid_equal(&other->uuid, uuid))
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
		struct pipe *p = pipe_of(c);

		if (p->state != PIPE_QUEUED || !uuid_equal(&p->uuid, uuid) || start_opening(p) == 0)
			continue;
		atomic_store(&p->lost, true);
		virt_bell_ring(p->bell);
	}
}

static const struct backend_ops ops = {.send = pipe_send, .close = pipe_close};

int backend_libvirt_open(struct hypervisor *h, const struct uuid *uuid, const char *alias,
	int force, const struct backend_events *events, void *arg, struct backend **b)
{
	struct pipe *p;
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
	virt_capture_init(&p->client.capture);
	atomic_init(&p->lost, false);
	r = virt_bell_add(on_bell, p, &p->bell);
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
	virt_bell_del(&p->bell);
fail:
	free(p);
	return r;
}
