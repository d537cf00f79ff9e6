/* Task: how a forwarded request ends. */
#include "core/log.h"
#include "http/exchange/answer.h"
#include "http/forward/forward_private.h"

static bool has_begun(const struct forward *f)
{
	return f->step >= FORWARD_BODY;
}

void forward_finish(struct forward *f, enum exchange_state end)
{
	f->step = FORWARD_OVER;
	f->end = end;
	loop_timer_stop(f->timer);
}

/* In our own words, or when it is too late for them, by a cut. */
void forward_give_up(struct forward *f, unsigned status, const char *text)
{
	if (has_begun(f)) {
		log_debug("an answer is cut: %s", text);
		forward_finish(f, EXCHANGE_CUT);
		return;
	}
	f->stays = f->body_over && f->o.request->keep_alive;
	forward_finish(f, answer_text(f->o.out, &(struct answer_words){.request = f->o.request,
							.status = status,
							.text = text,
							.keep_alive = f->stays}) < 0
				  ? EXCHANGE_CUT
				  : EXCHANGE_ENDED);
}
