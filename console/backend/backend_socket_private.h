/*
 * What the parts of the unix-socket back end share: backend_socket.c (its life),
 * backend_socket_flow.c (bytes). Nobody else includes it.
 */
#ifndef CONSOLE_BACKEND_BACKEND_SOCKET_PRIVATE_H
#define CONSOLE_BACKEND_BACKEND_SOCKET_PRIVATE_H

#include <stdbool.h>

#include "console/backend/backend.h"
#include "console/domain/device.h"
#include "console/backend/socket_path.h"
#include "core/text/uuid.h"

#define SOCKET_BACKEND_GATHER 2048 /* bytes of bulk output put together */

enum socket_backend_state {
	SOCKET_BACKEND_STARTING,  /* nothing done yet: it begins on a turn of its own */
	SOCKET_BACKEND_LISTENING, /* QEMU is to connect to us */
	SOCKET_BACKEND_WAITING,   /* connected; QEMU has not accepted */
	SOCKET_BACKEND_OPEN,
	SOCKET_BACKEND_ENDED, /* told so; waits for close */
	SOCKET_BACKEND_CLOSED,
};

/* One console over a socket of its own. */
struct socket_backend {
	struct backend base; /* first: ops get a pointer to it */
	struct loop *loop;
	const struct backend_events *events;
	void *arg;
	enum socket_backend_state state;
	struct device device;
	struct uuid uuid;
	struct config_list dirs; /* a copy; gone when no longer needed */

	int fd;
	struct loop_io *io;
	struct loop_timer *timer; /* STARTING, WAITING: next step; OPEN: silence */
	uint64_t waited_us;       /* WAITING */
	uint64_t step_us;

	/* Where QEMU connects to us: removed at the end. */
	int listener, folder;
	ino_t inode;

	/* Bytes. */
	uint8_t out[BACKEND_SEND_MAX];
	size_t out_len, out_done;
	bool sure;  /* QEMU has accepted us for certain */
	bool heard; /* something has been printed since it was opened */
	int clock;  /* bulk: the timerfd, made when first needed */
	struct loop_io *tick;
	bool bulk;
	uint8_t in[SOCKET_BACKEND_GATHER]; /* bulk: read, and not passed on yet */
	size_t in_len;
	uint64_t gathered_us; /* since something was last passed on */
	unsigned streak;      /* reads that came close together; bulk: empty ones */
	uint64_t read_at;
	uint64_t period_us;
};

/* backend_socket_flow.c */
void socket_backend_flow_begin(struct socket_backend *p);
void socket_backend_flow_end(struct socket_backend *p);
void socket_backend_flow_event(struct socket_backend *p, uint32_t revents);
int socket_backend_send(struct backend *b, const uint8_t *data, size_t len);

/* backend_socket.c: it is over */
void socket_backend_end(struct socket_backend *p, const char *text);
/* Something was typed into a console that has printed nothing yet. */
void socket_backend_typed(struct socket_backend *p);

#endif
