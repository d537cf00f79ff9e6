/* Task: see gate.h. Owner: the door. Knows nothing of what it lets in. */
#include "sshd/gate.h"

static void next(void *arg)
{
	struct gate *gate = arg;
	struct gate_entry *first = TAILQ_FIRST(&gate->queue);

	if (!first)
		return;
	gate_leave(gate, first);
	/* Behind whatever is due already: the loop serves in the order in which things fell due. */
	if (!TAILQ_EMPTY(&gate->queue))
		loop_timer_set(gate->timer, 0, 1);
	first->fn(first->arg);
}

int gate_init(struct gate *gate, struct loop *loop)
{
	TAILQ_INIT(&gate->queue);
	return loop_timer_add(loop, &gate->timer, next, gate);
}

void gate_wait(struct gate *gate, struct gate_entry *entry)
{
	if (entry->waiting)
		return;
	entry->waiting = true;
	TAILQ_INSERT_TAIL(&gate->queue, entry, link);
	if (!loop_timer_armed(gate->timer))
		loop_timer_set(gate->timer, 0, 1);
}

void gate_leave(struct gate *gate, struct gate_entry *entry)
{
	if (!entry->waiting)
		return;
	entry->waiting = false;
	TAILQ_REMOVE(&gate->queue, entry, link);
}
