/* Task: see hypervisor_peek.h. Owner: the hypervisor, until its last job has ended. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "console/hypervisor/hypervisor_peek.h"
#include "console/hypervisor/hypervisor_private.h"
#include "console/hypervisor/own_connection.h"
#include "core/io.h"

enum peek_state { PEEK_OPENING, PEEK_OPEN, PEEK_FILLING };

struct hypervisor_peek {
	struct own_connection own;
	struct share *share; /* its owner's */
	const struct hypervisor_peek_events *events;
	void *arg;
	enum peek_state state;
	struct uuid uuid;
	struct loop_timer *patience;
	bool timed_out;
	struct ram ram;
	uint64_t address;
	size_t len;
	int window; /* its own descriptor of it: who is forgotten may close his */
	int error;
	struct virt_error text;
	unsigned char bytes[HYPERVISOR_PEEK_MAX];
};

/* --- the end --- */

static void on_gone(void *arg)
{
	struct hypervisor_peek *p = arg;

	p->own.h->peek_count--;
	shares_give(&p->share);
	fd_close(&p->window);
	free(p);
}

static void leave(struct hypervisor_peek *p)
{
	loop_timer_del(&p->patience);
	own_connection_leave(&p->own);
}

static void on_patience(void *arg)
{
	struct hypervisor_peek *p = arg;

	p->timed_out = true;
	own_connection_break(&p->own);
}

static int begin_job(struct hypervisor_peek *p, job_fn work, job_fn done)
{
	int r = own_connection_begin_job(&p->own, work, done);

	if (r == 0)
		loop_timer_set(p->patience, HYPERVISOR_PEEK_US, LOOP_SECOND);
	return r;
}

static void set_error(struct hypervisor_peek *p, int error, const char *text)
{
	p->error = error;
	snprintf(p->text.text, sizeof(p->text.text), "%s", text);
}

struct peek_end {
	const struct hypervisor_peek_events *events;
	void *arg;
	int error;
	char text[VIRT_TEXT_MAX];
};

/* What it came to; with an error the peek is gone. False: nobody is to be told. */
static bool job_ended(struct hypervisor_peek *p, struct peek_end *end)
{
	if (!own_connection_job_ended(&p->own))
		return false;
	loop_timer_stop(p->patience);
	if (job_cancelled(p->own.pool))
		set_error(p, -ENOTCONN, "the service ends");
	else if (p->timed_out)
		set_error(p, -ETIMEDOUT, "the hypervisor does not answer");
	p->state = PEEK_OPEN;
	*end = (struct peek_end){.events = p->events, .arg = p->arg, .error = p->error};
	snprintf(end->text, sizeof(end->text), "%s", p->text.text);
	fd_close(&p->window);
	if (p->error)
		leave(p);
	return true;
}

static void fail(struct hypervisor_peek *p)
{
	virt_error_take(&p->text);
	p->error = virt_error_number(&p->text);
}

/* --- reading --- */

static int peek_range(struct hypervisor_peek *p, const struct ram_range *range)
{
	uint64_t end = p->address + p->len;
	uint64_t from = range->from > p->address ? range->from : p->address;
	uint64_t to = range->to < end ? range->to : end;

	if (from >= to)
		return 0;
	return virDomainMemoryPeek(p->own.domain, from, to - from, p->bytes + (from - p->address),
		VIR_MEMORY_PHYSICAL);
}

static void fill_work(void *arg)
{
	struct hypervisor_peek *p = arg;
	size_t i;

	memset(p->bytes, 0, p->len);
	for (i = 0; i < p->ram.count; i++) {
		if (peek_range(p, &p->ram.ranges[i]) < 0) {
			fail(p);
			return;
		}
	}
	if (pwrite(p->window, p->bytes, p->len, 0) != (ssize_t)p->len)
		set_error(p, -EIO, "what was read cannot be kept");
}

static void fill_done(void *arg)
{
	struct hypervisor_peek *p = arg;
	struct peek_end end;

	if (job_ended(p, &end))
		end.events->filled(end.arg, end.error, end.text);
}

int hypervisor_peek_fill(struct hypervisor_peek *p, uint64_t address, size_t len, int window)
{
	int r;

	if (p->state != PEEK_OPEN || len > sizeof(p->bytes) || address + len < address)
		return -EINVAL;
	p->window = fcntl(window, F_DUPFD_CLOEXEC, 0);
	if (p->window < 0)
		return -errno;
	p->address = address;
	p->len = len;
	r = begin_job(p, fill_work, fill_done);
	if (r < 0)
		fd_close(&p->window);
	else
		p->state = PEEK_FILLING;
	return r;
}

/* --- the beginning --- */

static void read_ram(struct hypervisor_peek *p)
{
	char *xml = virDomainGetXMLDesc(p->own.domain, 0);
	int r = xml ? ram_parse(xml, &p->ram) : 0;

	if (!xml)
		fail(p);
	else if (r == -EOPNOTSUPP)
		set_error(p, r, "it is no x86-64 guest");
	else if (r < 0)
		set_error(p, -EIO, "what memory it has cannot be told");
	free(xml);
}

static void open_work(void *arg)
{
	struct hypervisor_peek *p = arg;

	p->error = own_connection_open(&p->own, &p->uuid, &p->text);
	if (!p->error)
		read_ram(p);
}

static void open_done(void *arg)
{
	struct hypervisor_peek *p = arg;
	struct peek_end end;

	if (job_ended(p, &end))
		end.events->opened(end.arg, end.error, end.text, end.error ? NULL : &p->ram);
}

int hypervisor_peek_open(struct hypervisor *h, const struct uuid *uuid, const char *owner,
	const struct hypervisor_peek_events *events, void *arg, struct hypervisor_peek **out)
{
	struct hypervisor_peek *p;
	int r;

	if (!hypervisor_is_up(h))
		return -ENOTCONN;
	if (h->peek_count == HYPERVISOR_PEEKS_MAX)
		return -EBUSY;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->events = events;
	p->arg = arg;
	p->uuid = *uuid;
	p->window = -1;
	own_connection_init(&p->own, h, h->peeks_pool, on_gone, p);
	r = shares_take(&h->peek_shares, owner, HYPERVISOR_PEEKS_OWNER_MAX, &p->share);
	if (r == 0)
		r = loop_timer_add(h->loop, &p->patience, on_patience, p);
	if (r == 0)
		r = begin_job(p, open_work, open_done);
	if (r < 0) {
		loop_timer_del(&p->patience);
		own_connection_finish(&p->own);
		shares_give(&p->share);
		free(p);
		return r;
	}
	h->peek_count++;
	*out = p;
	return 0;
}

void hypervisor_peek_forget(struct hypervisor_peek **peek)
{
	struct hypervisor_peek *p = *peek;

	*peek = NULL;
	if (!p)
		return;
	own_connection_break(&p->own);
	leave(p);
}
