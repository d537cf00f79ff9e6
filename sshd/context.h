/*
 * What all sessions of a door share. Owned by the door; the others only read it, but for the
 * scratch buffer, which belongs to whoever runs and holds nothing between two callbacks.
 */
#ifndef SSHD_CONTEXT_H
#define SSHD_CONTEXT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include <libssh/libssh.h>
#include <libssh/server.h>

#include "core/loop.h"
#include "sshd/hearing.h"
#include "door/gate.h"
#include "wire/msg.h"

/* Bytes handed to libssh in one go: enough for full speed, little enough that a stalled client
 * costs no memory and a bulk transfer no other session's latency. */
#define OUTPUT_BATCH ((size_t)64 * 1024)
#define SCRATCH_SIZE (OUTPUT_BATCH + WIRE_PAYLOAD_MAX)

/* While output flows in bulk, it is gathered for this long before it is encrypted and sent; what
 * is typed begins with as many messages again that are not held. */
#define HOLD_US (4 * LOOP_MSEC)
#define HOLD_BURST 16

/* How long a session takes for its goodbye when the broker ends it. */
#define FLUSH_US (5 * LOOP_SECOND)

/* How long a client may take none of what is left when a channel has come to its end. Long: one
 * that reads at 10 KB/s opens its window every ten seconds only, and costs nobody anything. */
#define PATIENCE_US (30 * LOOP_SECOND)

struct channel;
LIST_HEAD(held_list, channel);

struct context {
	struct loop *loop;
	ssh_bind bind;
	struct wire_settings settings;
	ssh_string banner; /* NULL: none */

	struct held_list held;         /* channels whose output is being gathered */
	struct loop_timer *held_timer; /* wakes all of them */

	struct hearing hearing;
	struct gate gate; /* for connections that nobody knows yet */

	unsigned char *scratch; /* SCRATCH_SIZE */

	struct job_pool *jobs; /* reads files */

	void (*closed)(struct context *context); /* a session has ended */
};

#endif
