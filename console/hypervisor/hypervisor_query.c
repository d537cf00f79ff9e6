/*
 * Task: ask libvirt for the ticket of one guest, off the loop. Owner: the hypervisor; a cancelled
 * question belongs to its job.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/virterror.h>

#include "console/hypervisor/hypervisor_private.h"
#include "console/hypervisor/hypervisor_query.h"

struct hypervisor_query {
	struct hypervisor *h;
	struct hypervisor_link *link;
	struct uuid uuid;
	hypervisor_graphics_fn done; /* NULL: cancelled */
	void *arg;
	struct graphics_ticket ticket;
	int error;
};

static int read_ticket(virConnectPtr conn, const struct uuid *uuid, struct graphics_ticket *ticket)
{
	virDomainPtr domain = virDomainLookupByUUID(conn, uuid->b);
	char *xml;
	int r;

	if (!domain)
		return -ENOENT;
	xml = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_SECURE);
	virDomainFree(domain);
	if (!xml)
		return -EIO;
	r = graphics_parse(xml, ticket);
	explicit_bzero(xml, strlen(xml));
	free(xml);
	return r;
}

static void query_work(void *arg)
{
	struct hypervisor_query *q = arg;

	q->error = read_ticket(q->link->conn, &q->uuid, &q->ticket);
}

static void query_done(void *arg)
{
	struct hypervisor_query *q = arg;

	if (job_cancelled(q->h->control))
		q->error = -EIO;
	if (q->done)
		q->done(q->arg, q->error, q->error < 0 ? NULL : &q->ticket);
	link_job_end(q->link);
	explicit_bzero(q, sizeof(*q));
	free(q);
}

int hypervisor_ask_graphics(struct hypervisor *h, const struct uuid *uuid,
	hypervisor_graphics_fn done, void *arg, struct hypervisor_query **query)
{
	struct hypervisor_query *q;
	int r;

	if (!h->link || h->link->state != LINK_OPEN)
		return -ENOTCONN;
	q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	*q = (struct hypervisor_query){
		.h = h, .link = h->link, .uuid = *uuid, .done = done, .arg = arg};
	r = job_submit(h->control, query_work, query_done, q);
	if (r < 0) {
		free(q);
		return r;
	}
	link_job_begin(q->link);
	*query = q;
	return 0;
}

void hypervisor_query_cancel(struct hypervisor_query **query)
{
	if (*query)
		(*query)->done = NULL;
	*query = NULL;
}
