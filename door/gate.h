/*
 * Lets in one at a time those who cost much: connections that nobody knows yet, whose every step
 * may be a key exchange. Between two of them all else that is due gets its turn, so that a storm of
 * handshakes does not hold up a keystroke by more than one. A lone one does not wait: arming and
 * disarming for it cost a tenth of the whole connection.
 */
#ifndef DOOR_GATE_H
#define DOOR_GATE_H

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
	uint64_t done_at, took; /* when the last one was done, and how long it took: monotonic us */
};

int gate_init(struct gate *gate, struct loop *loop) MUST_CHECK;

/* Runs fn(arg) of the entry at once (true) when nobody waits and the last one was done longer ago
 * than it took; else false, and it runs when its turn comes. Entries are their owners'. */
bool gate_enter(struct gate *gate, struct gate_entry *entry);
void gate_leave(struct gate *gate, struct gate_entry *entry);

#endif
