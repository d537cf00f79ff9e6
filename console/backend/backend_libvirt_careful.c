/*
 * Task: input for a libvirtd that none may stand in. Owner: the back end.
 *
 * What the guest's terminal does not take stands in libvirtd, in the stream's queue. When the guest
 * ends meanwhile, libvirtd cannot write the first message there, and from some release after 9.0 on
 * puts it into its queue of answers twice: it crashes, or goes round in that queue for ever, and no
 * guest can be reached any more (docs/hypervisors.md). So nothing is sent before libvirtd has said,
 * in a roundabout way, that there is room. That question may hang, and is asked in a thread. While
 * it does, messages stand there all the same, but empty ones: nothing is lost when the console
 * takes them back (console/health/stuck.h).
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "console/backend/backend_libvirt_private.h"
#include "console/libvirt/virt_wakeup.h"

/* A terminal that can be written to takes one message of BACKEND_CAREFUL_MAX as a whole (the kernel
 * checks its limit before it makes a buffer, of 1,792 bytes at most), or that much in however many
 * small ones. */
#define ROOM_BYTES 256
#define ASK_MESSAGES 5 /* max_client_requests of libvirtd, unless somebody has changed it */

/* Comes back when the guest's terminal has room. Empty messages make no input, but libvirtd handles
 * them in their turn, and until then they are all the requests it reads of one client. What it has
 * read at once with data that was sent before goes with that, without another look at the terminal;
 * what comes behind waits until the terminal can be written to. A question behind all of them is
 * answered when some of those are gone. */
static int ask(struct libvirt_backend *p)
{
	unsigned long version;
	int i;

	for (i = 0; i < 2 * ASK_MESSAGES; i++) {
		if (virStreamSend(p->stream, "", 0) < 0)
			return -EPIPE;
	}
	return virConnectGetLibVersion(p->conn, &version) < 0 ? -EPIPE : 0;
}

static void ask_work(void *arg)
{
	struct libvirt_backend *p = arg;

	p->thread_failed = ask(p) < 0;
}

/* True: it is accepted. */
static bool give(struct libvirt_backend *p, const uint8_t *data, size_t room)
{
	int n = virStreamSend(p->stream, (const char *)data, p->send_len);

	p->room = room > p->send_len ? room - p->send_len : 0;
	/* Less than all is not seen from the remote driver. */
	return n >= 0 && (size_t)n == p->send_len;
}

/* Data is given by the loop only, and only to a stream that is open still: who is evicted gets an
 * answer too, since what he had in libvirtd is gone. */
static void ask_done(void *arg)
{
	struct libvirt_backend *p = arg;

	p->send_failed = p->thread_failed || p->state != LIBVIRT_BACKEND_OPEN ||
			 !give(p, p->data, ROOM_BYTES);
	libvirt_backend_send_over(p);
}

int libvirt_backend_send_with_care(struct libvirt_backend *p, const uint8_t *data, size_t len)
{
	int r;

	if (len > BACKEND_CAREFUL_MAX)
		return -EINVAL;
	p->send_len = len;
	if (len <= p->room && libvirt_backend_is_drained(p))
		return libvirt_backend_sent_at_once(p, give(p, data, p->room));
	p->data = malloc(len);
	if (!p->data)
		return -ENOMEM;
	memcpy(p->data, data, len);
	p->thread_failed = true; /* unless the job runs */
	r = job_submit(hypervisor_senders(p->h), ask_work, ask_done, p);
	if (r < 0) {
		free(p->data);
		p->data = NULL;
		return r;
	}
	p->send = LIBVIRT_BACKEND_SEND_THREAD;
	return 0;
}
