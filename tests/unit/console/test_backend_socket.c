/*
 * Consoles of type unix, against a process that is QEMU as far as can be seen: this program, run
 * again with "-uuid" and a UUID. It serves one client at a time.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "console/backend/backend.h"
#include "console/domain/device.h"
#include "console/backend/socket_peer.h"

#define UUID_A "0a1b2c3d-0000-4000-8000-00000000000a"
#define UUID_B "0a1b2c3d-0000-4000-8000-00000000000b"
#define FLOOD ((size_t)200000)

static char dir[64], path[108];
static struct config_list dirs;
static char *dir_items[1] = {dir};
static struct uuid uuid_a;
static pid_t qemu;

/* --- the other side --- */

static int listen_on(const char *where)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", where);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		listen(fd, 1) < 0)
		_exit(9);
	return fd;
}

static int connect_to(const char *where)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", where);
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -1 : fd;
}

/* "e": echoes until 'q'. "f": FLOOD single bytes, counting, then the end. "d": reads nothing until
 * a second has gone, then everything, and says how much. */
static void serve(int fd, char how)
{
	char byte, text[32];
	size_t i, n = 0;

	switch (how) {
	case 'f':
		for (i = 0; i < FLOOD; i++) {
			byte = (char)(i % 251);
			if (write(fd, &byte, 1) != 1)
				return;
		}
		return;
	case 'd':
		sleep(1);
		while (n < 1000000 && read(fd, &byte, 1) == 1)
			n++;
		(void)!write(fd, text, (size_t)snprintf(text, sizeof(text), "%zu", n));
		return;
	default:
		while (read(fd, &byte, 1) == 1 && byte != 'q')
			(void)!write(fd, &byte, 1);
	}
}

/* argv: program "-uuid" UUID how path */
static int be_qemu(char **argv)
{
	char how = *argv[3];
	int fd, listener;

	alarm(600);
	if (how == 'c') { /* connects to us */
		while ((fd = connect_to(argv[4])) < 0)
			usleep(10000);
		serve(fd, 'e');
		return 0;
	}
	listener = listen_on(argv[4]);
	for (;;) {
		fd = accept(listener, NULL, NULL);
		serve(fd, how);
		close(fd);
	}
}

static void start_qemu(const char *uuid, const char *how)
{
	struct stat st;

	qemu = fork();
	if (qemu == 0) {
		execl("/proc/self/exe", "qemu-system-test", "-uuid", uuid, how, path, (char *)NULL);
		_exit(8);
	}
	while (*how != 'c' && stat(path, &st) < 0)
		usleep(1000);
	usleep(20000); /* bound, and listening a moment later */
}

static void stop_qemu(void)
{
	if (qemu <= 0)
		return;
	kill(qemu, SIGKILL);
	waitpid(qemu, NULL, 0);
	qemu = 0;
}

/* --- our side --- */

static struct {
	struct loop *loop;
	struct backend *backend;
	int opened, ended, sent_calls, notices;
	enum backend_error error;
	char text[256], notice[256];
	uint8_t out[FLOOD + 64];
	size_t out_len, sent;
	bool close_in_output;
} seen;

static void on_opened(void *arg, enum backend_error error, const char *text)
{
	seen.opened++;
	seen.error = error;
	snprintf(seen.text, sizeof(seen.text), "%s", text);
}

static void on_output(void *arg, const uint8_t *data, size_t len)
{
	assert_true(seen.out_len + len <= sizeof(seen.out));
	memcpy(seen.out + seen.out_len, data, len);
	seen.out_len += len;
	if (seen.close_in_output)
		backend_close(&seen.backend);
}

static void on_sent(void *arg, size_t len)
{
	seen.sent_calls++;
	seen.sent += len;
}

static void on_ended(void *arg, enum backend_end end, const char *text)
{
	assert_int_equal(end, BACKEND_EOF);
	seen.ended++;
}

static void on_notice(void *arg, const char *text)
{
	seen.notices++;
}

static const struct backend_events events = {on_opened, on_output, on_sent, on_ended, on_notice};

static uint64_t deadline_of(double seconds)
{
	return loop_now(seen.loop) + (uint64_t)(seconds * 1e6);
}

#define RUN_UNTIL(condition)                                                                       \
	do {                                                                                       \
		uint64_t until = deadline_of(20);                                                  \
		while (!(condition)) {                                                             \
			assert_true(loop_turn(seen.loop, 50000) >= 0);                             \
			assert_true(loop_now(seen.loop) < until);                                  \
		}                                                                                  \
	} while (0)

static void open_console(int bind_mode)
{
	struct device device = {.type = "unix", .bind = bind_mode};

	snprintf(device.path, sizeof(device.path), "%s", path);
	assert_int_equal(backend_socket_open(
				 seen.loop, &device, &uuid_a, &dirs, &events, NULL, &seen.backend),
		0);
	assert_int_equal(seen.opened, 0); /* never from inside the call */
}

static void send_text(const char *text)
{
	assert_int_equal(backend_send(seen.backend, (const uint8_t *)text, strlen(text)), 1);
}

static int setup(void **state)
{
	memset(&seen, 0, sizeof(seen));
	snprintf(dir, sizeof(dir), "/tmp/vmc-sock-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/console.sock", dir);
	dirs = (struct config_list){dir_items, 1};
	assert_int_equal(uuid_parse(UUID_A, &uuid_a), 0);
	seen.loop = loop_create();
	assert_non_null(seen.loop);
	return 0;
}

static int teardown(void **state)
{
	backend_close(&seen.backend);
	loop_destroy(seen.loop);
	stop_qemu();
	unlink(path);
	rmdir(dir);
	return 0;
}

static void bytes_go_both_ways(void **state)
{
	start_qemu(UUID_A, "e");
	open_console(1);
	RUN_UNTIL(seen.opened);
	assert_int_equal(seen.error, BACKEND_OK);
	send_text("hello");
	RUN_UNTIL(seen.out_len == 5);
	assert_memory_equal(seen.out, "hello", 5);
	assert_int_equal(seen.sent_calls, 0); /* it was accepted at once */
	send_text("q");
	RUN_UNTIL(seen.ended);
	assert_int_equal(backend_send(seen.backend, (const uint8_t *)"x", 1), -EPIPE);
}

static void flood_of_single_bytes_arrives_in_order_to_its_end(void **state)
{
	size_t i;

	start_qemu(UUID_A, "f");
	open_console(1);
	RUN_UNTIL(seen.ended);
	assert_int_equal(seen.out_len, FLOOD);
	for (i = 0; i < FLOOD; i++)
		if (seen.out[i] != i % 251)
			fail_msg("byte %zu", i);
}

static void who_reads_nothing_holds_back_and_loses_nothing(void **state)
{
	static const uint8_t data[BACKEND_SEND_MAX];
	size_t given = 0, sent, n;
	int r;

	start_qemu(UUID_A, "d");
	open_console(1);
	RUN_UNTIL(seen.opened);
	for (; given < 1000000; given += n) {
		n = 1000000 - given < sizeof(data) ? 1000000 - given : sizeof(data);
		sent = seen.sent;
		r = backend_send(seen.backend, data, n);
		if (r == 1)
			continue;
		assert_int_equal(r, 0);
		assert_int_equal(backend_send(seen.backend, data, 1), -EBUSY);
		assert_true(seen.sent == sent); /* never from inside the call */
		RUN_UNTIL(seen.sent == sent + n);
	}
	assert_true(seen.sent_calls > 0);
	RUN_UNTIL(seen.out_len == 7);
	assert_memory_equal(seen.out, "1000000", 7);
}

static void it_can_be_closed_at_any_time(void **state)
{
	int turns;

	start_qemu(UUID_A, "e");
	for (turns = 0; turns < 6; turns++) {
		int i;

		seen.opened = 0;
		open_console(1);
		for (i = 0; i < turns; i++)
			assert_true(loop_turn(seen.loop, 3000) >= 0);
		backend_close(&seen.backend);
		assert_null(seen.backend);
	}
	seen.opened = 0;
	open_console(1);
	RUN_UNTIL(seen.opened);
	seen.close_in_output = true;
	send_text("x");
	RUN_UNTIL(!seen.backend);
	assert_int_equal(seen.ended, 0);
	backend_close(&seen.backend);
}

static void socket_that_serves_another_is_busy(void **state)
{
	int other, i;

	start_qemu(UUID_A, "e");
	other = connect_to(path);
	assert_true(other >= 0);
	for (i = 0; i < 4; i++) { /* the last ones find the queue full */
		seen.opened = 0;
		open_console(1);
		RUN_UNTIL(seen.opened);
		assert_int_equal(seen.error, BACKEND_BUSY);
		backend_close(&seen.backend);
	}
	close(other);
	for (i = 0; i < 10 && seen.error == BACKEND_BUSY; i++) { /* as a console does it */
		backend_close(&seen.backend);
		seen.opened = 0;
		open_console(1);
		RUN_UNTIL(seen.opened);
		usleep(100000);
	}
	assert_int_equal(seen.error, BACKEND_OK);
}

static void other_process_than_the_guests_qemu_is_refused(void **state)
{
	start_qemu(UUID_B, "e");
	open_console(1);
	RUN_UNTIL(seen.opened);
	assert_int_equal(seen.error, BACKEND_FAILED);
	assert_non_null(strstr(seen.text, "not the VM's QEMU"));
}

static void path_elsewhere_is_refused(void **state)
{
	char nowhere[] = "/nonexistent", *items[1] = {nowhere};

	dirs.items = items;
	start_qemu(UUID_A, "e");
	open_console(1);
	RUN_UNTIL(seen.opened);
	assert_int_equal(seen.error, BACKEND_UNSUPPORTED);
}

static void qemu_may_connect_to_us(void **state)
{
	struct stat st;
	int stranger;

	start_qemu(UUID_A, "c");
	open_console(0);
	RUN_UNTIL(stat(path, &st) == 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	RUN_UNTIL(seen.opened);
	assert_int_equal(seen.error, BACKEND_OK);
	stranger = connect_to(path);
	assert_true(stranger >= 0);
	assert_int_equal(write(stranger, "forged", 6), 6);
	send_text("hello");
	RUN_UNTIL(seen.out_len == 5);
	assert_memory_equal(seen.out, "hello", 5);
	close(stranger);
	backend_close(&seen.backend);
	assert_int_equal(stat(path, &st), -1); /* gone with the console */
}

static void stranger_who_comes_first_is_sent_away(void **state)
{
	struct stat st;
	int stranger;
	char byte;

	open_console(0);
	RUN_UNTIL(stat(path, &st) == 0);
	stranger = connect_to(path);
	assert_true(stranger >= 0);
	start_qemu(UUID_A, "c");
	RUN_UNTIL(seen.opened);
	assert_int_equal(seen.error, BACKEND_OK);
	assert_int_equal(read(stranger, &byte, 1), 0);
	close(stranger);
}

static void leavings_are_replaced_and_listeners_are_not(void **state)
{
	int fd = listen_on(path);

	open_console(0);
	RUN_UNTIL(seen.opened);
	assert_int_equal(seen.error, BACKEND_FAILED);
	assert_non_null(strstr(seen.text, "another program listens"));
	backend_close(&seen.backend);
	close(fd);
	seen.opened = 0;
	start_qemu(UUID_A, "c");
	open_console(0);
	RUN_UNTIL(seen.opened);
	assert_int_equal(seen.error, BACKEND_OK);
}

static void accepted_is_told_from_waiting(void **state)
{
	int listener = listen_on(path), fd = connect_to(path), other;

	assert_int_equal(socket_peer_accepted(fd), 0);
	other = accept(listener, NULL, NULL);
	assert_int_equal(socket_peer_accepted(fd), 1);
	close(other);
	close(fd);
	close(listener);
}

static void only_the_uuid_option_names_a_guest(void **state)
{
	static const struct {
		const char *line;
		size_t len;
		int named;
	} lines[] = {
#define LINE(text, named) {text, sizeof(text), named}
		LINE("qemu\0-uuid\0" UUID_A "\0-display\0none", 1),
		LINE("qemu\0-uuid\0" UUID_B, 0),
		LINE("qemu\0-name\0-uuid=" UUID_A, 0),
		LINE("qemu\0" UUID_A, 0),
		LINE("qemu\0-uuid", 0),
		LINE("qemu\0-uuid\0", 0),
		LINE("qemu\0-uuid\0" UUID_A "0", 0),
		LINE("qemu\0-uuid\0" UUID_B "\0-uuid\0" UUID_A, 0),
		LINE("", 0),
	};
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(
			socket_peer_names(lines[i].line, lines[i].len, &uuid_a), lines[i].named);
	/* Cut off in the middle of the UUID's terminator. */
	assert_int_equal(socket_peer_names("-uuid\0" UUID_A, 6 + 36, &uuid_a), 0);
}

static void paths_are_compared_by_components(void **state)
{
	char a[] = "/run/a", b[] = "/run/b/", *items[] = {a, b};
	struct config_list list = {items, 2};
	const char *where;

	assert_string_equal(socket_path_rest("/run/a/x.sock", &list, &where), "x.sock");
	assert_string_equal(socket_path_rest("/run/b/c/x.sock", &list, &where), "c/x.sock");
	assert_null(socket_path_rest("/run/ab/x.sock", &list, &where));
	assert_null(socket_path_rest("/run/a", &list, &where));
	assert_null(socket_path_rest("/run/a/", &list, &where));
	assert_null(socket_path_rest("/run/a/../b/x.sock", &list, &where));
	assert_null(socket_path_rest("/run/a/./x.sock", &list, &where));
	assert_null(socket_path_rest("/run/a//x.sock", &list, &where));
	assert_null(socket_path_rest("/run/a/x.sock/", &list, &where));
	assert_null(socket_path_rest("/run/a/..", &list, &where));
	assert_null(socket_path_rest("run/a/x.sock", &list, &where));
	assert_null(socket_path_rest("", &list, &where));
	assert_string_equal(socket_path_rest("/run/a/..x", &list, &where), "..x");
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		ONE(bytes_go_both_ways),
		ONE(flood_of_single_bytes_arrives_in_order_to_its_end),
		ONE(who_reads_nothing_holds_back_and_loses_nothing),
		ONE(it_can_be_closed_at_any_time),
		ONE(socket_that_serves_another_is_busy),
		ONE(other_process_than_the_guests_qemu_is_refused),
		ONE(path_elsewhere_is_refused),
		ONE(qemu_may_connect_to_us),
		ONE(stranger_who_comes_first_is_sent_away),
		ONE(leavings_are_replaced_and_listeners_are_not),
		ONE(accepted_is_told_from_waiting),
		ONE(only_the_uuid_option_names_a_guest),
		cmocka_unit_test(paths_are_compared_by_components),
	};

	if (argc == 5 && strcmp(argv[1], "-uuid") == 0)
		return be_qemu(argv);
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
