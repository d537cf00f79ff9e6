/* Task: the beginning of a channel's end. Owner: the session. */
#include "core/io.h"
#include "core/log.h"
#include "sshd/channel.h"
#include "sshd/files.h"
#include "wire/status.h"

void channel_set_deadline(struct channel *c)
{
	if (c->deadline)
		return;
	c->seen_sent = c->owner->bytes->out_bytes;
	c->seen_written = c->written;
	c->deadline = loop_now(c->owner->context->loop) + PATIENCE_US;
}

void channel_line_ends(struct channel *c)
{
	c->line_over = true;
	channel_set_deadline(c);
}

void channel_begin_exit(struct channel *c, int status)
{
	if (c->state >= CHANNEL_EXITING)
		return;
	c->state = CHANNEL_EXITING;
	c->status = status;
	c->full = false;
	channel_set_deadline(c);
	channel_unhold(c);
	files_destroy(&c->files);
	loop_io_del(&c->io);
	line_finish(&c->line);
}
