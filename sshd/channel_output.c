/*
 * Task: the broker's words on their way to the client. Owner: the channel.
 *
 * Read from the line only while the client can take it: libssh would queue without bound behind a
 * stalled connection, or while keys are exchanged. All that waits is read first and then written at
 * once: encryption and the packet cost more than the bytes. What the window did not let through is
 * kept as a row of pieces, each a head of four bytes (length and stream) and its bytes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "sshd/channel.h"
#include "wire/status.h"

#define FULL_BATCH (OUTPUT_BATCH * 3 / 4)

enum stream { STREAM_OUT, STREAM_ERR };

bool channel_can_take(const struct channel *c)
{
	return c->output_state == CHANNEL_OUTPUT_DISCARDED ||
	       (!(ssh_get_status(c->owner->ssh) & SSH_WRITE_PENDING) &&
		       ssh_channel_window_size(c->ssh) > 0 &&
		       !backlog_waits(c->owner->backlog, c->owner->packets->out_bytes));
}

static void discard(struct channel *c)
{
	channel_unhold(c);
	c->output_state = CHANNEL_OUTPUT_DISCARDED;
	buf_finish(&c->rest);
}

/* Bytes that libssh took. */
static size_t write_client(
	struct channel *c, enum stream stream, const unsigned char *data, size_t len)
{
	const struct ssh_counter_struct *sent = c->owner->packets;
	uint64_t before = sent->out_packets;
	int n;

	if (c->output_state == CHANNEL_OUTPUT_DISCARDED || len == 0)
		return len;
	if (stream == STREAM_ERR)
		n = ssh_channel_write_stderr(c->ssh, data, (uint32_t)len);
	else
		n = ssh_channel_write(c->ssh, data, (uint32_t)len);
	if (n < 0) {
		discard(c); /* closed by the client, or the connection is dead */
		return len;
	}
	if (n > 0)
		backlog_written(
			c->owner->backlog, (size_t)n, before, sent->out_packets, sent->out_bytes);
	c->written += (uint64_t)n;
	return (size_t)n;
}

size_t channel_give(struct channel *c, bool error, const void *data, size_t len)
{
	return write_client(c, error ? STREAM_ERR : STREAM_OUT, data, len);
}

static int keep_piece(struct channel *c, enum stream stream, const unsigned char *data, size_t len)
{
	uint32_t head = (uint32_t)len << 1 | stream;
	int r;

	if (buf_room(&c->rest) < sizeof(head) + len)
		return -ENOBUFS;
	r = buf_add(&c->rest, &head, sizeof(head));
	return r ? r : buf_add(&c->rest, data, len);
}

/* Writes pieces until the client takes no more. */
static void write_rest(struct channel *c)
{
	while (buf_len(&c->rest) && channel_can_take(c)) {
		const unsigned char *p = buf_data(&c->rest);
		enum stream stream;
		uint32_t head;
		size_t len, n;

		memcpy(&head, p, sizeof(head));
		stream = head & 1;
		len = head >> 1;
		n = write_client(c, stream, p + sizeof(head), len);
		if (c->output_state == CHANNEL_OUTPUT_DISCARDED)
			return;
		if (n == len) {
			buf_drop(&c->rest, sizeof(head) + len);
			continue;
		}
		if (n == 0)
			return;
		/* The head moves up to where the piece now begins. */
		head = (uint32_t)(len - n) << 1 | stream;
		memcpy((unsigned char *)(uintptr_t)p + n, &head, sizeof(head));
		buf_drop(&c->rest, n);
	}
}

/* A run of one stream in the scratch buffer. */
struct batch {
	enum stream stream;
	size_t len;
	size_t total; /* of all runs of this round */
};

static void write_batch(struct channel *c, struct batch *batch)
{
	const unsigned char *data = c->owner->context->scratch;
	size_t n = 0;

	if (!buf_len(&c->rest))
		n = write_client(c, batch->stream, data, batch->len);
	if (n < batch->len && keep_piece(c, batch->stream, data + n, batch->len - n) < 0) {
		log_write(
			LOG_LEVEL_ERROR, c->owner->tag, "out of memory: output of a channel lost");
		channel_drop_output(c);
	}
	batch->len = 0;
}

static void add_output(struct channel *c, struct batch *batch, const struct line_message *message)
{
	/* A terminal has one stream only. */
	enum stream stream = message->type == WIRE_ERR && !c->pty ? STREAM_ERR : STREAM_OUT;

	if (batch->len && (batch->stream != stream || batch->len > OUTPUT_BATCH))
		write_batch(c, batch);
	batch->stream = stream;
	memcpy(c->owner->context->scratch + batch->len, message->payload, message->payload_len);
	batch->len += message->payload_len;
	batch->total += message->payload_len;
}

static void take_exit(struct channel *c, const struct line_message *message)
{
	struct wire_exit last;

	memcpy(&last, message->fixed, sizeof(last));
	channel_begin_exit(c, last.status);
}

/* One message. False when there is none for now, or the line has ended. */
static bool read_line(struct channel *c, struct batch *batch)
{
	struct line_message message;

	if (!channel_receive(c, &message))
		return false;
	if (message.type == WIRE_EXIT)
		take_exit(c, &message);
	else
		add_output(c, batch, &message);
	line_message_finish(&message);
	return channel_has_line(c);
}

void channel_drop_output(struct channel *c)
{
	struct batch batch = {0};
	bool more = channel_has_line(c) && !c->files;

	discard(c);
	while (more) {
		more = read_line(c, &batch);
		write_batch(c, &batch);
	}
}

/* --- holding: ≤ HOLD_US between writes while output flows by itself --- */

/* Answers to something typed go at once, and so does what comes after a pause; a stream that
 * already comes in full batches gains nothing by waiting. */
static bool should_hold(const struct channel *c)
{
	uint64_t now = loop_now(c->owner->context->loop);

	return c->last_batch < FULL_BATCH && pace_wait(&c->pace, now, HOLD_US, HOLD_BURST) > 0;
}

static void hold(struct channel *c)
{
	struct context *context = c->owner->context;

	c->output_state = CHANNEL_OUTPUT_HELD;
	LIST_INSERT_HEAD(&context->held, c, held_entry);
	if (!loop_timer_armed(context->held_timer))
		loop_timer_set(context->held_timer, HOLD_US, LOOP_MSEC / 2);
}

void channel_unhold(struct channel *c)
{
	if (c->output_state != CHANNEL_OUTPUT_HELD)
		return;
	LIST_REMOVE(c, held_entry);
	c->output_state = CHANNEL_OUTPUT_FLOWS;
}

static void output_now(struct channel *c)
{
	struct batch batch = {0};

	write_rest(c);
	while (!buf_len(&c->rest) && channel_has_line(c) && channel_can_take(c) &&
		batch.total < OUTPUT_BATCH && read_line(c, &batch))
		;
	if (batch.len)
		write_batch(c, &batch);
	if (batch.total) {
		pace_take(&c->pace, loop_now(c->owner->context->loop), HOLD_US, HOLD_BURST);
		c->last_batch = batch.total;
	}
}

void channel_output(struct channel *c)
{
	if (c->output_state == CHANNEL_OUTPUT_HELD)
		return;
	if (c->output_state == CHANNEL_OUTPUT_FLOWS && channel_has_line(c) && !buf_len(&c->rest) &&
		should_hold(c))
		hold(c);
	else
		output_now(c);
}

void channel_release_held(void *arg)
{
	struct context *context = arg;
	struct held_list due = LIST_HEAD_INITIALIZER(due);
	struct channel *c;

	/* A list of its own: what is held from here on waits for the next time, and the wake may
	 * end sessions, and with them channels of this very list. */
	while ((c = LIST_FIRST(&context->held))) {
		LIST_REMOVE(c, held_entry);
		LIST_INSERT_HEAD(&due, c, held_entry);
	}
	while ((c = LIST_FIRST(&due))) {
		channel_unhold(c);
		output_now(c);
		c->owner->wake(c->owner->arg);
	}
}
