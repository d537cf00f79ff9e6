/*
 * Task: connect, log in, open a channel. Owner: the process.
 * Blocks: nothing has been changed yet that a signal would have to put back.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/io.h"
#include "core/file/error_text.h"
#include "ctl/complain.h"
#include "ctl/connect.h"

#define LOGIN_NAME "vmconsole" /* the host itself; verbs name their VM */
#define CONNECT_S 30
#define VERDICT_MS 30000

static int fail_with(char reason[CTL_REASON_MAX], enum ctl_status status, const char *text)
{
	snprintf(reason, CTL_REASON_MAX, "%s", text);
	return status;
}

/* A descriptor or -errno. */
static int dial(const char *path)
{
	static const struct timeval limit = {.tv_sec = CONNECT_S}; /* a full backlog blocks */
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	memcpy(sa.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

static int wait_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int n;

	do {
		n = poll(&p, 1, VERDICT_MS);
	} while (n < 0 && errno == EINTR);
	return n > 0 ? 0 : n == 0 ? -ETIMEDOUT : -errno;
}

static int take_payload(char reason[CTL_REASON_MAX], const struct line_message *m, int status,
	const char *otherwise)
{
	snprintf(reason, CTL_REASON_MAX, "%.*s", (int)m->payload_len, (const char *)m->payload);
	if (m->payload_len == 0)
		snprintf(reason, CTL_REASON_MAX, "%s", otherwise);
	return status;
}

/* 0: accepted; an exit status with its reason; -1: the line is lost or silent. */
static int await_verdict(struct line *login, char reason[CTL_REASON_MAX])
{
	struct wire_verdict_msg verdict;
	struct wire_bye bye;
	struct line_message m;

	if (wait_readable(login->fd) == -ETIMEDOUT)
		return fail_with(reason, CTL_UNREACHABLE, "vmconsoled does not answer");
	if (ctl_receive(login, &m) <= 0)
		return fail_with(reason, CTL_LOST, "vmconsoled: connection lost");
	if (m.type == WIRE_BYE) {
		memcpy(&bye, m.fixed, sizeof(bye));
		return take_payload(reason, &m, bye.status > 0 ? bye.status : CTL_BUSY,
			"vmconsoled ended the connection");
	}
	memcpy(&verdict, m.fixed, sizeof(verdict));
	if (verdict.verdict != WIRE_ACCEPTED)
		return take_payload(reason, &m, CTL_DENIED, "permission denied");
	login->state = WIRE_RUNNING;
	return 0;
}

static int log_in(struct line *login, char reason[CTL_REASON_MAX])
{
	static const char name[] = LOGIN_NAME;
	struct wire_auth auth = {.method = WIRE_AUTH_PEER, .login_len = sizeof(name) - 1};

	/* A refusal may lie there already: then the send fails, and reading says why. */
	if (line_send(login, WIRE_AUTH, &auth, name, sizeof(name) - 1) < 0)
		login->state = WIRE_ASKED;
	return await_verdict(login, reason);
}

static int open_channel(struct ctl_link *link, char reason[CTL_REASON_MAX])
{
	int fds[2], r = line_pair(fds);

	if (r < 0)
		return fail_with(reason, CTL_INTERNAL, strerror(-r));
	line_init(&link->channel, fds[0], WIRE_CHANNEL, WIRE_DOOR);
	r = line_send_fds(&link->login, WIRE_OPEN, NULL, NULL, 0, &fds[1], 1);
	close(fds[1]);
	return r < 0 ? fail_with(reason, CTL_LOST, "vmconsoled: connection lost") : 0;
}

/* The path is said in front of it. */
static const char *why_unreachable(const char *path, int error, char room[ERROR_TEXT_ROOM])
{
	switch (error) {
	case EAGAIN:
		return "it accepts no connection: systemctl status vmconsoled";
	case ECONNREFUSED:
		return "nobody listens there: start vmconsoled (systemctl start vmconsoled)";
	case ENOENT:
		return "there is no such socket: start vmconsoled (systemctl start vmconsoled), or "
		       "name the socket in its run_dir with -S";
	case EPROTOTYPE:
		return "it is the socket of another program: name the one in run_dir with -S";
	default:
		return error_text(path, error, R_OK | W_OK, room);
	}
}

int ctl_connect(struct ctl_link *link, const char *socket_path, char reason[CTL_REASON_MAX])
{
	int fd = dial(socket_path), r;
	char room[ERROR_TEXT_ROOM];

	line_init(&link->login, -1, WIRE_LOCAL, WIRE_DOOR);
	line_init(&link->channel, -1, WIRE_CHANNEL, WIRE_DOOR);
	if (fd < 0) {
		snprintf(reason, CTL_REASON_MAX, "cannot reach vmconsoled at %s: %s", socket_path,
			why_unreachable(socket_path, -fd, room));
		return CTL_UNREACHABLE;
	}
	link->login.fd = fd;
	r = log_in(&link->login, reason);
	if (r == 0)
		r = open_channel(link, reason);
	if (r != 0)
		ctl_link_finish(link);
	return r;
}

int ctl_receive(struct line *line, struct line_message *message)
{
	int r = line_receive(line, message);

	return r == -ECONNRESET ? line_receive(line, message) : r;
}

void ctl_link_finish(struct ctl_link *link)
{
	line_finish(&link->channel);
	line_finish(&link->login);
}
