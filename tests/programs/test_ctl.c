/* vmconsolectl, the program, against a daemon played by the test: what a caller would miss. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/io.h"
#include "ctl_daemon.h"

#define BULK ((size_t)4 << 20)

static const char *const list_arguments[] = {"list", NULL};
static const char *const attach_arguments[] = {"attach", "web-1", NULL};
static const char *const no_arguments[] = {NULL};

static int set_up(void **state)
{
	struct ctl_daemon *d = malloc(sizeof(*d));

	(void)signal(SIGPIPE, SIG_IGN);
	daemon_init(d);
	*state = d;
	return 0;
}

static int tear_down(void **state)
{
	daemon_finish(*state);
	free(*state);
	return 0;
}

static void until_readable(int fd)
{
	struct pollfd p = {fd, POLLIN, 0};

	assert_int_equal(poll(&p, 1, DAEMON_WAIT_MS), 1);
}

static void assert_exits(struct ctl_daemon *d, int status)
{
	int r = daemon_wait(d);

	assert_true(WIFEXITED(r));
	assert_int_equal(WEXITSTATUS(r), status);
}

static void assert_dies_of(struct ctl_daemon *d, int signo)
{
	int r = daemon_wait(d);

	assert_true(WIFSIGNALED(r));
	assert_int_equal(WTERMSIG(r), signo);
}

static void assert_says(struct ctl_daemon *d, const char *expected)
{
	char text[4096];

	daemon_slurp(d->err, text, sizeof(text));
	assert_string_equal(text, expected);
}

/* --- requests --- */

static void the_command_is_every_argument_quoted(void **state)
{
	static const char *const arguments[] = {"status", "a b", "it's", "", "--json", "$x", NULL};
	struct ctl_daemon *d = *state;
	struct wire_request request;
	struct line_message m;

	daemon_start(d, arguments);
	daemon_welcome(d, &m, WIRE_EXEC);
	memcpy(&request, m.fixed, sizeof(request));
	assert_int_equal(request.pty, 0);
	assert_int_equal(request.term_len, 0);
	assert_int_equal(m.payload_len, strlen("status 'a b' 'it'\\''s' '' --json '$x'"));
	assert_memory_equal(m.payload, "status 'a b' 'it'\\''s' '' --json '$x'", m.payload_len);
	daemon_exit(d, 0);
	assert_exits(d, 0);
}

static void a_command_too_long_is_refused(void **state)
{
	static char words[WIRE_COMMAND_MAX + 1];
	static const char *const arguments[] = {"status", words, NULL};
	struct ctl_daemon *d = *state;

	memset(words, 'a', WIRE_COMMAND_MAX);
	daemon_start(d, arguments);
	daemon_accept(d);
	daemon_verdict(d, WIRE_ACCEPTED, "");
	assert_exits(d, 64);
	assert_says(d, "vmconsolectl: the command is longer than 8192 bytes\n");
}

static void without_a_verb_and_terminal_it_explains_itself(void **state)
{
	struct ctl_daemon *d = *state;
	char text[4096];

	daemon_start(d, no_arguments);
	assert_exits(d, 64);
	daemon_slurp(d->err, text, sizeof(text));
	assert_memory_equal(text, "usage: vmconsolectl", 19);
}

/* --- endings --- */

static void output_errors_and_status_come_through(void **state)
{
	static const int statuses[] = {0, 66, 77, 86, 255};
	struct ctl_daemon *d = *state;
	size_t i;

	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		struct line_message m;
		char text[64];

		daemon_start(d, list_arguments);
		daemon_welcome(d, &m, WIRE_EXEC);
		daemon_send(&d->channel, WIRE_OUT, NULL, "out\n", 4);
		daemon_send(&d->channel, WIRE_ERR, NULL, "err\n", 4);
		daemon_exit(d, statuses[i]);
		daemon_slurp(d->out, text, sizeof(text));
		assert_string_equal(text, "out\n");
		assert_says(d, "err\n");
		assert_exits(d, statuses[i]);
		daemon_finish(d);
		daemon_init(d);
	}
}

static void a_lost_line_is_255(void **state)
{
	struct ctl_daemon *d = *state;
	struct line_message m;
	char text[64];

	daemon_start(d, attach_arguments);
	daemon_welcome(d, &m, WIRE_EXEC);
	/* input that the daemon never reads must not hide what it said before it went */
	assert_int_equal(write(d->in, "typed", 5), 5);
	until_readable(d->channel.fd);
	daemon_send(&d->channel, WIRE_OUT, NULL, "last", 4);
	line_finish(&d->channel);
	line_finish(&d->login);
	daemon_slurp(d->out, text, sizeof(text));
	assert_string_equal(text, "last");
	assert_says(d, "vmconsolectl: vmconsoled: connection lost\n");
	assert_exits(d, 255);
}

static void a_goodbye_gives_reason_and_status_to_a_lost_channel(void **state)
{
	struct ctl_daemon *d = *state;
	struct wire_bye bye = {.status = 86};
	struct line_message m;

	daemon_start(d, attach_arguments);
	daemon_welcome(d, &m, WIRE_EXEC);
	daemon_send(&d->login, WIRE_BYE, &bye, "restart\x1b[2J", 11);
	line_finish(&d->login);
	/* the channel still counts: what it says comes out */
	daemon_send(&d->channel, WIRE_ERR, NULL, "late\n", 5);
	line_finish(&d->channel);
	assert_says(d, "late\nvmconsolectl: restart\\x1b[2J\n");
	assert_exits(d, 86);
}

static void an_exit_after_a_goodbye_counts(void **state)
{
	struct ctl_daemon *d = *state;
	struct wire_bye bye = {.status = 86};
	struct line_message m;

	daemon_start(d, attach_arguments);
	daemon_welcome(d, &m, WIRE_EXEC);
	daemon_send(&d->login, WIRE_BYE, &bye, "restart", 7);
	line_finish(&d->login);
	daemon_exit(d, 80);
	assert_says(d, "");
	assert_exits(d, 80);
}

static void denied_is_77_with_the_reason(void **state)
{
	struct ctl_daemon *d = *state;

	daemon_start(d, list_arguments);
	daemon_accept(d);
	daemon_verdict(d, WIRE_DENIED, "no rule for user:bob\n");
	assert_says(d, "vmconsolectl: no rule for user:bob\\x0a\n");
	assert_exits(d, 77);
}

static void turned_away_at_the_door_it_tells_why(void **state)
{
	struct ctl_daemon *d = *state;
	struct wire_bye bye = {.status = 75};

	/* The daemon closes without having read AUTH: the kernel reports a reset first. */
	daemon_start(d, list_arguments);
	d->login.fd = accept4(d->listening, NULL, NULL, SOCK_CLOEXEC);
	daemon_send(&d->login, WIRE_BYE, &bye, "too many connections", 20);
	until_readable(d->login.fd);
	line_finish(&d->login);
	assert_says(d, "vmconsolectl: too many connections\n");
	assert_exits(d, 75);
}

static void without_a_daemon_it_says_how_to_start_one(void **state)
{
	struct ctl_daemon *d = *state;
	char expected[256];

	fd_close(&d->listening);
	daemon_start(d, list_arguments);
	snprintf(expected, sizeof(expected),
		"vmconsolectl: cannot reach vmconsoled at %s: nobody listens there: start "
		"vmconsoled (systemctl start vmconsoled)\n",
		d->path);
	assert_says(d, expected);
	assert_exits(d, 69);
}

static void a_reader_that_leaves_ends_it_at_once(void **state)
{
	struct ctl_daemon *d = *state;
	struct line_message m;

	daemon_start(d, attach_arguments);
	daemon_welcome(d, &m, WIRE_EXEC);
	fd_close(&d->out); /* nothing need be printed for it to notice */
	assert_dies_of(d, SIGPIPE);
}

/* --- bytes --- */

static unsigned char pattern(size_t at)
{
	return (unsigned char)(at * 31 + (at >> 8) * 7 + (at >> 16));
}

static void check_pattern(const unsigned char *data, size_t len, size_t *at)
{
	size_t i;

	for (i = 0; i < len; i++, (*at)++) {
		if (data[i] != pattern(*at))
			fail_msg("byte %zu is wrong", *at);
	}
}

static void fill_pattern(unsigned char *data, size_t len, size_t at)
{
	size_t i;

	for (i = 0; i < len; i++)
		data[i] = pattern(at + i);
}

/* Nothing moves in the descriptor's direction for a while: everything between is full. */
static int is_stuck(int fd, short events)
{
	struct pollfd p = {fd, events, 0};

	return poll(&p, 1, 300) == 0;
}

static void input_arrives_whole_at_a_daemon_that_stops_reading(void **state)
{
	struct ctl_daemon *d = *state;
	unsigned char chunk[5000];
	size_t written = 0, got = 0;
	struct line_message m;
	int stuck = 0;

	daemon_start(d, attach_arguments);
	daemon_welcome(d, &m, WIRE_EXEC);
	fcntl(d->in, F_SETFL, O_NONBLOCK);
	while (!stuck) {
		ssize_t n;

		fill_pattern(chunk, sizeof(chunk), written);
		n = write(d->in, chunk, sizeof(chunk));
		written += n > 0 ? (size_t)n : 0;
		stuck = n < 0 && is_stuck(d->in, POLLOUT);
		assert_true(written < BULK); /* it must not hoard */
	}
	fcntl(d->in, F_SETFL, 0);
	fd_close(&d->in);
	for (;;) {
		until_readable(d->channel.fd);
		assert_int_equal(line_receive(&d->channel, &m), 1);
		if (m.type == WIRE_EOF)
			break;
		assert_int_equal(m.type, WIRE_DATA);
		check_pattern(m.payload, m.payload_len, &got);
	}
	assert_int_equal(got, written);
	daemon_exit(d, 0);
	assert_exits(d, 0);
}

static void input_from_a_file_ends_with_eof(void **state)
{
	struct ctl_daemon *d = *state;
	char command[512];
	struct line_message m;
	size_t got = 0;
	int status;

	snprintf(command, sizeof(command), "exec %s -S %s attach web-1 <%s", VMCONSOLECTL, d->path,
		VMCONSOLECTL);
	d->child = fork();
	if (d->child == 0) {
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(99);
	}
	daemon_welcome(d, &m, WIRE_EXEC);
	do {
		until_readable(d->channel.fd);
		assert_int_equal(line_receive(&d->channel, &m), 1);
		got += m.payload_len;
	} while (m.type == WIRE_DATA);
	assert_int_equal(m.type, WIRE_EOF);
	assert_true(got > 10000);
	daemon_exit(d, 0);
	status = daemon_wait(d);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Sends until the child takes no more; how many bytes. */
static size_t send_until_stuck(struct ctl_daemon *d)
{
	unsigned char chunk[WIRE_PAYLOAD_MAX];
	size_t sent = 0;
	int r;

	do {
		fill_pattern(chunk, sizeof(chunk), sent);
		r = line_send(&d->channel, WIRE_OUT, NULL, chunk, sizeof(chunk));
		sent += r == 0 ? sizeof(chunk) : 0;
		assert_true(sent < BULK); /* it must not hoard */
	} while (r == 0 || !is_stuck(d->channel.fd, POLLOUT));
	assert_int_equal(r, -EAGAIN);
	return sent;
}

/* Clock ticks that the child has used. */
static unsigned long cpu_ticks(const struct ctl_daemon *d)
{
	unsigned long user = 0, system = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", d->child);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
				 &user, &system),
		2);
	fclose(f);
	return user + system;
}

static void output_arrives_whole_at_a_reader_that_stops(void **state)
{
	struct ctl_daemon *d = *state;
	unsigned char chunk[WIRE_PAYLOAD_MAX];
	size_t sent, got = 0;
	struct line_message m;

	daemon_start(d, attach_arguments);
	daemon_welcome(d, &m, WIRE_EXEC);
	sent = send_until_stuck(d);
	while (got < BULK) {
		ssize_t n;

		until_readable(d->out);
		n = read(d->out, chunk, 7777);
		assert_true(n > 0);
		check_pattern(chunk, (size_t)n, &got);
		fill_pattern(chunk, sizeof(chunk), sent);
		if (line_send(&d->channel, WIRE_OUT, NULL, chunk, sizeof(chunk)) == 0)
			sent += sizeof(chunk);
	}
	while (got < sent) {
		ssize_t n = read(d->out, chunk, sizeof(chunk));

		assert_true(n > 0);
		check_pattern(chunk, (size_t)n, &got);
	}
	daemon_exit(d, 3);
	assert_exits(d, 3);
}

static void a_break_while_all_is_full_loses_nothing_and_burns_nothing(void **state)
{
	struct ctl_daemon *d = *state;
	unsigned char chunk[WIRE_PAYLOAD_MAX];
	size_t sent, got = 0;
	struct line_message m;
	unsigned long before;

	daemon_start(d, attach_arguments);
	daemon_welcome(d, &m, WIRE_EXEC);
	sent = send_until_stuck(d);
	memset(chunk, 'x', sizeof(chunk));
	fcntl(d->in, F_SETFL, O_NONBLOCK);
	while (write(d->in, chunk, sizeof(chunk)) > 0 || !is_stuck(d->in, POLLOUT))
		;
	line_finish(&d->channel);
	before = cpu_ticks(d);
	poll(NULL, 0, 400);
	assert_true(cpu_ticks(d) - before <= 5);
	while (got < sent) {
		ssize_t n = read(d->out, chunk, sizeof(chunk));

		assert_true(n > 0);
		check_pattern(chunk, (size_t)n, &got);
	}
	assert_exits(d, 255);
}

static void descriptors_shared_with_others_stay_blocking(void **state)
{
	struct ctl_daemon *d = *state;
	struct line_message m;
	char path[64];
	int fd;

	daemon_start(d, attach_arguments);
	daemon_welcome(d, &m, WIRE_EXEC);
	daemon_send(&d->channel, WIRE_OUT, NULL, "x", 1);
	assert_int_equal(write(d->in, "x", 1), 1);
	daemon_receive(&d->channel, &m, WIRE_DATA);
	for (fd = 0; fd < 3; fd++) {
		FILE *f;
		unsigned flags = 0;

		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", d->child, fd);
		f = fopen(path, "re");
		assert_non_null(f);
		assert_int_equal(fscanf(f, "pos: %*d flags: %o", &flags), 1);
		fclose(f);
		assert_int_equal(flags & O_NONBLOCK, 0);
	}
	daemon_exit(d, 0);
	assert_exits(d, 0);
}

/* --- signals --- */

static void signals_end_it_as_they_end_others(void **state)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
	struct ctl_daemon *d = *state;
	size_t i;

	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		struct line_message m;

		daemon_start(d, attach_arguments);
		daemon_welcome(d, &m, WIRE_EXEC);
		kill(d->child, signals[i]);
		assert_dies_of(d, signals[i]);
		daemon_finish(d);
		daemon_init(d);
	}
}

static void an_ignored_hangup_stays_ignored(void **state)
{
	struct ctl_daemon *d = *state;
	struct line_message m;

	(void)signal(SIGHUP, SIG_IGN);
	daemon_start(d, attach_arguments);
	(void)signal(SIGHUP, SIG_DFL);
	daemon_welcome(d, &m, WIRE_EXEC);
	/* An echo tells that it handles signals by now. */
	assert_int_equal(write(d->in, "x", 1), 1);
	daemon_receive(&d->channel, &m, WIRE_DATA);
	kill(d->child, SIGHUP);
	assert_int_equal(write(d->in, "y", 1), 1);
	daemon_receive(&d->channel, &m, WIRE_DATA);
	daemon_exit(d, 0);
	assert_exits(d, 0);
}

/* --- terminals --- */

static int is_raw(int terminal)
{
	struct termios t;

	assert_int_equal(tcgetattr(terminal, &t), 0);
	return !(t.c_lflag & (ICANON | ECHO | ISIG)) && !(t.c_oflag & OPOST);
}

/* A byte that comes back shows that the terminal is raw and the relay at work. */
static void until_at_work(struct ctl_daemon *d)
{
	struct line_message m;
	char text[8];

	daemon_send(&d->channel, WIRE_OUT, NULL, "hello", 5);
	until_readable(d->terminal);
	assert_int_equal(read(d->terminal, text, sizeof(text)), 5);
	assert_int_equal(write(d->terminal, "\x03", 1), 1);
	daemon_receive(&d->channel, &m, WIRE_DATA);
	assert_int_equal(m.payload[0], 3);
	assert_true(is_raw(d->terminal));
}

static void attach_on_a_terminal_is_raw_and_put_back(void **state)
{
	struct ctl_daemon *d = *state;
	struct wire_request request;
	struct line_message m;

	daemon_start_on_terminal(d, attach_arguments);
	assert_false(is_raw(d->terminal));
	daemon_welcome(d, &m, WIRE_EXEC);
	memcpy(&request, m.fixed, sizeof(request));
	assert_int_equal(request.pty, 1);
	assert_int_equal(request.columns, 100);
	assert_int_equal(request.rows, 30);
	assert_int_equal(request.term_len, 7);
	assert_memory_equal(m.payload, "vt-testattach web-1", 19);
	until_at_work(d);
	daemon_exit(d, 0);
	assert_exits(d, 0);
	assert_false(is_raw(d->terminal));
}

static void a_signal_puts_the_terminal_back(void **state)
{
	struct ctl_daemon *d = *state;
	struct line_message m;

	daemon_start_on_terminal(d, attach_arguments);
	daemon_welcome(d, &m, WIRE_EXEC);
	until_at_work(d);
	kill(d->child, SIGTERM);
	assert_dies_of(d, SIGTERM);
	assert_false(is_raw(d->terminal));
}

static void a_terminal_that_stands_still_can_be_left(void **state)
{
	struct ctl_daemon *d = *state;
	struct line_message m;
	char byte;

	daemon_start_on_terminal(d, attach_arguments);
	daemon_welcome(d, &m, WIRE_EXEC);
	until_at_work(d);
	(void)send_until_stuck(d);
	/* what is typed still goes up */
	assert_int_equal(write(d->terminal, ".", 1), 1);
	daemon_receive(&d->channel, &m, WIRE_DATA);
	kill(d->child, SIGTERM);
	assert_dies_of(d, SIGTERM);
	assert_false(is_raw(d->terminal));
	assert_int_equal(read(d->terminal, &byte, 1), 1);
}

static void a_lost_line_puts_the_terminal_back(void **state)
{
	struct ctl_daemon *d = *state;
	struct line_message m;

	daemon_start_on_terminal(d, attach_arguments);
	daemon_welcome(d, &m, WIRE_EXEC);
	until_at_work(d);
	line_finish(&d->channel);
	assert_exits(d, 255);
	assert_false(is_raw(d->terminal));
}

static void stopped_and_continued_it_is_raw_again(void **state)
{
	struct ctl_daemon *d = *state;
	struct wire_winsize size;
	struct line_message m;
	int status;

	daemon_start_on_terminal(d, attach_arguments);
	daemon_welcome(d, &m, WIRE_EXEC);
	until_at_work(d);
	kill(d->child, SIGTSTP);
	assert_int_equal(waitpid(d->child, &status, WUNTRACED), d->child);
	assert_true(WIFSTOPPED(status));
	assert_false(is_raw(d->terminal));
	kill(d->child, SIGCONT);
	daemon_receive(&d->channel, &m, WIRE_WINSIZE);
	memcpy(&size, m.fixed, sizeof(size));
	assert_int_equal(size.columns, 100);
	assert_true(is_raw(d->terminal));
	daemon_exit(d, 0);
	assert_exits(d, 0);
}

static void a_new_window_size_is_told(void **state)
{
	const struct winsize wide = {.ws_col = 132, .ws_row = 43};
	struct ctl_daemon *d = *state;
	struct wire_winsize size;
	struct line_message m;

	daemon_start_on_terminal(d, attach_arguments);
	daemon_welcome(d, &m, WIRE_EXEC);
	until_at_work(d);
	assert_int_equal(ioctl(d->terminal, TIOCSWINSZ, &wide), 0);
	daemon_receive(&d->channel, &m, WIRE_WINSIZE);
	memcpy(&size, m.fixed, sizeof(size));
	assert_int_equal(size.columns, 132);
	assert_int_equal(size.rows, 43);
	daemon_exit(d, 0);
	assert_exits(d, 0);
}

static void without_a_verb_on_a_terminal_it_asks_for_the_menu(void **state)
{
	struct ctl_daemon *d = *state;
	struct wire_request request;
	struct line_message m;

	daemon_start_on_terminal(d, no_arguments);
	daemon_welcome(d, &m, WIRE_SHELL);
	memcpy(&request, m.fixed, sizeof(request));
	assert_int_equal(request.pty, 1);
	assert_int_equal(m.payload_len, 7);
	until_at_work(d);
	daemon_exit(d, 0);
	assert_exits(d, 0);
}

static void other_verbs_leave_the_terminal_alone(void **state)
{
	struct ctl_daemon *d = *state;
	struct wire_request request;
	struct line_message m;

	daemon_start_on_terminal(d, list_arguments);
	daemon_welcome(d, &m, WIRE_EXEC);
	memcpy(&request, m.fixed, sizeof(request));
	assert_int_equal(request.pty, 0);
	assert_int_equal(request.term_len, 0);
	assert_false(is_raw(d->terminal));
	daemon_exit(d, 0);
	assert_exits(d, 0);
}

/* --- odd surroundings --- */

static void without_standard_descriptors_it_works(void **state)
{
	struct ctl_daemon *d = *state;
	struct line_message m;
	char command[512];

	snprintf(
		command, sizeof(command), "exec %s -S %s list <&- >&- 2>&-", VMCONSOLECTL, d->path);
	d->child = fork();
	if (d->child == 0) {
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(99);
	}
	daemon_welcome(d, &m, WIRE_EXEC);
	daemon_send(&d->channel, WIRE_OUT, NULL, "x", 1);
	daemon_exit(d, 5);
	assert_exits(d, 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_command_is_every_argument_quoted),
		TEST(a_command_too_long_is_refused),
		TEST(without_a_verb_and_terminal_it_explains_itself),
		TEST(output_errors_and_status_come_through),
		TEST(a_lost_line_is_255),
		TEST(a_goodbye_gives_reason_and_status_to_a_lost_channel),
		TEST(an_exit_after_a_goodbye_counts),
		TEST(denied_is_77_with_the_reason),
		TEST(turned_away_at_the_door_it_tells_why),
		TEST(without_a_daemon_it_says_how_to_start_one),
		TEST(a_reader_that_leaves_ends_it_at_once),
		TEST(input_arrives_whole_at_a_daemon_that_stops_reading),
		TEST(input_from_a_file_ends_with_eof),
		TEST(output_arrives_whole_at_a_reader_that_stops),
		TEST(a_break_while_all_is_full_loses_nothing_and_burns_nothing),
		TEST(descriptors_shared_with_others_stay_blocking),
		TEST(signals_end_it_as_they_end_others),
		TEST(an_ignored_hangup_stays_ignored),
		TEST(attach_on_a_terminal_is_raw_and_put_back),
		TEST(a_signal_puts_the_terminal_back),
		TEST(a_terminal_that_stands_still_can_be_left),
		TEST(a_lost_line_puts_the_terminal_back),
		TEST(stopped_and_continued_it_is_raw_again),
		TEST(a_new_window_size_is_told),
		TEST(without_a_verb_on_a_terminal_it_asks_for_the_menu),
		TEST(other_verbs_leave_the_terminal_alone),
		TEST(without_standard_descriptors_it_works),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
