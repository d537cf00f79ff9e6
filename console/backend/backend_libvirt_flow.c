/*
 * Task: the bytes of an open console, both ways. Owner: the back end.
 *
 * Output comes on the loop and is always taken: libvirt's client would gather it without a bound.
 *
 * Input: virStreamSend blocks, whatever the stream's flags say, while the socket to libvirtd is
 * full, which it is for ever when the guest reads nothing. Only when libvirtd has read all that was
 * sent before (the kernel counts it) is there room for certain, and the loop may send by itself: no
 * thread for a keystroke. Otherwise a thread of the senders' pool does it, and may hang. Where
 * input must not wait in libvirtd at all, backend_libvirt_careful.c sends it.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/sockios.h>

#include <libvirt/virterror.h>

#include "console/backend/backend_libvirt_private.h"
#include "console/libvirt/virt_wakeup.h"

#define RECEIVE_ROUNDS 4 /* buffers of one console in one turn */

/* --- output --- */

/* Only the eviction by somebody else's forced open looks like this. Other errors on a living
 * connection come from a guest that has ended, e.g. while a send was under way. */
static enum backend_end end_of(const struct virt_error *error)
{
	return error->code == VIR_ERR_RPC ? BACKEND_EVICTED : BACKEND_EOF;
}

static void receive_failed(struct libvirt_backend *p)
{
	struct virt_error error;

	virt_error_take(&error);
	if (p->lost || virConnectIsAlive(p->conn) != 1)
		libvirt_backend_end(p, BACKEND_LOST, "connection to libvirtd broke");
	else
		libvirt_backend_end(p, end_of(&error), error.text);
}

void libvirt_backend_receive(struct libvirt_backend *p)
{
	char *buffer = hypervisor_receive_buffer(p->h);
	int rounds = RECEIVE_ROUNDS, n;

	/* When less came than there is room for, nothing more is there; the callback comes again
	 * for what arrives, the end included. */
	do {
		n = virStreamRecv(p->stream, buffer, HYPERVISOR_RECEIVE_MAX);
		if (n > 0)
			p->events->output(p->arg, (const uint8_t *)buffer, (size_t)n);
	} while (n == HYPERVISOR_RECEIVE_MAX && p->state == LIBVIRT_BACKEND_OPEN && --rounds > 0);
	if (p->state != LIBVIRT_BACKEND_OPEN)
		return;
	if (n == 0)
		libvirt_backend_end(p, BACKEND_EOF, "end of file");
	else if (n == -1)
		receive_failed(p);
}

static void on_stream(virStreamPtr stream, int events, void *arg)
{
	struct libvirt_backend *p = arg;

	if (p->state == LIBVIRT_BACKEND_OPEN)
		libvirt_backend_receive(p);
}

int libvirt_backend_listen(struct libvirt_backend *p)
{
	if (virStreamEventAddCallback(p->stream,
		    VIR_STREAM_EVENT_READABLE | VIR_STREAM_EVENT_ERROR | VIR_STREAM_EVENT_HANGUP,
		    on_stream, p, NULL) < 0)
		return -ENOMEM;
	p->listening = true;
	return 0;
}

void libvirt_backend_unlisten(struct libvirt_backend *p)
{
	if (p->listening)
		(void)virStreamEventRemoveCallback(p->stream);
	p->listening = false;
}

/* --- input --- */

static void wait_for_room(const struct libvirt_backend *p)
{
	struct pollfd fd = {.fd = virt_socket_fd(&p->client.socket), .events = POLLOUT};

	(void)poll(&fd, 1, 100);
}

static int send_all(struct libvirt_backend *p, const uint8_t *data, size_t len)
{
	while (len) {
		int n = virStreamSend(p->stream, (const char *)data, len);

		if (n == -2) /* not seen from the remote driver */
			wait_for_room(p);
		else if (n < 0)
			return -EIO;
		else {
			data += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static void send_work(void *arg)
{
	struct libvirt_backend *p = arg;

	p->thread_failed = send_all(p, p->data, p->data_len) < 0;
}

static void send_done(void *arg)
{
	struct libvirt_backend *p = arg;

	p->send_failed = p->thread_failed;
	libvirt_backend_send_over(p);
}

/* The socket holds nothing that libvirtd has not read: it takes more than BACKEND_SEND_MAX. */
bool libvirt_backend_is_drained(const struct libvirt_backend *p)
{
	int fd = virt_socket_fd(&p->client.socket), bytes;

	return fd >= 0 && ioctl(fd, SIOCOUTQ, &bytes) == 0 && bytes == 0;
}

static int send_in_thread(struct libvirt_backend *p, const uint8_t *data, size_t len)
{
	int r;

	p->data = malloc(len);
	if (!p->data)
		return -ENOMEM;
	memcpy(p->data, data, len);
	p->data_len = len;
	r = job_submit(hypervisor_senders(p->h), send_work, send_done, p);
	if (r < 0) {
		free(p->data);
		p->data = NULL;
		return r;
	}
	p->send = LIBVIRT_BACKEND_SEND_THREAD;
	return 0;
}

int libvirt_backend_sent_at_once(struct libvirt_backend *p, bool accepted)
{
	if (accepted)
		return 1;
	p->send_failed = true;
	p->send = LIBVIRT_BACKEND_SEND_DONE;
	virt_wakeup_fire(p->wakeup); /* what broke is told from there */
	return 0;
}

int libvirt_backend_send(struct backend *b, const uint8_t *data, size_t len)
{
	struct libvirt_backend *p = (struct libvirt_backend *)b;
	int n = -2, r = 0;

	if (p->state != LIBVIRT_BACKEND_OPEN)
		return -EPIPE;
	if (len == 0 || len > BACKEND_SEND_MAX)
		return -EINVAL;
	if (p->send != LIBVIRT_BACKEND_SEND_IDLE)
		return -EBUSY;
	if (p->base.careful)
		return libvirt_backend_send_with_care(p, data, len);
	if (libvirt_backend_is_drained(p))
		n = virStreamSend(p->stream, (const char *)data, len);
	if (n == -2)
		r = send_in_thread(p, data, len);
	else if (n >= 0 && (size_t)n < len) /* not seen from the remote driver */
		r = send_in_thread(p, data + n, len - (size_t)n);
	if (r < 0)
		return r;
	p->send_len = len;
	return p->send == LIBVIRT_BACKEND_SEND_THREAD ? 0 : libvirt_backend_sent_at_once(p, n >= 0);
}
