/*
 * Task: move bytes between three descriptors and a channel line. Owner: the process.
 * Knows no verb. poll() and not core/loop: epoll takes no regular files, and standard input may
 * well be one.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "core/io.h"
#include "ctl/complain.h"
#include "ctl/relay.h"
#include "ctl/stream.h"

/* Bytes on their way, one message at most. */
struct piece {
	unsigned char data[WIRE_PAYLOAD_MAX];
	size_t at, len;
};

enum relay_state { RELAY_RUNNING, RELAY_ENDED };

struct relay {
	enum relay_state state;
	struct line *channel, *login;
	struct terminal *terminal;
	struct relay_end *end;
	struct stream in, out, err;
	struct piece to_channel, to_out, to_err;
	int input_ended; /* read to its end; the daemon is told behind to_channel */
	int line_full;   /* wait for room */
	int resized;     /* the daemon does not know the size yet */
	int login_ended; /* not read any more */
	int signal_fd;
	struct wire_bye bye; /* with its reason: what counts if the channel ends without a word */
	char bye_reason[WIRE_REASON_MAX + 1];
};

static size_t left(const struct piece *p)
{
	return p->len - p->at;
}

static void finish(struct relay *r, int status, const char *reason)
{
	r->state = RELAY_ENDED;
	r->end->status = status;
	snprintf(r->end->reason, sizeof(r->end->reason), "%s", reason);
}

static void finish_by_signal(struct relay *r, int signo)
{
	r->state = RELAY_ENDED;
	r->end->signo = signo;
}

static void lost(struct relay *r)
{
	if (r->bye_reason[0])
		finish(r, r->bye.status > 0 ? r->bye.status : CTL_LOST, r->bye_reason);
	else
		finish(r, CTL_LOST, "vmconsoled: connection lost");
}

/* --- up --- */

/* What a send came to: whether there is room for more. */
static int sent(struct relay *r, int result)
{
	r->line_full = result == -EAGAIN;
	/* Any other failure: the line is dead, and reading it says so, after what it still holds.
	 */
	return result == 0;
}

/* 1: nothing is owed. */
static int send_size(struct relay *r)
{
	struct terminal_size size;
	struct wire_winsize message;

	if (!r->resized)
		return 1;
	size = terminal_size(r->terminal);
	message = (struct wire_winsize){size.columns, size.rows};
	r->resized = !sent(r, line_send(r->channel, WIRE_WINSIZE, &message, NULL, 0));
	return !r->resized;
}

static void send_up(struct relay *r)
{
	struct piece *p = &r->to_channel;

	if (!send_size(r))
		return;
	if (left(p) > 0) {
		if (!sent(r, line_send(r->channel, WIRE_DATA, NULL, p->data + p->at, left(p))))
			return;
		p->at = p->len = 0;
	}
	if (r->input_ended && r->channel->state == WIRE_RUNNING)
		(void)sent(r, line_send(r->channel, WIRE_EOF, NULL, NULL, 0));
}

static void read_input(struct relay *r)
{
	ssize_t n = stream_read(&r->in, r->to_channel.data, sizeof(r->to_channel.data));

	if (n == -EAGAIN)
		return;
	if (n <= 0) /* an error (the terminal is gone, no descriptor 0) is an end too */
		r->input_ended = 1;
	else
		r->to_channel.len = (size_t)n;
	send_up(r);
}

/* --- down --- */

/* Writes what there is; gone: nobody reads any more. */
static void write_down(struct relay *r, struct stream *s, struct piece *p)
{
	ssize_t n = stream_write(s, p->data + p->at, left(p));

	if (n == -EAGAIN)
		return;
	if (n >= 0) {
		p->at += (size_t)n;
		return;
	}
	if (s == &r->err) { /* standard error is not worth ending for */
		p->at = p->len;
		return;
	}
	if (n == -EPIPE)
		finish_by_signal(r, SIGPIPE);
	else
		finish(r, CTL_INTERNAL, strerror((int)-n));
}

static void take_down(
	struct relay *r, struct stream *s, struct piece *p, const struct line_message *m)
{
	memcpy(p->data, m->payload, m->payload_len);
	p->at = 0;
	p->len = m->payload_len;
	write_down(r, s, p);
}

static void read_channel(struct relay *r)
{
	struct line_message m;
	struct wire_exit last;
	int n = ctl_receive(r->channel, &m);

	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		lost(r);
		return;
	}
	if (m.type == WIRE_OUT) {
		take_down(r, &r->out, &r->to_out, &m);
	} else if (m.type == WIRE_ERR) {
		take_down(r, &r->err, &r->to_err, &m);
	} else { /* WIRE_EXIT: the table allows no other */
		memcpy(&last, m.fixed, sizeof(last));
		finish(r, last.status >= 0 && last.status <= 255 ? last.status : CTL_INTERNAL, "");
	}
}

/* A goodbye is remembered; the channel's own last word is worth more. */
static void read_login(struct relay *r)
{
	struct line_message m;
	int n = ctl_receive(r->login, &m);

	if (n == -EAGAIN)
		return;
	if (n > 0 && m.type == WIRE_BYE) {
		memcpy(&r->bye, m.fixed, sizeof(r->bye));
		snprintf(r->bye_reason, sizeof(r->bye_reason), "%.*s", (int)m.payload_len,
			(const char *)m.payload);
	}
	r->login_ended = 1;
}

/* --- signals --- */

static void stop_and_continue(struct relay *r)
{
	terminal_leave_raw(r->terminal);
	(void)raise(SIGSTOP);
	terminal_enter_raw(r->terminal);
	r->resized = r->terminal->fd >= 0;
}

static void read_signal(struct relay *r)
{
	struct signalfd_siginfo info;

	if (read(r->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGWINCH:
		r->resized = r->terminal->fd >= 0;
		send_up(r);
		break;
	case SIGTSTP:
		stop_and_continue(r);
		send_up(r);
		break;
	default:
		finish_by_signal(r, (int)info.ssi_signo);
		break;
	}
}

/* What the caller has us ignore (nohup, a shell's background job) stays ignored. */
static bool is_ignored(int signo)
{
	struct sigaction action;

	return sigaction(signo, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static int open_signals(void)
{
	static const int handled[] = {SIGWINCH, SIGTSTP, SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	sigset_t set;
	size_t i;
	int fd;

	sigemptyset(&set);
	for (i = 0; i < sizeof(handled) / sizeof(handled[0]); i++)
		if (!is_ignored(handled[i]))
			sigaddset(&set, handled[i]);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* --- the loop --- */

enum watched { WATCH_SIGNAL, WATCH_LOGIN, WATCH_CHANNEL, WATCH_IN, WATCH_OUT, WATCH_ERR, WATCHED };

static void watch(struct pollfd *p, int fd, short events)
{
	p->fd = fd;
	p->events = events;
	p->revents = 0;
}

/* Nothing read from the line waits to be written. */
static bool is_down_free(const struct relay *r)
{
	return left(&r->to_out) == 0 && left(&r->to_err) == 0;
}

/* What to wait for, from the state alone. -1 is not looked at; no events: only its hangup. */
static void wanted(const struct relay *r, struct pollfd p[WATCHED])
{
	int may_read = !r->input_ended && left(&r->to_channel) == 0 && !r->line_full;
	short channel = (short)((is_down_free(r) ? POLLIN : 0) | (r->line_full ? POLLOUT : 0));

	watch(&p[WATCH_SIGNAL], r->signal_fd, POLLIN);
	watch(&p[WATCH_LOGIN], r->login_ended ? -1 : r->login->fd, POLLIN);
	/* Its hangup would wake us for ever while we must not read it. */
	watch(&p[WATCH_CHANNEL], channel ? r->channel->fd : -1, channel);
	watch(&p[WATCH_IN], may_read ? r->in.fd : -1, POLLIN);
	watch(&p[WATCH_OUT], r->out.fd, left(&r->to_out) > 0 ? POLLOUT : 0);
	watch(&p[WATCH_ERR], left(&r->to_err) > 0 ? r->err.fd : -1, POLLOUT);
}

static void turn(struct relay *r)
{
	struct pollfd p[WATCHED];

	wanted(r, p);
	if (poll(p, WATCHED, -1) < 0) {
		if (errno != EINTR)
			finish(r, CTL_INTERNAL, strerror(errno));
		return;
	}
	if (p[WATCH_SIGNAL].revents)
		read_signal(r);
	if (p[WATCH_LOGIN].revents && r->state == RELAY_RUNNING)
		read_login(r);
	if (p[WATCH_OUT].revents && r->state == RELAY_RUNNING) {
		if (left(&r->to_out) > 0)
			write_down(r, &r->out, &r->to_out);
		else if (p[WATCH_OUT].revents & (POLLERR | POLLHUP))
			finish_by_signal(r, SIGPIPE); /* the reader is gone */
	}
	if (p[WATCH_ERR].revents && r->state == RELAY_RUNNING)
		write_down(r, &r->err, &r->to_err);
	if (p[WATCH_CHANNEL].revents && r->state == RELAY_RUNNING) {
		if (r->line_full) {
			r->line_full = 0;
			send_up(r);
		}
		if (is_down_free(r))
			read_channel(r);
	}
	if (p[WATCH_IN].revents && r->state == RELAY_RUNNING)
		read_input(r);
}

void relay_run(struct ctl_link *link, struct terminal *terminal, struct relay_end *end)
{
	struct relay r = {.state = RELAY_RUNNING,
		.channel = &link->channel,
		.login = &link->login,
		.terminal = terminal,
		.end = end};

	memset(end, 0, sizeof(*end));
	(void)signal(SIGPIPE, SIG_IGN);
	r.signal_fd = open_signals();
	if (r.signal_fd < 0) {
		finish(&r, CTL_INTERNAL, strerror(-r.signal_fd));
		return;
	}
	stream_init(&r.in, STDIN_FILENO);
	stream_init(&r.out, STDOUT_FILENO);
	stream_init(&r.err, STDERR_FILENO);
	terminal_enter_raw(terminal);
	while (r.state == RELAY_RUNNING)
		turn(&r);
	terminal_leave_raw(terminal);
	stream_finish(&r.in);
	stream_finish(&r.out);
	stream_finish(&r.err);
	fd_close(&r.signal_fd);
}
