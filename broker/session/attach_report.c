/*
 * Task: which of what a terminal sends by itself reaches the guest: its answers to questions, its
 * mouse, its focus. Owner: the session.
 *
 * Every viewer's terminal answers what the guest asks. The writer's answer is the guest's; the
 * others' are nothing that anybody has typed. Whoever gets the keyboard may still have answered
 * before, so his answers count from the next question on.
 */
#include "broker/session/attach_private.h"
#include "console/guest/console.h"

void attach_promoted(struct attach *a)
{
	struct attach_reports *r = &a->reports;

	r->promoted = loop_now(a->loop);
	r->looked_to = journal_next(console_journal(a->console));
	r->began_before = escape_holds(&a->escape);
	r->passes = false;
	vt_asks_init(&r->asks);
}

/* Whether the guest has asked since the promotion, and the terminal was sent that. */
static bool is_asked(struct attach *a)
{
	const struct journal *j = console_journal(a->console);
	struct attach_reports *r = &a->reports;
	uint64_t to = journal_reader_offset(viewer_reader(a->viewer));
	const uint8_t *data;
	size_t len;

	if (to <= r->looked_to)
		return false;
	if (journal_view(j, r->looked_to, &data, &len) < 0)
		return true; /* it has printed much since */
	if (len > to - r->looked_to)
		len = (size_t)(to - r->looked_to);
	r->looked_to += len;
	return vt_asks_feed(&r->asks, data, len);
}

static bool is_late(struct attach *a)
{
	struct attach_reports *r = &a->reports;

	if (r->promoted && (loop_now(a->loop) - r->promoted >= ATTACH_LATE_US || is_asked(a)))
		r->promoted = 0;
	return r->promoted != 0;
}

bool attach_report_passes(struct attach *a, const struct escape_found *f)
{
	struct attach_reports *r = &a->reports;
	bool writes = a->may_type && viewer_mode(a->viewer) == VIEWER_WRITES;

	if (f->step == ESCAPE_EVENT)
		return writes;
	if (f->begins) {
		r->passes = writes && !r->began_before && !is_late(a);
		r->began_before = false;
	}
	return writes && r->passes;
}
