/*
 * Task: a channel's life and its input. Owner: the login.
 * Knows no login, no verb and no console: handlers hang on it.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/channel/channel_private.h"
#include "core/log.h"

#define INPUT_ROUNDS 8  /* messages read in one turn */
#define LAST_ROUNDS 512 /* messages of a door that has gone */

/* --- input --- */

/* Offers bytes to the handler; holds what it does not take. */
static void offer(struct channel *c, const uint8_t *data, size_t len)
{
	size_t taken = len;

	if (c->ops && c->ops->input && c->state == CHANNEL_OPEN)
		taken = c->ops->input(c->handler, data, len);
	if (c->state != CHANNEL_OPEN || taken >= len)
		return;
	if (buf_add(&c->held, data + taken, len - taken) < 0)
		channel_exit(c, STATUS_INTERNAL, "out of memory");
}

static void notify_input_end(struct channel *c)
{
	if (c->input != CHANNEL_INPUT_ENDED || buf_len(&c->held) > 0 || c->state != CHANNEL_OPEN)
		return;
	c->input = CHANNEL_INPUT_TOLD;
	if (c->ops && c->ops->input_end)
		c->ops->input_end(c->handler);
}

void channel_resume(struct channel *c)
{
	size_t len = buf_len(&c->held);
	struct buf old;

	if (c->state != CHANNEL_OPEN || len == 0)
		return;
	c->resume_due = !channel_is_heard(c);
	if (c->resume_due)
		return;
	/* The handler may come back here; what it sees is no longer ours then. */
	old = c->held;
	buf_init(&c->held, WIRE_PAYLOAD_MAX);
	offer(c, buf_data(&old), len);
	buf_finish(&old);
	notify_input_end(c);
	channel_update_events(c);
}

static void on_again(void *arg)
{
	channel_resume(arg);
}

void channel_resume_later(struct channel *c, uint64_t delay_us)
{
	if (c->state == CHANNEL_OPEN)
		loop_timer_set(c->again, delay_us, 0);
}

void channel_need(struct channel *c, const struct guest *guest, unsigned rights)
{
	c->guest = guest;
	c->needs = rights;
}

const struct guest *channel_guest(const struct channel *c)
{
	return c->guest;
}

unsigned channel_needs(const struct channel *c)
{
	return c->needs;
}

void channel_rights_changed(struct channel *c)
{
	if (c->state == CHANNEL_OPEN && c->ops && c->ops->rights_changed)
		c->ops->rights_changed(c->handler);
}

/* Clients claim any size: from here on it is one that can be reckoned with. */
static void set_window(struct channel *c, unsigned columns, unsigned rows)
{
	c->window.columns = columns < CHANNEL_SIDE_MAX ? columns : CHANNEL_SIDE_MAX;
	c->window.rows = rows < CHANNEL_SIDE_MAX ? rows : CHANNEL_SIDE_MAX;
}

static void on_request(struct channel *c, const struct line_message *m)
{
	struct wire_request request;
	const char *command = NULL;
	size_t len = 0;

	loop_timer_stop(c->timer);
	memcpy(&request, m->fixed, sizeof(request));
	/* The door does not give one; this is for a broken one. */
	if (request.pty && !c->owner->may_pty(c->owner->login)) {
		channel_exit(c, STATUS_DENIED, "this login gets no terminal");
		return;
	}
	c->pty = request.pty != 0;
	c->shown = request.pty || request.terminal;
	c->files_refused = request.files_refused != 0;
	set_window(c, request.columns, request.rows);
	if (m->type == WIRE_EXEC) {
		command = (const char *)m->payload + request.term_len;
		len = m->payload_len - request.term_len;
	}
	c->owner->asked(c, command, len);
}

/* Takes it out of the line's buffer, where it would lie about. */
static void on_lease(struct channel *c, const struct line_message *m)
{
	unsigned char *from = (unsigned char *)(uintptr_t)m->payload;

	memcpy(c->lease, from, m->payload_len);
	c->lease[m->payload_len] = '\0';
	explicit_bzero(from, m->payload_len);
}

static void on_winsize(struct channel *c, const struct line_message *m)
{
	struct wire_winsize size;

	memcpy(&size, m->fixed, sizeof(size));
	set_window(c, size.columns, size.rows);
	if (c->ops && c->ops->winsize && c->state == CHANNEL_OPEN)
		c->ops->winsize(c->handler);
}

static void on_break(struct channel *c, const struct line_message *m)
{
	struct wire_break request;

	memcpy(&request, m->fixed, sizeof(request));
	if (c->ops && c->ops->line_break && c->state == CHANNEL_OPEN)
		c->ops->line_break(c->handler, request.ms);
}

/* 0 and *signal, or -ENOENT: one that changes nothing, such as WINCH. */
static int find_signal(const struct line_message *m, enum channel_signal *signal)
{
	static const struct {
		const char *name;
		enum channel_signal signal;
	} known[] = {{"INT", CHANNEL_INTERRUPT}, {"TERM", CHANNEL_LEAVE}, {"HUP", CHANNEL_LEAVE},
		{"KILL", CHANNEL_LEAVE}};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strlen(known[i].name) == m->payload_len &&
			memcmp(known[i].name, m->payload, m->payload_len) == 0) {
			*signal = known[i].signal;
			return 0;
		}
	}
	return -ENOENT;
}

static void on_signal(struct channel *c, const struct line_message *m)
{
	enum channel_signal signal;

	if (c->state != CHANNEL_OPEN || find_signal(m, &signal) < 0)
		return;
	if (c->ops && c->ops->signal)
		c->ops->signal(c->handler, signal);
	else
		channel_exit(c, STATUS_OK, "ended by signal %.*s", (int)m->payload_len,
			(const char *)m->payload);
}

static void on_files(struct channel *c, const struct line_message *m)
{
	struct wire_files request;

	loop_timer_stop(c->timer);
	memcpy(&request, m->fixed, sizeof(request));
	c->owner->files_asked(c, request.client, (const char *)m->payload, m->payload_len);
}

static void on_message(struct channel *c, struct line_message *m)
{
	switch (m->type) {
	case WIRE_FILES:
		on_files(c, m);
		break;
	case WIRE_STAT:
	case WIRE_LIST:
	case WIRE_LEND:
	case WIRE_REMOVE:
	case WIRE_PULL:
	case WIRE_GIVEN:
	case WIRE_REFUSED:
	case WIRE_DONE:
		if (c->ops && c->ops->message)
			c->ops->message(c->handler, m);
		break;
	case WIRE_LEASE:
		on_lease(c, m);
		break;
	case WIRE_SHELL:
	case WIRE_EXEC:
		on_request(c, m);
		break;
	case WIRE_DATA:
		c->trail.bytes_in += m->payload_len;
		offer(c, m->payload, m->payload_len);
		break;
	case WIRE_EOF:
		if (c->input == CHANNEL_INPUT_COMES)
			c->input = CHANNEL_INPUT_ENDED;
		notify_input_end(c);
		break;
	case WIRE_WINSIZE:
		on_winsize(c, m);
		break;
	case WIRE_BREAK:
		on_break(c, m);
		break;
	case WIRE_SIGNAL:
		on_signal(c, m);
		break;
	default: /* the table lets no other type through */
		break;
	}
}

static void read_line(struct channel *c)
{
	struct line_message m;
	int i, r;

	for (i = 0; i < INPUT_ROUNDS && channel_reads(c); i++) {
		r = line_receive(&c->line, &m);
		if (r == -EAGAIN)
			return;
		if (r == -EPROTO && c->state == CHANNEL_SAID)
			continue; /* said before our EXIT was heard */
		if (r <= 0) {
			if (r < 0)
				log_write(LOG_LEVEL_WARNING, c->tag, "channel line: %s",
					strerror(-r));
			channel_close(c);
			return;
		}
		on_message(c, &m);
		line_message_finish(&m);
	}
}

void channel_hear_out(struct channel *c)
{
	struct line_message m;
	int i, r = 1;

	for (i = 0; i < LAST_ROUNDS && c->state != CHANNEL_CLOSED && c->ops && c->ops->message;
		i++) {
		r = line_receive(&c->line, &m);
		if (r == -EPROTO && c->state == CHANNEL_SAID)
			continue;
		if (r != 1)
			return;
		if (m.type == WIRE_GIVEN || m.type == WIRE_REFUSED || m.type == WIRE_DONE)
			on_message(c, &m);
		line_message_finish(&m);
	}
}

/* --- events --- */

/* The line takes more. */
static void on_room(struct channel *c)
{
	bool owed = c->blocked;

	c->blocked = false;
	channel_flush(c);
	if (owed && c->state == CHANNEL_OPEN && c->ops && c->ops->writable)
		c->ops->writable(c->handler);
	if (c->resume_due)
		channel_resume(c);
}

static void on_io(void *arg, uint32_t revents)
{
	struct channel *c = arg;

	/* What the door has told before it went is still there. */
	if (c->reading == CHANNEL_PAUSED && revents & (EPOLLHUP | EPOLLRDHUP | EPOLLERR)) {
		c->reading = CHANNEL_READS_THE_END;
		revents |= EPOLLIN;
	}
	if (revents & EPOLLIN)
		read_line(c);
	else if (revents & (EPOLLHUP | EPOLLRDHUP | EPOLLERR))
		channel_close(c);
	if (revents & EPOLLOUT)
		on_room(c);
	channel_update_events(c);
}

/* --- life --- */

bool channel_enter(struct channel *c, enum channel_state state)
{
	if (state <= c->state)
		return false;
	c->state = state;
	return true;
}

int channel_accept(const struct channel_owner *owner, int fd, unsigned number, struct channel **out)
{
	struct channel *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->owner = owner;
	line_init(&c->line, fd, WIRE_CHANNEL, WIRE_BROKER);
	buf_init(&c->out, CHANNEL_TEXT_MAX);
	buf_init(&c->err, CHANNEL_TEXT_MAX);
	buf_init(&c->held, WIRE_PAYLOAD_MAX);
	snprintf(c->tag, sizeof(c->tag), "%s.%u", owner->tag, number);
	audit_trail_init(&c->trail, owner->loop, owner->deeds, c->tag, owner->who, owner->login);
	r = loop_timer_add(owner->loop, &c->timer, channel_on_timer, c);
	if (!r)
		r = loop_timer_add(owner->loop, &c->again, on_again, c);
	if (!r)
		r = loop_io_add(owner->loop, &c->io, fd, EPOLLIN, on_io, c);
	if (r < 0) {
		loop_timer_del(&c->timer);
		loop_timer_del(&c->again);
		free(c); /* the descriptor stays the caller's */
		return r;
	}
	loop_timer_set(c->timer, CHANNEL_ASK_US, LOOP_SECOND);
	*out = c;
	return 0;
}

static void free_channel(void *arg)
{
	struct channel *c = arg;

	buf_finish(&c->out);
	buf_finish(&c->err);
	buf_finish(&c->held);
	free(c->reason);
	explicit_bzero(c->lease, sizeof(c->lease));
	audit_trail_finish(&c->trail);
	free(c);
}

void channel_end_handler(struct channel *c)
{
	const struct channel_ops *ops = c->ops;

	c->ops = NULL;
	if (ops && ops->end)
		ops->end(c->handler);
	c->handler = NULL;
}

void channel_close(struct channel *c)
{
	if (!channel_enter(c, CHANNEL_CLOSED))
		return;
	audit_trail_end(&c->trail, STATUS_OK, "the client left");
	channel_end_handler(c);
	loop_io_del(&c->io);
	loop_timer_del(&c->timer);
	loop_timer_del(&c->again);
	line_finish(&c->line);
	LIST_REMOVE(c, entry);
	loop_defer(c->owner->loop, free_channel, c);
	c->owner->closed(c->owner->login, &c->trail);
}

void channel_pause(struct channel *c, int on)
{
	if (c->reading == CHANNEL_READS_THE_END)
		return;
	c->reading = on ? CHANNEL_PAUSED : CHANNEL_READS;
	channel_update_events(c);
}

bool channel_is_exiting(const struct channel *c)
{
	return c->state != CHANNEL_OPEN;
}

void channel_set_handler(struct channel *c, const struct channel_ops *ops, void *handler)
{
	c->ops = ops;
	c->handler = handler;
}

bool channel_has_handler(const struct channel *c)
{
	return c->ops;
}

struct login *channel_login(const struct channel *c)
{
	return c->owner->login;
}

struct audit_trail *channel_trail(struct channel *c)
{
	return &c->trail;
}

const char *channel_tag(const struct channel *c)
{
	return c->tag;
}

void channel_set_polled(struct channel *c)
{
	c->polled = true;
}

enum log_level channel_log_level(const struct channel *c)
{
	return c->polled ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;
}

bool channel_has_pty(const struct channel *c)
{
	return c->pty;
}

bool channel_is_shown(const struct channel *c)
{
	return c->shown;
}

int channel_follows_files(const struct channel *c)
{
	return c->files_refused;
}

struct channel_window channel_window(const struct channel *c)
{
	return c->window;
}

const char *channel_lease(const struct channel *c)
{
	return *c->lease ? c->lease : NULL;
}

struct channel *channel_next(const struct channel *c)
{
	return LIST_NEXT(c, entry);
}

void channel_link(struct channel *c, struct channel_list *list)
{
	LIST_INSERT_HEAD(list, c, entry);
}
