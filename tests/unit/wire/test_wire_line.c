/* Lines: whole messages, descriptors that never leak, and what a hostile peer may try. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "wire/line.h"

struct ends {
	struct line broker, door;
	int open_before;
};

static int open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int count = -3; /* . and .. and d itself */

	assert_non_null(d);
	while (readdir(d))
		count++;
	closedir(d);
	return count;
}

static void make(struct ends *e, enum wire_line kind, enum wire_state at)
{
	int fds[2];

	assert_int_equal(line_pair(fds), 0);
	line_init(&e->broker, fds[0], kind, WIRE_BROKER);
	line_init(&e->door, fds[1], kind, WIRE_DOOR);
	e->broker.state = e->door.state = at;
}

static int set_up(void **state)
{
	struct ends *e = calloc(1, sizeof(*e));

	e->open_before = open_descriptors();
	e->broker.fd = e->door.fd = -1;
	*state = e;
	return 0;
}

/* Whatever a test did, no descriptor is left over. */
static int tear_down(void **state)
{
	struct ends *e = *state;
	int leaked;

	line_finish(&e->broker);
	line_finish(&e->door);
	leaked = open_descriptors() - e->open_before;
	free(e);
	if (leaked)
		print_error("%d descriptors leaked\n", leaked);
	return leaked;
}

/* As a hostile door would: any bytes, any descriptors. */
static void send_raw(struct line *line, const void *data, size_t len, int fds)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int) * 8)];
	} control;
	struct iovec iov = {(void *)(uintptr_t)data, len};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
	int list[8] = {0, 0, 0, 0, 0, 0, 0, 0};

	if (fds) {
		struct cmsghdr *c;

		memset(&control, 0, sizeof(control));
		header.msg_control = control.room;
		header.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)fds);
		c = CMSG_FIRSTHDR(&header);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)fds);
		memcpy(CMSG_DATA(c), list, sizeof(int) * (size_t)fds);
	}
	assert_int_equal(sendmsg(line->fd, &header, MSG_NOSIGNAL), len);
}

static void a_pair_is_nonblocking_and_private(void **state)
{
	int fds[2], i;

	assert_int_equal(line_pair(fds), 0);
	for (i = 0; i < 2; i++) {
		assert_true(fcntl(fds[i], F_GETFL) & O_NONBLOCK);
		assert_true(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
		close(fds[i]);
	}
}

static void messages_arrive_whole_and_in_order(void **state)
{
	struct wire_request request = {.pty = 1, .columns = 80, .rows = 24, .term_len = 5};
	struct ends *e = *state;
	struct wire_request got;
	struct line_message m;

	make(e, WIRE_CHANNEL, WIRE_FRESH);
	assert_int_equal(line_receive(&e->broker, &m), -EAGAIN);
	assert_int_equal(line_send2(&e->door, WIRE_EXEC, &request, "xterm", 5, "list", 4), 0);
	assert_int_equal(e->door.state, WIRE_RUNNING);
	assert_int_equal(line_send(&e->door, WIRE_DATA, NULL, "abc", 3), 0);
	assert_int_equal(line_send(&e->door, WIRE_EOF, NULL, NULL, 0), 0);
	assert_int_equal(e->door.state, WIRE_HALF);

	assert_int_equal(line_receive(&e->broker, &m), 1);
	assert_int_equal(m.type, WIRE_EXEC);
	memcpy(&got, m.fixed, sizeof(got));
	assert_memory_equal(&got, &request, sizeof(got));
	assert_int_equal(m.payload_len, 9);
	assert_memory_equal(m.payload, "xtermlist", 9);
	assert_int_equal(e->broker.state, WIRE_RUNNING);
	assert_int_equal(line_receive(&e->broker, &m), 1);
	assert_int_equal(m.type, WIRE_DATA);
	assert_memory_equal(m.payload, "abc", 3);
	assert_int_equal(line_receive(&e->broker, &m), 1);
	assert_int_equal(m.type, WIRE_EOF);
	assert_int_equal(m.payload_len, 0);
	assert_int_equal(e->broker.state, WIRE_HALF);
	assert_int_equal(line_receive(&e->broker, &m), -EAGAIN);
	line_finish(&e->door);
	assert_int_equal(line_receive(&e->broker, &m), 0);
}

static void the_largest_payload_fits(void **state)
{
	static unsigned char data[WIRE_PAYLOAD_MAX + 1];
	struct ends *e = *state;
	struct line_message m;
	size_t i;

	for (i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 7);
	make(e, WIRE_CHANNEL, WIRE_RUNNING);
	assert_int_equal(
		line_send(&e->broker, WIRE_OUT, NULL, data, WIRE_PAYLOAD_MAX + 1), -EMSGSIZE);
	assert_int_equal(line_send(&e->broker, WIRE_OUT, NULL, data, 0), -EMSGSIZE);
	assert_int_equal(line_send(&e->broker, WIRE_OUT, NULL, data, WIRE_PAYLOAD_MAX), 0);
	assert_int_equal(line_receive(&e->door, &m), 1);
	assert_int_equal(m.payload_len, WIRE_PAYLOAD_MAX);
	assert_memory_equal(m.payload, data, WIRE_PAYLOAD_MAX);
}

static void descriptors_ride_along_and_are_private(void **state)
{
	struct wire_new head = {.id = 12};
	struct ends *e = *state;
	struct line_message m;
	int pipes[2], one, two;
	char byte;

	make(e, WIRE_CONTROL, WIRE_RUNNING);
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	assert_int_equal(line_send_fds(&e->broker, WIRE_NEW, &head, NULL, 0, pipes, 2), 0);
	assert_int_equal(line_send_fds(&e->broker, WIRE_NEW, &head, NULL, 0, pipes, 1), -EPROTO);
	assert_int_equal(line_send(&e->broker, WIRE_NEW, &head, NULL, 0), -EPROTO);
	assert_int_equal(line_receive(&e->door, &m), 1);
	one = line_take_fd(&m, 0);
	two = line_take_fd(&m, 1);
	assert_int_equal(m.fds[0], -1);
	assert_true(fcntl(one, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(write(two, "x", 1), 1);
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	close(one);
	close(two);

	/* what is not taken is closed */
	assert_int_equal(line_send_fds(&e->broker, WIRE_NEW, &head, NULL, 0, pipes, 2), 0);
	assert_int_equal(line_receive(&e->door, &m), 1);
	line_message_finish(&m);
	close(pipes[0]);
	close(pipes[1]);
}

static void a_full_line_takes_whole_messages_or_none(void **state)
{
	static const unsigned char data[1000];
	struct ends *e = *state;
	struct line_message m;
	int sent = 0, got = 0, r;

	make(e, WIRE_CHANNEL, WIRE_RUNNING);
	while ((r = line_send(&e->broker, WIRE_OUT, NULL, data, sizeof(data))) == 0)
		assert_true(++sent < 10000);
	assert_int_equal(r, -EAGAIN);
	assert_true(sent > 10);
	while ((r = line_receive(&e->door, &m)) == 1) {
		assert_int_equal(m.payload_len, sizeof(data));
		got++;
	}
	assert_int_equal(r, -EAGAIN);
	assert_int_equal(got, sent);
	assert_int_equal(line_send(&e->broker, WIRE_OUT, NULL, data, sizeof(data)), 0);
	/* a message that cannot be sent does not move the state */
	while (line_send(&e->broker, WIRE_OUT, NULL, data, sizeof(data)) == 0)
		;
	assert_int_equal(
		line_send(&e->broker, WIRE_EXIT, &(struct wire_exit){0}, NULL, 0), -EAGAIN);
	assert_int_equal(e->broker.state, WIRE_RUNNING);
}

static void sending_to_nobody_is_an_error_and_no_signal(void **state)
{
	struct ends *e = *state;

	make(e, WIRE_CHANNEL, WIRE_RUNNING);
	line_finish(&e->door);
	assert_int_equal(line_send(&e->broker, WIRE_OUT, NULL, "x", 1), -EPIPE);
}

static void what_may_not_be_said_now_is_not_sent(void **state)
{
	struct ends *e = *state;
	struct line_message m;

	make(e, WIRE_CHANNEL, WIRE_FRESH);
	assert_int_equal(line_send(&e->door, WIRE_DATA, NULL, "x", 1), -EPROTO);
	assert_int_equal(line_send(&e->door, WIRE_OUT, NULL, "x", 1), -EPROTO);
	assert_int_equal(line_send(&e->door, WIRE_STOP, NULL, NULL, 0), -EPROTO);
	assert_int_equal(line_send(&e->door, WIRE_TYPES, NULL, NULL, 0), -EPROTO);
	assert_int_equal(line_send(&e->door, (enum wire_type)0, NULL, NULL, 0), -EPROTO);
	assert_int_equal(line_receive(&e->broker, &m), -EAGAIN);
}

static void assert_refused(struct ends *e, const void *data, size_t len, int fds, int error)
{
	struct line_message m;

	send_raw(&e->door, data, len, fds);
	assert_int_equal(line_receive(&e->broker, &m), error);
}

static void hostile_messages_are_refused_and_their_descriptors_closed(void **state)
{
	static unsigned char big[WIRE_MESSAGE_MAX + 100];
	static const unsigned char open[] = {WIRE_OPEN, 0}, data[] = {WIRE_DATA, 'x'}, none[] = {0};
	static const unsigned char out[] = {WIRE_OUT, 'x'}, unknown[] = {200};
	struct ends *e = *state;

	make(e, WIRE_LOGIN, WIRE_RUNNING);
	assert_refused(e, open, 1, 0, -EBADF);
	assert_refused(e, open, 1, 2, -EBADF);
	assert_refused(e, open, 1, 3, -EBADMSG); /* more than there is room for */
	assert_refused(e, open, 1, 8, -EBADMSG);
	assert_refused(e, open, 2, 1, -EMSGSIZE);
	assert_refused(e, data, 2, 0, -EPROTO);
	assert_refused(e, data, 2, 1, -EPROTO);
	assert_refused(e, out, 2, 2, -EPROTO);
	assert_refused(e, unknown, 1, 2, -ENOMSG);
	assert_refused(e, none, 1, 0, -ENOMSG);
	assert_refused(e, big, 0, 1, -EMSGSIZE); /* nothing but a descriptor */
	memset(big, WIRE_DATA, sizeof(big));
	assert_refused(e, big, sizeof(big), 0, -EBADMSG);
	assert_refused(e, big, sizeof(big), 2, -EBADMSG);
	assert_refused(e, big, 0, 0, 0); /* looks like the end */
}

static void a_refused_message_does_not_move_the_state(void **state)
{
	static const unsigned char bad[] = {WIRE_AUTH, 0, 0, 0};
	struct ends *e = *state;

	make(e, WIRE_LOGIN, WIRE_FRESH);
	assert_refused(e, bad, sizeof(bad), 0, -EINVAL);
	assert_int_equal(e->broker.state, WIRE_FRESH);
}

/* The kernel drops descriptors when the receiver has no numbers left, and only says so by a flag.
 */
static void a_message_whose_descriptor_has_no_number_is_dropped_alone(void **state)
{
	static const unsigned char open[] = {WIRE_OPEN};
	struct ends *e = *state;
	struct rlimit old, few;
	struct line_message m;
	int top, r;

	make(e, WIRE_LOGIN, WIRE_RUNNING);
	send_raw(&e->door, open, 1, 1);
	top = dup(0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	few.rlim_cur = (rlim_t)top + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	r = line_receive(&e->broker, &m);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	close(top);
	assert_int_equal(r, -EMFILE);
	/* The next one is another chance. */
	send_raw(&e->door, open, 1, 1);
	assert_int_equal(line_receive(&e->broker, &m), 1);
	line_message_finish(&m);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_pair_is_nonblocking_and_private),
		TEST(messages_arrive_whole_and_in_order),
		TEST(the_largest_payload_fits),
		TEST(descriptors_ride_along_and_are_private),
		TEST(a_full_line_takes_whole_messages_or_none),
		TEST(sending_to_nobody_is_an_error_and_no_signal),
		TEST(what_may_not_be_said_now_is_not_sent),
		TEST(hostile_messages_are_refused_and_their_descriptors_closed),
		TEST(a_refused_message_does_not_move_the_state),
		TEST(a_message_whose_descriptor_has_no_number_is_dropped_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
