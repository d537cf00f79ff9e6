/*
 * A hostile door or worker, or a hostile program at the control socket: any messages with any
 * descriptors in any order, over a real socket, against the broker's end of a line.
 *
 * Input: a byte for the kind of line, then records. A record is a byte whose low bits say what
 * follows: the door sends bytes (two of length, then the bytes, up to 7 descriptors), or the broker
 * answers with a message of its own, or moves the login on as a verdict does.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/line.h"

#define RECORDS_MAX 64

struct input {
	const uint8_t *at;
	size_t len;
};

static unsigned take(struct input *in)
{
	if (in->len == 0)
		return 0;
	in->len--;
	return *in->at++;
}

static void check(int good)
{
	if (!good)
		abort();
}

/* The lowest free number: the same before and after when nothing leaks. */
static int next_number(void)
{
	int fd = fcntl(0, F_DUPFD_CLOEXEC, 0);

	close(fd);
	return fd;
}

static void send_raw(int door, const uint8_t *data, size_t len, unsigned fds)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int) * 7)];
	} control;
	struct iovec iov = {(void *)(uintptr_t)data, len};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fds) {
		struct cmsghdr *c;

		memset(&control, 0, sizeof(control)); /* descriptor 0, again and again */
		header.msg_control = control.room;
		header.msg_controllen = CMSG_SPACE(sizeof(int) * fds);
		c = CMSG_FIRSTHDR(&header);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * fds);
	}
	(void)!sendmsg(door, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* For the sanitizer to see. */
static void read_all(const unsigned char *data, size_t len)
{
	static volatile unsigned char last;

	while (len > 0)
		last = data[--len];
	(void)last;
}

/* What the broker relies on when line_receive says 1. */
static void check_message(
	const struct line *line, enum wire_state before, const struct line_message *m)
{
	const struct wire_row *row = wire_row(m->type);
	struct wire_auth auth;
	struct wire_request request;
	struct wire_found found;
	size_t i;

	check(row != NULL && (row->lines >> line->kind & 1) && row->sender == WIRE_DOOR);
	check((row->states & before) != 0);
	check(line->state == (row->next && before != WIRE_ENDED ? row->next : before));
	check(m->payload_len >= row->payload_min && m->payload_len <= row->payload_max);
	read_all(m->fixed, row->fixed);
	read_all(m->payload, m->payload_len);
	for (i = 0; i < WIRE_FDS_MAX; i++)
		check((m->fds[i] >= 0) == (i < row->fds));
	if (m->type == WIRE_AUTH) {
		memcpy(&auth, m->fixed, sizeof(auth));
		check(auth.login_len <= m->payload_len && auth.login_len <= WIRE_LOGIN_MAX);
		check(m->payload_len - auth.login_len <= WIRE_PROOF_MAX);
		check((auth.method == WIRE_AUTH_PEER) == (line->kind == WIRE_LOCAL));
	}
	if (m->type == WIRE_SHELL || m->type == WIRE_EXEC) {
		memcpy(&request, m->fixed, sizeof(request));
		check(request.term_len <= m->payload_len && request.term_len <= WIRE_TERM_MAX);
		check(m->payload_len - request.term_len <= WIRE_COMMAND_MAX);
	}
	if (m->type == WIRE_FOUND) {
		memcpy(&found, m->fixed, sizeof(found));
		check(found.start <= found.end && m->payload_len <= WIRE_FOUND_MAX);
	}
}

/* 0: the line has ended. */
static int receive_one(struct line *line)
{
	enum wire_state before = line->state;
	struct line_message m;
	int r = line_receive(line, &m);

	if (r == -EAGAIN)
		return 1;
	if (r != 1) {
		check(line->state == before);
		return 0;
	}
	check_message(line, before, &m);
	line_message_finish(&m);
	return 1;
}

static void answer(struct line *line, unsigned type)
{
	static const unsigned char fixed[64] = {[16] = 1 /* MATCH: one pattern, which is empty */};
	const struct wire_row *row = wire_row(type % WIRE_TYPES);
	enum wire_state before = line->state;
	int r, allowed;

	if (!row || row->fds)
		return;
	allowed = (row->lines >> line->kind & 1) && row->sender == WIRE_BROKER &&
		  (row->states & before) != 0;
	r = line_send(line, type % WIRE_TYPES, fixed, "\0", row->payload_min);
	check(allowed ? r == 0 || r == -EAGAIN || r == -EPIPE : r == -EPROTO);
	check(line->state == (r == 0 && row->next ? row->next : before));
}

static void drain(int door)
{
	unsigned char byte;

	while (recv(door, &byte, 1, MSG_DONTWAIT | MSG_TRUNC) > 0)
		;
}

static int play_record(struct line *line, int door, struct input *in)
{
	unsigned what = take(in);
	size_t len;

	switch (what & 3) {
	case 0:
		answer(line, what >> 2);
		drain(door);
		return 1;
	case 1: /* as the broker does with a verdict */
		if (line->state == WIRE_ASKED && wire_methods(line->kind))
			line->state = what & 4 ? WIRE_RUNNING : WIRE_FRESH;
		return 1;
	default:
		len = take(in) << 8;
		len |= take(in);
		len = len < in->len ? len : in->len;
		send_raw(door, in->at, len, what >> 5);
		in->at += len;
		in->len -= len;
		return receive_one(line);
	}
}

/* The pure check, with values that a line never has. */
static void check_alone(const uint8_t *data, size_t size)
{
	enum wire_state next = WIRE_FRESH;

	if (size < 4)
		return;
	(void)wire_check(data[0] % (WIRE_LINES + 1), data[1] % 3, data[2], data + 4, size - 4,
		data[3], &next);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	int before = next_number(), fds[2], records = RECORDS_MAX;
	struct line line;

	check_alone(data, size);
	check(line_pair(fds) == 0);
	line_init(&line, fds[0], take(&in) % WIRE_LINES, WIRE_BROKER);
	while (in.len > 0 && records-- > 0 && play_record(&line, fds[1], &in))
		;
	line_finish(&line);
	close(fds[1]);
	check(next_number() == before);
	return 0;
}
