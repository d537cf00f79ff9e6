/* Task: a channel's line, and the beginning of its end. Owner: the session. */
#include <errno.h>
#include <string.h>

#include "core/io.h"
#include "core/log.h"
#include "sshd/channel.h"
#include "sshd/files.h"
#include "wire/status.h"

/* A dying broker's lines end one after the other, the door's own perhaps last; the door ends with
 * it, and its clients see the connection break. */
#define ORPHAN_US (250 * LOOP_MSEC)

static void channel_set_deadline(struct channel *c)
{
	if (c->deadline)
		return;
	c->seen_sent = c->owner->bytes->out_bytes;
	c->seen_written = c->written;
	c->deadline = loop_now(c->owner->context->loop) + PATIENCE_US;
}

void channel_line_ends(struct channel *c)
{
	if (c->state == CHANNEL_RUNNING)
		c->state = CHANNEL_ENDING;
	channel_set_deadline(c);
}

static void let_go(struct channel *c)
{
	channel_unhold(c);
	files_destroy(&c->files);
	loop_io_del(&c->io);
	line_finish(&c->line);
}

void channel_begin_exit(struct channel *c, int status)
{
	if (c->state >= CHANNEL_EXITING)
		return;
	c->state = CHANNEL_EXITING;
	c->status = status;
	c->full = false;
	channel_set_deadline(c);
	let_go(c);
}

static void orphan(struct channel *c)
{
	c->state = CHANNEL_ORPHANED;
	c->deadline = loop_now(c->owner->context->loop) + ORPHAN_US;
	let_go(c);
}

bool channel_receive(struct channel *c, struct line_message *message)
{
	int r = line_receive(&c->line, message);

	if (r == 1)
		return true;
	if (r == -EAGAIN)
		return false;
	if (r < 0)
		log_write(LOG_LEVEL_WARNING, c->owner->tag, "channel line: %s", strerror(-r));
	if (c->status || r < 0)
		channel_begin_exit(c, c->status ? c->status : STATUS_INTERNAL);
	else
		orphan(c);
	return false;
}
