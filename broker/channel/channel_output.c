/*
 * Task: a channel's output, and the end of it. Owner: the channel.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/channel/channel_private.h"
#include "core/text/escape.h"
#include "core/log.h"

bool channel_is_heard(const struct channel *c)
{
	return buf_len(&c->out) + buf_len(&c->err) <= CHANNEL_UNHEARD;
}

bool channel_reads(const struct channel *c)
{
	switch (c->state) {
	case CHANNEL_OPEN:
		return c->reading != CHANNEL_PAUSED && buf_len(&c->held) == 0 &&
		       channel_is_heard(c);
	case CHANNEL_ENDING:
	case CHANNEL_SAID:
		return true; /* up to the end */
	case CHANNEL_LOST:
	case CHANNEL_CLOSED:
		break;
	}
	return false;
}

static bool has_to_write(const struct channel *c)
{
	return buf_len(&c->out) || buf_len(&c->err) || c->blocked || c->state == CHANNEL_ENDING;
}

void channel_update_events(struct channel *c)
{
	uint32_t events = channel_reads(c) ? EPOLLIN : EPOLLRDHUP;

	if (has_to_write(c))
		events |= EPOLLOUT;
	if (c->state != CHANNEL_CLOSED)
		loop_io_set(c->io, c->state == CHANNEL_LOST ? 0 : events);
}

/* --- output --- */

static bool is_gone(const struct channel *c)
{
	return c->state >= CHANNEL_LOST;
}

static void close_lost(void *arg)
{
	channel_close(arg);
}

/* Found dead by a word on it. Whoever says it goes on as if it had been heard: that its handler may
 * be gone with it would be one more thing to know behind each word. */
static void lose(struct channel *c)
{
	if (channel_enter(c, CHANNEL_LOST))
		loop_defer(c->owner->loop, close_lost, c);
}

static int send_queue(struct channel *c, struct buf *b, enum wire_type type)
{
	while (buf_len(b) > 0) {
		size_t len = buf_len(b) < WIRE_PAYLOAD_MAX ? buf_len(b) : WIRE_PAYLOAD_MAX;
		int r = line_send(&c->line, type, NULL, buf_data(b), len);

		if (r < 0)
			return r;
		buf_drop(b, len);
		c->flushed++;
	}
	return 0;
}

/* 0 when nothing is queued any more, -EAGAIN, or the line is dead. */
static int send_queued(struct channel *c)
{
	int r = send_queue(c, &c->err, WIRE_ERR);

	if (r == 0)
		r = send_queue(c, &c->out, WIRE_OUT);
	return r;
}

static void say_exit(struct channel *c)
{
	const char *reason = c->reason ? c->reason : "";
	int r;

	if (c->state != CHANNEL_ENDING)
		return;
	r = line_send(&c->line, WIRE_EXIT, &c->exit, reason, strnlen(reason, WIRE_REASON_MAX));
	if (r == -EAGAIN)
		return;
	if (r < 0) {
		lose(c);
		return;
	}
	(void)channel_enter(c, CHANNEL_SAID);
	loop_timer_set(c->timer, CHANNEL_LINGER_US, LOOP_SECOND);
}

void channel_flush(struct channel *c)
{
	int r = is_gone(c) ? 0 : send_queued(c);

	if (r < 0 && r != -EAGAIN)
		lose(c);
	else if (r == 0)
		say_exit(c);
	channel_update_events(c);
}

static void put_text(struct channel *c, struct buf *b, const char *text, size_t len)
{
	const char *newline;

	if (is_gone(c))
		return;
	c->trail.bytes_out += len;
	while (c->pty && (newline = memchr(text, '\n', len))) {
		size_t part = (size_t)(newline - text);

		if (buf_add(b, text, part) < 0 || buf_add(b, "\r\n", 2) < 0) {
			c->cut = true;
			return;
		}
		text += part + 1;
		len -= part + 1;
	}
	c->cut |= buf_add(b, text, len) < 0;
}

__attribute__((format(printf, 3, 0))) static void vprint(
	struct channel *c, struct buf *b, const char *format, va_list args)
{
	char text[4096];
	int n = vsnprintf(text, sizeof(text), format, args);

	if (n >= (int)sizeof(text))
		n = sizeof(text) - 1;
	if (n > 0)
		put_text(c, b, text, (size_t)n);
}

void channel_print(struct channel *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprint(c, &c->out, format, args);
	va_end(args);
	channel_flush(c);
}

void channel_text(struct channel *c, const char *text, size_t len)
{
	put_text(c, &c->out, text, len);
	channel_flush(c);
}

/* Foreign names may stand in it: the whole line is escaped. */
void channel_vcomplain(struct channel *c, const char *format, va_list args)
{
	char raw[1024], text[ESCAPE_ROOM(sizeof(raw))];
	struct buf *b = c->pty ? &c->out : &c->err;
	size_t len;

	vsnprintf(raw, sizeof(raw), format, args);
	len = escape_text(raw, strlen(raw), text, sizeof(text));
	put_text(c, b, "vmconsoled: ", 12);
	put_text(c, b, text, len);
	put_text(c, b, "\n", 1);
	channel_flush(c);
}

void channel_complain(struct channel *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	channel_vcomplain(c, format, args);
	va_end(args);
}

int channel_put(struct channel *c, const void *data, size_t len)
{
	int r = is_gone(c) ? -EPIPE : buf_add(&c->out, data, len);

	c->trail.bytes_out += r == 0 ? len : 0;
	if (r == 0)
		channel_flush(c);
	return is_gone(c) ? -EPIPE : r;
}

size_t channel_send(struct channel *c, const void *data, size_t len)
{
	int r;

	if (c->state != CHANNEL_OPEN)
		return 0;
	r = send_queued(c);
	if (r == 0)
		r = line_send(&c->line, WIRE_OUT, NULL, data, len);
	if (r == 0) {
		c->trail.bytes_out += len;
		return len;
	}
	c->blocked = true;
	channel_update_events(c);
	return 0;
}

int channel_say(struct channel *c, enum wire_type type, const void *fixed, const void *payload,
	size_t len, int fd)
{
	int r = c->state != CHANNEL_OPEN ? -EPIPE : send_queued(c);

	if (r == 0)
		r = line_send_fds(&c->line, type, fixed, payload, len, &fd, fd >= 0);
	if (r == -EAGAIN) {
		c->blocked = true;
		channel_update_events(c);
	}
	return r;
}

void channel_begin(struct channel *c, uint64_t offset)
{
	struct wire_begin begin = {.offset = offset};

	/* Nothing has gone out yet, so there is room; a dead line is noticed by reading it. */
	if (c->owner->is_told_begin && !c->begun && !is_gone(c)) {
		c->begun = true;
		(void)!line_send(&c->line, WIRE_BEGIN, &begin, NULL, 0);
	}
}

int channel_hand_over(struct channel *c, int fd, const char *fields, bool told)
{
	const struct wire_upstream head = {.told = told};

	if (c->state != CHANNEL_OPEN)
		return -EPIPE;
	return line_send_fds(&c->line, WIRE_UPSTREAM, &head, fields, strlen(fields), &fd, 1);
}

int channel_ready(struct channel *c)
{
	if (c->state != CHANNEL_OPEN)
		return 0;
	if (send_queued(c) == 0)
		return 1;
	c->blocked = true;
	channel_update_events(c);
	return 0;
}

/* --- the end --- */

void channel_on_timer(void *arg)
{
	struct channel *c = arg;

	if (c->state == CHANNEL_ENDING && c->flushed != c->flushed_seen) {
		c->flushed_seen = c->flushed;
		loop_timer_set(c->timer, CHANNEL_FLUSH_US, 0);
		return;
	}
	if (c->state == CHANNEL_ENDING)
		log_write(LOG_LEVEL_INFO, c->tag, "the client does not take the end of its output");
	channel_close(c);
}

__attribute__((format(printf, 2, 0))) static void set_reason(
	struct channel *c, const char *format, va_list args)
{
	char text[WIRE_REASON_MAX] = "", where[CHANNEL_WHERE_MAX] = "";

	if (format)
		vsnprintf(text, sizeof(text), format, args);
	if (c->ops && c->ops->leave)
		c->ops->leave(c->handler, where);
	if (c->cut && c->exit.status == STATUS_OK) {
		c->exit.status = STATUS_LIMIT;
		snprintf(text, sizeof(text), "too much text for one answer: cut after %zu bytes",
			CHANNEL_TEXT_MAX);
	}
	if (*text && asprintf(&c->reason, "%s%s", text, where) < 0)
		c->reason = NULL;
}

void channel_exit(struct channel *c, enum status status, const char *format, ...)
{
	va_list args;

	if (c->state != CHANNEL_OPEN)
		return;
	c->exit.status = status;
	va_start(args, format);
	set_reason(c, format, args);
	va_end(args);
	if (is_gone(c))
		return; /* the terminal was to be put in order, and is gone */
	audit_trail_end(&c->trail, c->exit.status, c->reason);
	if (c->ops && c->ops->exits)
		c->ops->exits(c->handler, c->reason);
	else
		channel_end_handler(c);
	if (c->reason)
		channel_complain(c, "%s", c->reason);
	if (!channel_enter(c, CHANNEL_ENDING))
		return;
	buf_finish(&c->held);
	log_write(c->exit.status == STATUS_OK ? channel_log_level(c) : LOG_LEVEL_INFO, c->tag,
		"ended with %d%s%s", c->exit.status, c->reason ? ": " : "",
		c->reason ? c->reason : "");
	loop_timer_set(c->timer, CHANNEL_FLUSH_US, 0);
	channel_flush(c);
}
