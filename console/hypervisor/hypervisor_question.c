/*
 * Task: ask libvirt for the ticket of one guest, off the loop. Owner: the hypervisor; a cancelled
 * question belongs to its job.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/virterror.h>

#include "console/hypervisor/hypervisor_private.h"
#include "console/hypervisor/hypervisor_question.h"

struct hypervisor_question {
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

static void question_work(void *arg)
{
	struct hypervisor_question *q = arg;

	q->error = read_ticket(q->link->conn, &q->uuid, &q->ticket);
}

static void question_done(void *arg)
{
	struct hypervisor_question *q = arg;

	if (job_cancelled(q->h->control))
		q->error = -EIO;
	if (q->done)
		q->done(q->arg, q->error, q->error < 0 ? NULL : &q->ticket);
	link_job_end(q->link);
	explicit_bzero(q, sizeof(*q));
	free(q);
}

int hypervisor_ask_graphics(struct hypervisor *h, const struct uuid *uuid,
	hypervisor_graphics_fn done, void *arg, struct hypervisor_question **question)
{
	struct hypervisor_question *q;
	int r;

	if (!h->link || h->link->state != LINK_OPEN)
		return -ENOTCONN;
	q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	*q = (struct hypervisor_question){
		.h = h, .link = h->link, .uuid = *uuid, .done = done, .arg = arg};
	r = job_submit(h->control, question_work, question_done, q);
	if (r < 0) {
		free(q);
		return r;
	}
	link_job_begin(q->link);
	*question = q;
	return 0;
}

void hypervisor_question_cancel(struct hypervisor_question **question)
{
	if (*question)
		(*question)->done = NULL;
	*question = NULL;
}
