/*
 * Lets in one at a time those who cost much: connections that nobody knows yet, whose every step
 * may be a key exchange. Between two of them all else that is due gets its turn, so that a storm of
 * handshakes does not hold up a keystroke by more than one.
 */
#ifndef SSHD_GATE_H
#define SSHD_GATE_H

#include <stdbool.h>
#include <sys/queue.h>

#include "core/loop.h"

struct gate_entry {
	TAILQ_ENTRY(gate_entry) link;
	loop_fn fn;
	void *arg;
	bool waiting;
};
TAILQ_HEAD(gate_queue, gate_entry);

struct gate {
	struct gate_queue queue;
	struct loop_timer *timer;
};

int gate_init(struct gate *gate, struct loop *loop) MUST_CHECK;

/* fn(arg) of the entry runs once, when its turn comes. Entries are their owners'. */
void gate_wait(struct gate *gate, struct gate_entry *entry);
void gate_leave(struct gate *gate, struct gate_entry *entry);

#endif
