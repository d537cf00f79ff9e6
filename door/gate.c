/* Task: see gate.h. Owner: the door. Knows nothing of what it lets in. */
#include "door/gate.h"

static void let_in(struct gate *gate, struct gate_entry *entry)
{
	uint64_t begun = loop_clock();

	entry->fn(entry->arg);
	gate->done_at = loop_clock();
	gate->took = gate->done_at - begun;
}

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
	let_in(gate, first);
}

int gate_init(struct gate *gate, struct loop *loop)
{
	TAILQ_INIT(&gate->queue);
	return loop_timer_add(loop, &gate->timer, next, gate);
}

bool gate_enter(struct gate *gate, struct gate_entry *entry)
{
	if (entry->waiting)
		return false;
	if (TAILQ_EMPTY(&gate->queue) && loop_clock() - gate->done_at >= gate->took) {
		let_in(gate, entry);
		return true;
	}
	entry->waiting = true;
	TAILQ_INSERT_TAIL(&gate->queue, entry, link);
	if (!loop_timer_armed(gate->timer))
		loop_timer_set(gate->timer, 0, 1);
	return false;
}

void gate_leave(struct gate *gate, struct gate_entry *entry)
{
	if (!entry->waiting)
		return;
	entry->waiting = false;
	TAILQ_REMOVE(&gate->queue, entry, link);
}
