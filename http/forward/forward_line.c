/* Task: has the broker connect, takes the socket, and hears why there is none. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/io.h"
#include "http/exchange/answer.h"
#include "http/forward/forward_head.h"
#include "http/forward/forward_private.h"
#include "http/exchange/route.h"
#include "wire/status.h"

static void on_wake(void *arg, uint32_t revents)
{
	struct forward *f = arg;

	f->o.wake(f->o.arg);
}

int forward_ask(struct forward *f)
{
	struct wire_request request = {0};
	char command[ROUTE_COMMAND_MAX];
	int r = route_forward_command(f->o.request, command);

	if (!r)
		r = broker_line_open(f->o.login, &f->line);
	if (!r)
		r = line_send(&f->line, WIRE_EXEC, &request, command, strlen(command));
	if (!r)
		r = loop_io_add(f->o.loop, &f->line_io, f->line.fd, EPOLLIN, on_wake, f);
	f->step = FORWARD_ASKED;
	return r;
}

/* What comes is the body of an answer without a head; either side may be silent for long. */
static void begin_raw(struct forward *f)
{
	*f->answer = (struct http_response){.body = HTTP_BODY_CLOSE};
	f->step = FORWARD_BODY;
	loop_timer_stop(f->timer);
}

/* The socket is there. */
static int begin(struct forward *f, struct line_message *m)
{
	const struct forward_request head = {.request = f->o.request,
		.fields = (const char *)m->payload,
		.fields_len = m->payload_len,
		.keeps_credentials = f->o.keeps_credentials,
		.length = f->o.request->body == HTTP_BODY_CHUNKED ? buf_len(&f->up)
								  : f->o.request->length};
	struct wire_upstream upstream;
	struct buf body = f->up;
	int r;

	memcpy(&upstream, m->fixed, sizeof(upstream));
	f->ending = upstream.told ? FORWARD_UNTOLD : FORWARD_BY_BYTES;

	f->fd = line_take_fd(m, 0);
	f->step = FORWARD_HEAD;
	buf_init(&f->up, HTTP_HEAD_MAX + WIRE_FIELDS_MAX + FORWARD_UP_MAX + FORWARD_COLLECT_MAX);
	r = fd_nonblock(f->fd);
	if (f->o.raw)
		begin_raw(f);
	else if (!r)
		r = forward_request_head(&f->up, &head);
	if (!r && buf_len(&body) > 0)
		r = buf_add(&f->up, buf_data(&body), buf_len(&body));
	buf_finish(&body);
	if (!r)
		r = loop_io_add(f->o.loop, &f->io, f->fd, 0, on_wake, f);
	return r;
}

static unsigned status_of(int exit_status)
{
	return exit_status == STATUS_UNAVAILABLE ? 502 : answer_status(exit_status);
}

/* The broker ends it: it could not begin, or somebody's rights, or time, are over; or it says how
 * the upstream has ended, of which not all may be read. */
static void on_exit_message(struct forward *f, const struct line_message *m)
{
	struct wire_exit last;

	memcpy(&last, m->fixed, sizeof(last));
	if (f->ending == FORWARD_UNTOLD &&
		(last.status == STATUS_OK || last.status == STATUS_UNAVAILABLE)) {
		f->ending = last.status == STATUS_OK ? FORWARD_WHOLE : FORWARD_BROKEN;
		forward_told(f);
		return;
	}
	forward_give_up(f, last.status == STATUS_OK ? 502 : status_of(last.status),
		complaint_line(&f->complaint));
}

static void take_message(struct forward *f, struct line_message *m)
{
	switch ((int)m->type) {
	case WIRE_UPSTREAM:
		if (f->step == FORWARD_ASKED && begin(f, m) < 0)
			forward_give_up(f, 502, "out of memory");
		f->progress = true;
		break;
	case WIRE_ERR:
		complaint_add(&f->complaint, m);
		break;
	case WIRE_EXIT:
		on_exit_message(f, m);
		break;
	default:
		break;
	}
}

void forward_read_line(struct forward *f)
{
	struct line_message m;
	int r = 1;

	while (f->step != FORWARD_COLLECTS && f->step != FORWARD_OVER &&
		f->ending < FORWARD_WHOLE) {
		r = line_receive(&f->line, &m);
		if (r != 1)
			break;
		take_message(f, &m);
		line_message_finish(&m);
	}
	if (r != 1 && r != -EAGAIN && f->step != FORWARD_OVER)
		forward_give_up(f, 502, "the broker has ended it");
}
