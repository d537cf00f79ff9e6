/*
 * Task: move messages over a SOCK_SEQPACKET socket. Owner: whoever holds the line.
 * Knows the table, not what the messages mean.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/io.h"
#include "wire/line.h"

/* One receive buffer per thread: thousands of lines would otherwise hold one each. */
static _Thread_local unsigned char receive_buffer[WIRE_MESSAGE_MAX + 1];

int line_pair(int fds[2])
{
	static const int size = LINE_BUFFER;
	int i;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	for (i = 0; i < 2; i++)
		(void)setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return 0;
}

void line_init(struct line *line, int fd, enum wire_line kind, enum wire_side side)
{
	line->fd = fd;
	line->kind = kind;
	line->side = side;
	line->state = WIRE_FRESH;
}

void line_finish(struct line *line)
{
	fd_close(&line->fd);
	line->state = WIRE_ENDED;
}

int line_take_fd(struct line_message *message, unsigned index)
{
	int fd = message->fds[index];

	message->fds[index] = -1;
	return fd;
}

void line_message_finish(struct line_message *message)
{
	unsigned i;

	for (i = 0; i < WIRE_FDS_MAX; i++)
		fd_close(&message->fds[i]);
}

/* Takes the descriptors out of a received header, so that none leaks whatever is wrong with it. */
static unsigned collect_fds(struct msghdr *header, struct line_message *message)
{
	struct cmsghdr *c;
	unsigned count = 0;

	for (c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		size_t n, i;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (count < WIRE_FDS_MAX)
				message->fds[count] = fd;
			else
				close(fd);
			count++;
		}
	}
	return count;
}

/* The kernel says only that some are missing: there were too many of them, or no numbers left. */
static int check_whole(const struct msghdr *header, unsigned fds)
{
	if (header->msg_flags & MSG_TRUNC)
		return -EBADMSG;
	if (!(header->msg_flags & MSG_CTRUNC))
		return 0;
	return fds < WIRE_FDS_MAX ? -EMFILE : -EBADMSG;
}

int line_receive(struct line *line, struct line_message *message)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int) * WIRE_FDS_MAX)];
	} control;
	struct iovec iov = {receive_buffer, sizeof(receive_buffer)};
	struct msghdr header = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room)};
	enum wire_state next;
	int tries = 2;
	unsigned fds;
	ssize_t n;
	int r;

	memset(message, 0, sizeof(*message));
	memset(message->fds, -1, sizeof(message->fds));
	/* ECONNRESET is said once, before what the peer sent earlier: it has closed and left words
	 * of ours unread. Its own are still to be read. */
	do {
		n = recvmsg(line->fd, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	} while (n < 0 && (errno == EINTR || (errno == ECONNRESET && --tries)));
	if (n < 0)
		return errno == EAGAIN ? -EAGAIN : -errno;
	fds = collect_fds(&header, message);
	if (n == 0 && fds == 0)
		return 0;
	r = check_whole(&header, fds);
	if (!r)
		r = wire_check(line->kind, line->side == WIRE_BROKER ? WIRE_DOOR : WIRE_BROKER,
			line->state, receive_buffer, (size_t)n, fds, &next);
	if (r < 0) {
		line_message_finish(message);
		return r;
	}
	line->state = next;
	message->type = receive_buffer[0];
	message->fixed = receive_buffer + 1;
	message->payload = message->fixed + wire_row(message->type)->fixed;
	message->payload_len = (size_t)n - 1 - wire_row(message->type)->fixed;
	return 1;
}

static int send_message(
	struct line *line, struct iovec *iov, size_t iov_count, const int *fds, unsigned fd_count)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int) * WIRE_FDS_MAX)];
	} control;
	struct msghdr header = {.msg_iov = iov, .msg_iovlen = iov_count};
	struct cmsghdr *c;
	ssize_t n;

	if (fd_count) {
		memset(&control, 0, sizeof(control));
		header.msg_control = control.room;
		header.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
		c = CMSG_FIRSTHDR(&header);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * fd_count);
	}
	do {
		n = sendmsg(line->fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN || errno == ENOBUFS ? -EAGAIN : -errno;
	return 0;
}

static int send_checked(struct line *line, enum wire_type type, const void *fixed,
	struct iovec payload[2], const int *fds, unsigned fd_count)
{
	const struct wire_row *row = wire_row(type);
	size_t len = payload[0].iov_len + payload[1].iov_len;
	unsigned char code = (unsigned char)type;
	struct iovec iov[4] = {{&code, 1}, {(void *)(uintptr_t)fixed, 0}, payload[0], payload[1]};
	int r;

	if (!row || !(row->lines >> line->kind & 1) || row->sender != line->side ||
		!(row->states & line->state) || row->fds != fd_count)
		return -EPROTO;
	if (len < row->payload_min || len > row->payload_max)
		return -EMSGSIZE;
	iov[1].iov_len = row->fixed;
	r = send_message(line, iov, 4, fds, fd_count);
	if (r == 0 && row->next)
		line->state = row->next;
	return r;
}

int line_send_fds(struct line *line, enum wire_type type, const void *fixed, const void *payload,
	size_t payload_len, const int *fds, unsigned fd_count)
{
	struct iovec parts[2] = {{(void *)(uintptr_t)payload, payload_len}, {NULL, 0}};

	return send_checked(line, type, fixed, parts, fds, fd_count);
}

int line_send(struct line *line, enum wire_type type, const void *fixed, const void *payload,
	size_t payload_len)
{
	return line_send_fds(line, type, fixed, payload, payload_len, NULL, 0);
}

int line_send2(struct line *line, enum wire_type type, const void *fixed, const void *a,
	size_t a_len, const void *b, size_t b_len)
{
	struct iovec parts[2] = {{(void *)(uintptr_t)a, a_len}, {(void *)(uintptr_t)b, b_len}};

	return send_checked(line, type, fixed, parts, NULL, 0);
}
