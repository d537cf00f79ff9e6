/*
 * A back end: the open way to one serial console of a running guest.
 *
 * Ops go down, events come up on the loop, never from inside an op. After close no event is
 * called. One send at a time: while one is under way the next one waits for sent().
 */
#ifndef CONSOLE_BACKEND_BACKEND_H
#define CONSOLE_BACKEND_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/loop.h"

struct backend;
struct config_list;
struct device;
struct hypervisor;
struct uuid;

enum backend_end {
	BACKEND_EOF,     /* the guest's side ended: power-off, crash, save, migration */
	BACKEND_LOST,    /* the way to the hypervisor broke */
	BACKEND_EVICTED, /* an I/O error that looks like somebody else's forced open */
};

/* Why it could not be opened. */
enum backend_error {
	BACKEND_OK,
	BACKEND_BUSY,        /* held by another client of the hypervisor */
	BACKEND_OFF,         /* the guest is not running */
	BACKEND_UNSUPPORTED, /* a kind of device that cannot be opened; text says which */
	BACKEND_DENIED,      /* the hypervisor does not let us */
	BACKEND_UNREACHED,   /* no connection to the hypervisor */
	BACKEND_EARLY,       /* being started, or incoming migration: try again soon */
	BACKEND_FAILED,
};

struct backend_events {
	void (*opened)(void *arg, enum backend_error error, const char *text);
	void (*output)(void *arg, const uint8_t *data, size_t len);
	/* What send() has not accepted at once is accepted now, all len bytes of it; or the way
	 * broke meanwhile and ended() follows. A careful one says it of what was given only. */
	void (*sent)(void *arg, size_t len);
	void (*ended)(void *arg, enum backend_end end, const char *text);
	/* Something that whoever watches should know; it goes on. May be NULL. */
	void (*notice)(void *arg, const char *text);
};

#define BACKEND_SEND_MAX 4096
#define BACKEND_CAREFUL_MAX 1792 /* the same, of a careful one */

struct backend_ops {
	/* Data is copied. 1: the hypervisor has accepted all of it; 0: it is under way, and sent()
	 * follows; -EBUSY while one is under way, -EPIPE when it is not open; -ENOMEM, -EAGAIN:
	 * it may be tried again. */
	int (*send)(struct backend *b, const uint8_t *data, size_t len);
	/* Ends it whatever it is doing; a send that hangs is broken. What the guest has said and
	 * output() has not been given yet is lost. *b becomes NULL. */
	void (*close)(struct backend **b);
};

struct backend {
	const struct backend_ops *ops;
	/* Known when it has opened: a send that does not come back endangers the hypervisor. The
	 * console is then to be opened anew by force, which ends this one and takes what waits out
	 * of there. What sent() has not told of when it ends or is closed was not given. */
	bool careful;
};

/* Opens through libvirt, over a connection of its own: opening begins at once (or when what is
 * left of an earlier connection to this guest has been closed), opened() says how it went. force
 * evicts whoever holds the console. alias NULL: the one libvirt chooses.
 * 0, -ENOTCONN while the hypervisor is down, -EAGAIN too many consoles, -EINVAL, -ENOMEM. */
int backend_libvirt_open(struct hypervisor *h, const struct uuid *uuid, const char *alias,
	int force, const struct backend_events *events, void *arg, struct backend **b) MUST_CHECK;

/* Opens a console of type unix: connects to its socket (bind), or listens for QEMU to connect. Only
 * below dirs, and only to the guest's own QEMU; see console/backend/socket_path.h and
 * socket_peer.h. What is given is copied. 0, -ENOMEM, -errno. */
int backend_socket_open(struct loop *loop, const struct device *device, const struct uuid *uuid,
	const struct config_list *dirs, const struct backend_events *events, void *arg,
	struct backend **b) MUST_CHECK;

static inline int backend_send(struct backend *b, const uint8_t *data, size_t len)
{
	return b->ops->send(b, data, len);
}
static inline void backend_close(struct backend **b)
{
	if (*b)
		(*b)->ops->close(b);
}

#endif
