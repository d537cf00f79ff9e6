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
#include "core/uuid.h"

enum pipe_state {
	PIPE_QUEUED,  /* an earlier connection to this guest is still being closed */
	PIPE_OPENING, /* the job runs */
	PIPE_OPEN,
	PIPE_ENDING,  /* over; a send is still to come back, then ended() */
	PIPE_ENDED,   /* told so; waits for close */
	PIPE_LEFT,    /* the owner is gone, and the job that opens it still runs */
	PIPE_CLOSING, /* the owner is gone; waits for a send */
	PIPE_REAPING, /* the job that closes the connection runs */
};

enum pipe_send_state {
	PIPE_SEND_IDLE,
	PIPE_SEND_THREAD, /* a thread of the senders' pool has it, and may hang */
	PIPE_SEND_DONE,   /* sent() is due */
};

/* One connection to libvirt that carries one console. */
struct pipe {
	struct backend base; /* first: ops get a pointer to it */
	struct hypervisor_client client;
	struct hypervisor *h;
	const struct backend_events *events;
	void *arg;
	enum pipe_state state;

	/* What to open. */
	struct uuid uuid;
	char alias[DEVICE_ALIAS_MAX];
	bool force;
	bool patient; /* our own last connection may hold the console for a moment yet */

	virConnectPtr conn;
	virStreamPtr stream;
	bool listening; /* the stream's callback is registered */
	int bell;       /* the connection closed, a send was made, or the hypervisor is lost */
	_Atomic bool lost;
	enum backend_error open_error;
	char text[VIRT_TEXT_MAX];
	enum backend_end end;

	enum pipe_send_state send;
	size_t send_len; /* what sent() will say */
	uint8_t *data;   /* of the thread */
	size_t data_len;
	size_t room;        /* careful: bytes that the guest's terminal takes for certain */
	bool thread_failed; /* the thread's until it has ended */
	bool send_failed;
};

/* backend_libvirt_open.c; in job threads */
void pipe_open_work(void *arg);
void pipe_close_work(void *arg);
/* What libvirt said, in our words. */
enum backend_error pipe_error_of(const struct virt_error *error);

/* backend_libvirt_flow.c; on the loop */
int pipe_listen(struct pipe *p) MUST_CHECK;
void pipe_unlisten(struct pipe *p);
/* libvirtd has read all that was sent. */
bool pipe_is_drained(const struct pipe *p);
int pipe_send(struct backend *b, const uint8_t *data, size_t len);
/* Reads what has come; the state may be another afterwards. */
void pipe_receive(struct pipe *p);

/* backend_libvirt_careful.c */
int pipe_send_with_care(struct pipe *p, const uint8_t *data, size_t len);

/* backend_libvirt.c */
/* The console is over; ended() follows when no send is under way. */
void pipe_end(struct pipe *p, enum backend_end end, const char *text);
/* A thread has come back; send_failed says how it went. */
void pipe_send_over(struct pipe *p);

#endif
