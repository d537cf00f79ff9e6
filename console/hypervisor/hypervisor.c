/*
 * Task: one hypervisor's life: connect, say what is up, lose, connect again; its clients.
 * Owner: the broker. Knows guests and the control connection by their private functions only.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console/hypervisor/hypervisor_peek.h"
#include "console/hypervisor/hypervisor_private.h"
#include "console/hypervisor/own_connection.h"
#include "core/log.h"

#define PATIENCE_STEP_US (LOOP_SECOND / 4)

static void wait_for_retry(struct hypervisor *h)
{
	h->state = HYPERVISOR_WAITING;
	loop_timer_set(h->retry, h->delay_us, 0);
	h->delay_us = h->delay_us * 2 < HYPERVISOR_RETRY_MAX_US ? h->delay_us * 2
								: HYPERVISOR_RETRY_MAX_US;
}

static void set_error(struct hypervisor *h, const char *text)
{
	snprintf(h->error, sizeof(h->error), "%s", text);
}

static void connect_now(struct hypervisor *h)
{
	int r = link_open(h);

	if (r < 0) {
		set_error(h, strerror(-r));
		wait_for_retry(h);
		return;
	}
	h->state = HYPERVISOR_CONNECTING;
	loop_timer_set(h->retry, OPEN_US, LOOP_SECOND);
}

/* Opening has no time limit in libvirt: it is broken off, and its job reports the failure. */
static void on_retry(void *arg)
{
	struct hypervisor *h = arg;

	if (h->state == HYPERVISOR_CONNECTING)
		virt_socket_break(&h->link->socket);
	else if (h->state == HYPERVISOR_WAITING)
		connect_now(h);
}

/* --- what the link reports --- */

static void on_opened(struct hypervisor *h)
{
	loop_timer_stop(h->retry);
	h->state = HYPERVISOR_LISTING;
	h->link_number++;
}

static void on_reported_all(struct hypervisor *h)
{
	if (h->state != HYPERVISOR_LISTING)
		return;
	h->state = HYPERVISOR_UP;
	h->delay_us = HYPERVISOR_RETRY_MIN_US;
	set_error(h, "");
	h->cure[0] = h->told[0] = '\0';
	log_info("hypervisor %s: connected", h->options.name);
	h->events->link(h->arg, h, 1, "");
}

/* Once, again when it changes, and then rarely: it is tried every few seconds. */
static void notify_error(struct hypervisor *h)
{
	uint64_t now = loop_now(h->loop);

	if (strcmp(h->told, h->error) == 0 && now - h->told_at < TELL_US)
		return;
	memcpy(h->told, h->error, sizeof(h->told));
	h->told_at = now;
	log_warning(
		"hypervisor %s: %s%s%s", h->options.name, h->error, *h->cure ? "; " : "", h->cure);
}

static void lose_clients(struct hypervisor *h)
{
	struct hypervisor_client *c;

	LIST_FOREACH (c, &h->clients, link) {
		virt_socket_break(&c->socket);
		c->lost(c);
	}
}

static void end_clients(struct hypervisor *h)
{
	struct hypervisor_client *c = LIST_FIRST(&h->clients);

	while (c) {
		struct hypervisor_client *next = LIST_NEXT(c, link);

		c->ends(c);
		c = next;
	}
}

/* Clients end on a later turn (their lost() only notes it), so the order of their events and of
 * link() is ours: first the link. */
static void on_lost(struct hypervisor *h, const char *text, const char *cure)
{
	bool was_connected = h->state == HYPERVISOR_UP || h->state == HYPERVISOR_LISTING;
	struct hypervisor_link *link = h->link;

	loop_timer_stop(h->retry);
	set_error(h, text);
	snprintf(h->cure, sizeof(h->cure), "%s", cure);
	notify_error(h);
	h->link = NULL;
	link_abandon(link);
	guests_link_down(h);
	wait_for_retry(h);
	if (was_connected)
		lose_clients(h);
	h->events->link(h->arg, h, 0, h->error);
}

static const struct part_events part_events = {.opened = on_opened,
	.lost = on_lost,
	.listed = guests_listed,
	.lifecycle = guests_lifecycle,
	.rebooted = guests_rebooted,
	.changed = guests_changed,
	.read = guests_read,
	.reported_all = on_reported_all};

/* --- clients --- */

int hypervisor_attach(struct hypervisor *h, struct hypervisor_client *c)
{
	if (!h->link || h->state == HYPERVISOR_CONNECTING)
		return -ENOTCONN;
	if (h->client_count >= HYPERVISOR_CLIENTS_MAX)
		return -EAGAIN;
	LIST_INSERT_HEAD(&h->clients, c, link);
	h->client_count++;
	return 0;
}

void hypervisor_client_patient(struct hypervisor *h, struct hypervisor_client *c, uint64_t us)
{
	c->deadline = us ? loop_now(h->loop) + us : 0;
	if (us && !loop_timer_armed(h->patience))
		loop_timer_set(h->patience, PATIENCE_STEP_US, PATIENCE_STEP_US);
}

/* Again and again, since the socket of one that is being opened may not be known yet. */
static void on_patience(void *arg)
{
	struct hypervisor *h = arg;
	uint64_t now = loop_now(h->loop);
	struct hypervisor_client *c;
	bool again = false;

	LIST_FOREACH (c, &h->clients, link) {
		again |= c->deadline != 0;
		if (c->deadline && now >= c->deadline)
			virt_socket_break(&c->socket);
	}
	if (again)
		loop_timer_set(h->patience, PATIENCE_STEP_US, PATIENCE_STEP_US);
}

void hypervisor_detach(struct hypervisor *h, struct hypervisor_client *c)
{
	LIST_REMOVE(c, link);
	h->client_count--;
}

struct hypervisor_client *hypervisor_next_client(
	struct hypervisor *h, struct hypervisor_client *after)
{
	return after ? LIST_NEXT(after, link) : LIST_FIRST(&h->clients);
}

const struct virt_target *hypervisor_target(struct hypervisor *h)
{
	return &h->target;
}

struct job_pool *hypervisor_jobs(struct hypervisor *h)
{
	return h->jobs;
}

struct job_pool *hypervisor_senders(struct hypervisor *h)
{
	return h->senders;
}

char *hypervisor_receive_buffer(struct hypervisor *h)
{
	return h->receive_buffer;
}

/* --- life --- */

static void on_refresh_retry(void *arg)
{
	refresh_retry(arg);
}

static int create_parts(struct hypervisor *h)
{
	int r = job_pool_create(
		h->loop, "hv-control", CONTROL_THREADS, HYPERVISOR_QUEUE, &h->control);

	if (r == 0)
		r = job_pool_create(
			h->loop, "hv-console", HYPERVISOR_THREADS, HYPERVISOR_QUEUE * 2, &h->jobs);
	if (r == 0)
		r = job_pool_create(h->loop, "hv-send", HYPERVISOR_SENDERS, HYPERVISOR_CLIENTS_MAX,
			&h->senders);
	if (r == 0)
		r = job_pool_create(
			h->loop, "hv-order", ORDER_THREADS, ORDERS_MAX, &h->orders_pool);
	if (r == 0)
		r = job_pool_create(h->loop, "hv-dump", HYPERVISOR_DUMP_THREADS,
			HYPERVISOR_DUMP_THREADS, &h->dumps_pool);
	if (r == 0)
		r = job_pool_create(h->loop, "hv-peek", HYPERVISOR_PEEKS_MAX, HYPERVISOR_PEEKS_MAX,
			&h->peeks_pool);
	if (r == 0)
		r = loop_timer_add(h->loop, &h->retry, on_retry, h);
	if (r == 0)
		r = loop_timer_add(h->loop, &h->patience, on_patience, h);
	if (r == 0)
		r = loop_timer_add(h->loop, &h->refresh_retry, on_refresh_retry, h);
	h->receive_buffer = malloc(HYPERVISOR_RECEIVE_MAX);
	return r < 0 || h->receive_buffer ? r : -ENOMEM;
}

int hypervisor_create(struct loop *loop, struct virt_loop *virt,
	const struct hypervisor_options *options, const struct hypervisor_events *events, void *arg,
	struct hypervisor **hypervisor)
{
	struct hypervisor *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	h->loop = loop;
	h->options = *options;
	h->target =
		(struct virt_target){options->uri, options->sasl_user, options->sasl_password_file};
	h->events = events;
	h->parts = &part_events;
	h->arg = arg;
	h->delay_us = HYPERVISOR_RETRY_MIN_US;
	TAILQ_INIT(&h->waiting);
	set_error(h, "not connected yet");
	r = create_parts(h);
	if (r < 0)
		hypervisor_destroy(&h);
	*hypervisor = h;
	return r;
}

void hypervisor_start(struct hypervisor *h)
{
	if (h->state == HYPERVISOR_IDLE)
		connect_now(h);
}

static void silent_link(void *arg, struct hypervisor *h, int up, const char *text)
{
}

static void silent_place(void *arg, struct hypervisor *h, const struct location_info *info)
{
}

static void silent_guest(void *arg, struct hypervisor *h, const struct uuid *uuid)
{
}

static const struct hypervisor_events silence = {
	silent_link, silent_place, silent_place, silent_guest, silent_guest};

/* Those that are being opened or closed would leave a console behind that nobody can open. */
static void break_clients(struct hypervisor *h, bool busy_too)
{
	struct hypervisor_client *c;

	LIST_FOREACH (c, &h->clients, link)
		if (busy_too || !c->deadline)
			virt_socket_break(&c->socket);
}

/* Every connection is broken first, so that whatever hangs in one returns. Then the pools end in
 * the order of who gives work to whom; work that is not started any more is done by its done(). */
void hypervisor_destroy(struct hypervisor **hypervisor)
{
	struct hypervisor *h = *hypervisor;

	if (!h)
		return;
	*hypervisor = NULL;
	h->events = &silence;
	h->state = HYPERVISOR_ENDING;
	break_clients(h, false);
	own_connections_break(h);
	if (h->link)
		link_abandon(h->link);
	h->link = NULL;
	job_pool_destroy(&h->senders, DESTROY_US / 2);
	job_pool_close(h->jobs, DESTROY_US);
	break_clients(h, true);
	job_pool_destroy(&h->jobs, DESTROY_US / 2);
	job_pool_destroy(&h->orders_pool, DESTROY_US / 2);
	job_pool_destroy(&h->dumps_pool, DESTROY_US / 2);
	job_pool_destroy(&h->peeks_pool, DESTROY_US / 2);
	job_pool_destroy(&h->control, DESTROY_US / 2);
	end_clients(h);
	guests_finish(h);
	loop_timer_del(&h->retry);
	loop_timer_del(&h->patience);
	loop_timer_del(&h->refresh_retry);
	free(h->receive_buffer);
	free(h);
}

const char *hypervisor_name(const struct hypervisor *h)
{
	return h->options.name;
}

bool hypervisor_is_up(const struct hypervisor *h)
{
	return h->state == HYPERVISOR_UP;
}

bool hypervisor_is_local(const struct hypervisor *h)
{
	const char *host = strstr(h->options.uri, "://");

	return !host || host[3] == '/';
}

const char *hypervisor_error(const struct hypervisor *h)
{
	return h->error;
}

const char *hypervisor_cure(const struct hypervisor *h)
{
	return h->cure;
}
