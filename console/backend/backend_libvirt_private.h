/*
 * What the parts of the libvirt back end share: backend_libvirt.c (its life),
 * backend_libvirt_open.c (opening and closing, in jobs), backend_libvirt_flow.c (bytes),
 * backend_libvirt_careful.c (input, where it is dangerous). Nobody else includes it.
 */
#ifndef CONSOLE_BACKEND_BACKEND_LIBVIRT_PRIVATE_H
#define CONSOLE_BACKEND_BACKEND_LIBVIRT_PRIVATE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "console/backend/backend.h"
#include "console/domain/device.h"
#include "console/hypervisor/hypervisor_client.h"
#include "core/text/uuid.h"

enum libvirt_backend_state {
	LIBVIRT_BACKEND_QUEUED,  /* an earlier connection to this guest is still being closed */
	LIBVIRT_BACKEND_OPENING, /* the job runs */
	LIBVIRT_BACKEND_OPEN,
	LIBVIRT_BACKEND_ENDING,  /* over; a send is still to come back, then ended() */
	LIBVIRT_BACKEND_ENDED,   /* told so; waits for close */
	LIBVIRT_BACKEND_LEFT,    /* the owner is gone, and the job that opens it still runs */
	LIBVIRT_BACKEND_CLOSING, /* the owner is gone; waits for a send */
	LIBVIRT_BACKEND_REAPING, /* the job that closes the connection runs */
};

enum libvirt_backend_send_state {
	LIBVIRT_BACKEND_SEND_IDLE,
	LIBVIRT_BACKEND_SEND_THREAD, /* a thread of the senders' pool has it, and may hang */
	LIBVIRT_BACKEND_SEND_DONE,   /* sent() is due */
};

/* One connection to libvirt that carries one console. */
struct libvirt_backend {
	struct backend base; /* first: ops get a pointer to it */
	struct hypervisor_client client;
	struct hypervisor *h;
	const struct backend_events *events;
	void *arg;
	enum libvirt_backend_state state;

	/* What to open. */
	struct uuid uuid;
	char alias[DEVICE_ALIAS_MAX];
	bool force;
	bool patient; /* our own last connection may hold the console for a moment yet */

	virConnectPtr conn;
	virStreamPtr stream;
	bool listening; /* the stream's callback is registered */
	int wakeup;     /* the connection closed, a send was made, or the hypervisor is lost */
	_Atomic bool lost;
	enum backend_error open_error;
	char text[VIRT_TEXT_MAX];
	enum backend_end end;

	enum libvirt_backend_send_state send;
	size_t send_len; /* what sent() will say */
	uint8_t *data;   /* of the thread */
	size_t data_len;
	size_t room;        /* careful: bytes that the guest's terminal takes for certain */
	bool thread_failed; /* the thread's until it has ended */
	bool send_failed;
};

/* backend_libvirt_open.c; in job threads */
void libvirt_backend_open_work(void *arg);
void libvirt_backend_close_work(void *arg);
/* What libvirt said, in our words. */
enum backend_error libvirt_backend_error_of(const struct virt_error *error);

/* backend_libvirt_flow.c; on the loop */
int libvirt_backend_listen(struct libvirt_backend *p) MUST_CHECK;
void libvirt_backend_unlisten(struct libvirt_backend *p);
/* libvirtd has read all that was sent. */
bool libvirt_backend_is_drained(const struct libvirt_backend *p);
/* What send() returns when no thread was needed. */
int libvirt_backend_sent_at_once(struct libvirt_backend *p, bool accepted);
int libvirt_backend_send(struct backend *b, const uint8_t *data, size_t len);
/* Reads what has come; the state may be another afterwards. */
void libvirt_backend_receive(struct libvirt_backend *p);

/* backend_libvirt_careful.c */
int libvirt_backend_send_with_care(struct libvirt_backend *p, const uint8_t *data, size_t len);

/* backend_libvirt.c */
/* The console is over; ended() follows when no send is under way. */
void libvirt_backend_end(struct libvirt_backend *p, enum backend_end end, const char *text);
/* A thread has come back; send_failed says how it went. */
void libvirt_backend_send_over(struct libvirt_backend *p);

#endif
