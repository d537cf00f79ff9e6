/* Task: play the broker for one vmconsolectl. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/io.h"
#include "ctl_daemon.h"

#define ARGUMENTS_MAX 16

void daemon_init(struct ctl_daemon *d)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	memset(d, 0, sizeof(*d));
	d->in = d->out = d->err = d->terminal = -1;
	line_init(&d->login, -1, WIRE_LOCAL, WIRE_BROKER);
	line_init(&d->channel, -1, WIRE_CHANNEL, WIRE_BROKER);
	snprintf(d->dir, sizeof(d->dir), "/tmp/test_ctl.XXXXXX");
	assert_non_null(mkdtemp(d->dir));
	snprintf(d->path, sizeof(d->path), "%s/control", d->dir);
	memcpy(sa.sun_path, d->path, strlen(d->path) + 1);
	d->listening = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(d->listening, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(d->listening, 5), 0);
}

void daemon_finish(struct ctl_daemon *d)
{
	if (d->child > 0) {
		kill(d->child, SIGKILL);
		waitpid(d->child, NULL, 0);
	}
	line_finish(&d->login);
	line_finish(&d->channel);
	fd_close(&d->listening);
	fd_close(&d->in);
	fd_close(&d->out);
	fd_close(&d->err);
	fd_close(&d->terminal);
	unlink(d->path);
	rmdir(d->dir);
}

static void become_ctl(struct ctl_daemon *d, const char *const *arguments)
{
	const char *argv[ARGUMENTS_MAX + 4] = {"vmconsolectl", "-S", d->path};
	int count = 3;

	while (*arguments && count < ARGUMENTS_MAX + 3)
		argv[count++] = *arguments++;
	setenv("TERM", "vt-test", 1);
	execv(VMCONSOLECTL, (char *const *)(uintptr_t)argv);
	_exit(99);
}

void daemon_start(struct ctl_daemon *d, const char *const *arguments)
{
	int in[2], out[2], err[2];

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	d->child = fork();
	assert_true(d->child >= 0);
	if (d->child == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		become_ctl(d, arguments);
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	d->in = in[1];
	d->out = out[0];
	d->err = err[0];
}

void daemon_start_on_terminal(struct ctl_daemon *d, const char *const *arguments)
{
	const struct winsize size = {.ws_col = 100, .ws_row = 30};

	d->child = forkpty(&d->terminal, NULL, NULL, &size);
	assert_true(d->child >= 0);
	if (d->child == 0)
		become_ctl(d, arguments);
	fcntl(d->terminal, F_SETFD, FD_CLOEXEC);
}

static void wait_for(int fd, short events)
{
	struct pollfd p = {fd, events, 0};

	if (poll(&p, 1, DAEMON_WAIT_MS) != 1)
		fail_msg("nothing happened for %d ms", DAEMON_WAIT_MS);
}

void daemon_receive(struct line *line, struct line_message *m, enum wire_type type)
{
	wait_for(line->fd, POLLIN);
	assert_int_equal(line_receive(line, m), 1);
	assert_int_equal(m->type, type);
}

void daemon_accept(struct ctl_daemon *d)
{
	struct wire_auth auth;
	struct line_message m;

	wait_for(d->listening, POLLIN);
	d->login.fd = accept4(d->listening, NULL, NULL, SOCK_CLOEXEC);
	assert_true(d->login.fd >= 0);
	daemon_receive(&d->login, &m, WIRE_AUTH);
	memcpy(&auth, m.fixed, sizeof(auth));
	assert_int_equal(auth.method, WIRE_AUTH_PEER);
	assert_int_equal(auth.login_len, strlen("vmconsole"));
	assert_int_equal(m.payload_len, auth.login_len);
	assert_memory_equal(m.payload, "vmconsole", auth.login_len);
}

void daemon_verdict(struct ctl_daemon *d, enum wire_verdict verdict, const char *reason)
{
	struct wire_verdict_msg message = {.verdict = (uint8_t)verdict};

	daemon_send(&d->login, WIRE_VERDICT, &message, reason, strlen(reason));
	d->login.state = verdict == WIRE_ACCEPTED ? WIRE_RUNNING : WIRE_FRESH;
}

void daemon_welcome(struct ctl_daemon *d, struct line_message *m, enum wire_type request)
{
	daemon_accept(d);
	daemon_verdict(d, WIRE_ACCEPTED, "");
	daemon_receive(&d->login, m, WIRE_OPEN);
	d->channel.fd = line_take_fd(m, 0);
	daemon_receive(&d->channel, m, request);
}

void daemon_send(
	struct line *line, enum wire_type type, const void *fixed, const void *payload, size_t len)
{
	int r;

	while ((r = line_send(line, type, fixed, payload, len)) == -EAGAIN)
		wait_for(line->fd, POLLOUT);
	assert_int_equal(r, 0);
}

void daemon_exit(struct ctl_daemon *d, int status)
{
	struct wire_exit message = {.status = status};

	daemon_send(&d->channel, WIRE_EXIT, &message, "why", 3);
}

int daemon_wait(struct ctl_daemon *d)
{
	int status, left = DAEMON_WAIT_MS / 10;

	while (waitpid(d->child, &status, WNOHANG) == 0) {
		assert_true(left-- > 0);
		poll(NULL, 0, 10);
	}
	d->child = 0;
	return status;
}

void daemon_slurp(int fd, char *out, size_t room)
{
	size_t len = 0;
	ssize_t n;

	do {
		wait_for(fd, POLLIN);
		n = read(fd, out + len, room - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	} while (n > 0 && len < room - 1);
	out[len] = '\0';
}
