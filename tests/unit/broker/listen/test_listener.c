/* Listening and accepting: addresses, options, rounds, shortage of descriptors, systemd. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/listen/control_socket.h"
#include "broker/listen/listener.h"
#include "broker/connections/sniffer.h"
#include "core/log.h"

#define PEERS_MAX 200

struct fixture {
	struct loop *loop;
	struct listener *listener;
	int fds[PEERS_MAX], count;
	int destroy_at; /* accepted connections after which the callback destroys the listener */
	char peer[LISTENER_PEER_MAX];
	struct sockaddr_storage sa;
	char why[LISTENER_WHY_MAX];
	bool is_local;   /* as for plain http */
	int warnings;    /* and errors */
	char said[2048]; /* the last one */
	int locals;      /* accepted from the control socket */
};

static void on_log(void *arg, enum log_level level, const char *tag, const char *text)
{
	struct fixture *f = arg;

	if (level > LOG_LEVEL_WARNING)
		return;
	f->warnings++;
	snprintf(f->said, sizeof(f->said), "%s", text);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->loop = loop_create();
	assert_non_null(f->loop);
	log_set_sink(on_log, f);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	while (f->count)
		close(f->fds[--f->count]);
	listener_destroy(&f->listener);
	loop_destroy(f->loop);
	log_set_sink(NULL, NULL);
	free(f);
	return 0;
}

static void on_accepted(
	void *arg, int fd, const struct sockaddr_storage *peer, const char *peer_text)
{
	struct fixture *f = arg;

	assert_true(f->count < PEERS_MAX);
	f->fds[f->count++] = fd;
	f->sa = *peer;
	snprintf(f->peer, sizeof(f->peer), "%s", peer_text);
	if (f->count == f->destroy_at)
		listener_destroy(&f->listener);
}

/* addresses: up to three texts */
static int try_listen(struct fixture *f, const char *a, const char *b)
{
	struct config_address items[2];
	struct config_addresses list = {items, 0};

	assert_int_equal(config_address_parse(a, &items[list.count++]), 0);
	if (b)
		assert_int_equal(config_address_parse(b, &items[list.count++]), 0);
	const struct listener_options options = {.loop = f->loop,
		.name = "ssh",
		.addresses = &list,
		.is_local = f->is_local,
		.accepted = on_accepted,
		.arg = f};

	return listener_create(&options, &f->listener, f->why);
}

static int dial(const char *host, uint16_t port)
{
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int is_four = inet_pton(AF_INET, host, &four.sin_addr) == 1, fd;

	if (!is_four)
		assert_int_equal(inet_pton(AF_INET6, host, &six.sin6_addr), 1);
	fd = socket(is_four ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	if (connect(fd, is_four ? (void *)&four : (void *)&six,
		    is_four ? sizeof(four) : sizeof(six)) < 0) {
		close(fd);
		return -errno;
	}
	return fd;
}

static void turn_until(struct fixture *f, int count)
{
	int left = 500;

	while (f->count < count && left-- > 0)
		assert_int_equal(loop_turn(f->loop, 10 * LOOP_MSEC), 0);
	assert_int_equal(f->count, count);
}

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
	return value;
}

static void accepted_sockets_are_ready_to_use(void **state)
{
	struct fixture *f = *state;
	int client, fd;

	assert_int_equal(try_listen(f, "127.0.0.1:0", NULL), 0);
	assert_int_equal(listener_count(f->listener), 1);
	assert_true(listener_port(f->listener, 0) > 0);
	assert_int_equal(listener_port(f->listener, 1), 0);
	client = dial("127.0.0.1", listener_port(f->listener, 0));
	turn_until(f, 1);
	fd = f->fds[0];
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
	assert_int_equal(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	assert_int_equal(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 60);
	assert_int_equal(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 15);
	assert_int_equal(option(fd, IPPROTO_TCP, TCP_KEEPCNT), 4);
	assert_int_equal(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 120000);
	assert_int_equal(option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT), LISTENER_NOTSENT_MAX);
	close(client);
}

static void a_reader_that_stands_still_holds_little_memory(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	static const int small = 8192;
	static char zeros[65536];
	size_t written = 0;
	ssize_t n;
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(try_listen(f, "127.0.0.1:0", NULL), 0);
	to.sin_port = htons(listener_port(f->listener, 0));
	setsockopt(client, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	assert_int_equal(connect(client, (struct sockaddr *)&to, sizeof(to)), 0);
	turn_until(f, 1);
	for (;;) {
		struct pollfd p = {f->fds[0], POLLOUT, 0};

		if (poll(&p, 1, 200) == 0)
			break;
		n = send(f->fds[0], zeros, sizeof(zeros), MSG_NOSIGNAL);
		assert_true(n > 0 || errno == EAGAIN);
		written += n > 0 ? (size_t)n : 0;
		assert_true(written < (size_t)64 << 20);
	}
	print_message("%zu bytes\n", written);
	assert_true(
		written <= (size_t)LISTENER_NOTSENT_MAX + 2 * sizeof(zeros) + (size_t)4 * small);
	close(client);
}

static void peers_are_named_without_mapped_addresses(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_in me = {0};
	socklen_t len = sizeof(me);
	char text[64];
	int client;

	assert_int_equal(try_listen(f, "[::]:0", NULL), 0);
	client = dial("127.0.0.1", listener_port(f->listener, 0));
	assert_true(client >= 0);
	turn_until(f, 1);
	assert_int_equal(getsockname(client, (struct sockaddr *)&me, &len), 0);
	snprintf(text, sizeof(text), "127.0.0.1:%u", ntohs(me.sin_port));
	assert_string_equal(f->peer, text);
	assert_int_equal(f->sa.ss_family, AF_INET);
	assert_int_equal(((struct sockaddr_in *)&f->sa)->sin_port, me.sin_port);
	close(client);
	client = dial("::1", listener_port(f->listener, 0));
	if (client < 0)
		return; /* no IPv6 here */
	turn_until(f, 2);
	assert_memory_equal(f->peer, "[::1]:", 6);
	close(client);
}

static void both_wildcards_with_one_port_go_together(void **state)
{
	struct fixture *f = *state;
	char six[32], four[32];
	uint16_t port;
	int client;

	assert_int_equal(try_listen(f, "127.0.0.1:0", NULL), 0);
	port = listener_port(f->listener, 0);
	listener_destroy(&f->listener);
	snprintf(six, sizeof(six), "[::]:%u", port);
	snprintf(four, sizeof(four), "0.0.0.0:%u", port);
	if (try_listen(f, six, four) < 0)
		fail_msg("%s", f->why);
	assert_int_equal(listener_count(f->listener), 2);
	client = dial("127.0.0.1", port);
	turn_until(f, 1);
	close(client);
}

static void an_address_in_use_is_said_in_one_line(void **state)
{
	struct fixture *f = *state;
	struct fixture other = {.loop = f->loop};
	char text[64], line[160];

	assert_int_equal(try_listen(f, "127.0.0.1:0", NULL), 0);
	snprintf(text, sizeof(text), "127.0.0.1:%u", listener_port(f->listener, 0));
	assert_string_equal(listener_text(f->listener, 0), text);
	assert_int_equal(try_listen(&other, "127.0.0.1:0", text), -EADDRINUSE);
	assert_null(other.listener);
	snprintf(line, sizeof(line),
		"cannot listen on %s: another program listens there; ss -ltnp shows which", text);
	assert_string_equal(other.why, line);
}

static void paused_connections_wait_and_are_not_lost(void **state)
{
	struct fixture *f = *state;
	int client, i;

	assert_int_equal(try_listen(f, "127.0.0.1:0", NULL), 0);
	listener_pause(f->listener);
	client = dial("127.0.0.1", listener_port(f->listener, 0));
	assert_true(client >= 0);
	for (i = 0; i < 5; i++)
		assert_int_equal(loop_turn(f->loop, 10 * LOOP_MSEC), 0);
	assert_int_equal(f->count, 0);
	listener_resume(f->listener);
	turn_until(f, 1);
	close(client);
}

static void a_crowd_is_accepted_in_bounded_rounds(void **state)
{
	enum { CROWD = 3 * LISTENER_ROUND_MAX + 1 };
	struct fixture *f = *state;
	int clients[CROWD], i, before;

	assert_int_equal(try_listen(f, "127.0.0.1:0", NULL), 0);
	for (i = 0; i < CROWD; i++) {
		clients[i] = dial("127.0.0.1", listener_port(f->listener, 0));
		assert_true(clients[i] >= 0);
	}
	while (f->count < CROWD) {
		before = f->count;
		assert_int_equal(loop_turn(f->loop, LOOP_SECOND), 0);
		assert_true(f->count - before <= LISTENER_ROUND_MAX);
		assert_true(f->count > before);
	}
	for (i = 0; i < CROWD; i++)
		close(clients[i]);
}

static void destroyed_in_its_own_callback_it_stops_at_once(void **state)
{
	struct fixture *f = *state;
	int clients[4], i;

	assert_int_equal(try_listen(f, "127.0.0.1:0", NULL), 0);
	for (i = 0; i < 4; i++)
		clients[i] = dial("127.0.0.1", listener_port(f->listener, 0));
	f->destroy_at = 2;
	turn_until(f, 2);
	for (i = 0; i < 5; i++)
		assert_int_equal(loop_turn(f->loop, 10 * LOOP_MSEC), 0);
	assert_int_equal(f->count, 2);
	for (i = 0; i < 4; i++)
		close(clients[i]);
}

static void on_local(void *arg, int fd, const struct ucred *peer)
{
	struct fixture *f = arg;

	f->locals++;
	close(fd);
}

static void control_socket_without_descriptors_says_so_once_with_the_cure(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char dir[] = "/tmp/test_listener.XXXXXX";
	struct control *control = NULL;
	struct fixture *f = *state;
	struct rlimit old, few;
	uint64_t start;
	int client = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_non_null(mkdtemp(dir));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/control", dir);
	assert_int_equal(control_create(f->loop, dir, on_local, f, &control), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	few.rlim_cur = 3; /* whatever is open stays open */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	start = loop_now(f->loop);
	do { /* it tries more than once meanwhile */
		assert_int_equal(loop_turn(f->loop, 100 * LOOP_MSEC), 0);
	} while (loop_now(f->loop) - start < 2500 * LOOP_MSEC);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(f->warnings, 1);
	assert_non_null(strstr(f->said, address.sun_path));
	assert_non_null(strstr(f->said, "raise LimitNOFILE="));
	while (f->locals == 0)
		assert_int_equal(loop_turn(f->loop, LOOP_SECOND), 0);
	control_destroy(&control);
	close(client);
	assert_int_equal(rmdir(dir), 0);
}

static void without_descriptors_it_rests_and_comes_back(void **state)
{
	struct fixture *f = *state;
	struct rlimit old, few;
	uint64_t start;
	int client, turns = 0;

	assert_int_equal(try_listen(f, "127.0.0.1:0", NULL), 0);
	client = dial("127.0.0.1", listener_port(f->listener, 0));
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	few.rlim_cur = (rlim_t)client + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	while (f->warnings == 0)
		assert_int_equal(loop_turn(f->loop, LOOP_SECOND), 0);
	assert_non_null(strstr(f->said, "raise LimitNOFILE="));
	/* It does not spin: nothing is due for most of a second. */
	start = loop_now(f->loop);
	do {
		assert_int_equal(loop_turn(f->loop, 100 * LOOP_MSEC), 0);
		turns++;
	} while (loop_now(f->loop) - start < 700 * LOOP_MSEC);
	assert_true(turns < 20);
	/* Pausing and resuming does not end the rest. */
	listener_pause(f->listener);
	listener_resume(f->listener);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(loop_turn(f->loop, 10 * LOOP_MSEC), 0);
	assert_int_equal(f->count, 0);
	turn_until(f, 1);
	assert_int_equal(f->warnings, 1);
	close(client);
}

/* In a child, since sd_listen_fds(3) wants the descriptors at 3 and looks at LISTEN_PID. Returns
 * the child's exit status. */
static int as_activated(int passed, const char *names, int (*fn)(int))
{
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (pid == 0) {
		char text[16];

		snprintf(text, sizeof(text), "%d", getpid());
		setenv("LISTEN_PID", text, 1);
		setenv("LISTEN_FDS", "1", 1);
		setenv("LISTEN_FDNAMES", names, 1);
		if (dup2(passed, 3) < 0)
			_exit(90);
		_exit(fn(passed));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int serve_passed(int fd)
{
	struct fixture f = {.loop = loop_create()};
	struct sockaddr_in bound = {0};
	socklen_t len = sizeof(bound);
	int client, left = 100;

	/* an address that would be refused, were it used */
	if (try_listen(&f, "192.0.2.1:1", NULL) < 0)
		return 1;
	if (listener_count(f.listener) != 1 ||
		getsockname(3, (struct sockaddr *)&bound, &len) < 0 ||
		listener_port(f.listener, 0) != ntohs(bound.sin_port))
		return 2;
	if (!(fcntl(3, F_GETFL) & O_NONBLOCK) || !(fcntl(3, F_GETFD) & FD_CLOEXEC))
		return 3;
	client = dial("127.0.0.1", listener_port(f.listener, 0));
	while (f.count < 1 && left-- > 0)
		if (loop_turn(f.loop, 10 * LOOP_MSEC) < 0)
			return 4;
	if (f.count != 1 || option(f.fds[0], IPPROTO_TCP, TCP_NODELAY) != 1)
		return 5;
	close(client);
	return 0;
}

static int refuse_passed(int fd)
{
	struct fixture f = {.loop = loop_create()};

	if (try_listen(&f, "127.0.0.1:0", NULL) == 0)
		return 1;
	fprintf(stderr, "%s\n", f.why);
	return strstr(f.why, "not a listening TCP") && strstr(f.why, "ListenStream=") ? 0 : 2;
}

/* More names than sockets. */
static int refuse_the_environment(int fd)
{
	static const char *const known[] = {"ssh", NULL};
	struct fixture f = {.loop = loop_create()};
	char why[LISTENER_WHY_MAX] = "";

	if (try_listen(&f, "127.0.0.1:0", NULL) == 0 || listener_check_passed(known, why) == 0)
		return 1;
	fprintf(stderr, "%s\n", why);
	return strcmp(f.why, why) == 0 && strstr(why, "start the service by its units") ? 0 : 2;
}

static int listen_beside_passed(int fd)
{
	struct fixture f = {.loop = loop_create()};

	if (try_listen(&f, "127.0.0.1:0", NULL) < 0)
		return 1;
	return listener_count(f.listener) == 1 && fcntl(3, F_GETFD) >= 0 ? 0 : 2;
}

static int take_ssh_and_all(int fd)
{
	static const char *const known[] = {"ssh", "all", NULL};
	char why[LISTENER_WHY_MAX] = "";

	if (listener_check_passed(known, why) == 0)
		return 0;
	return strstr(why, "\"vmconsoled.socket\", and nothing listens") ? 10 : 2;
}

static void sockets_from_systemd_take_the_place_of_addresses(void **state)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), other = socket(AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(as_activated(fd, "ssh", serve_passed), 0);
	assert_int_equal(as_activated(fd, "https", listen_beside_passed), 0);
	assert_int_equal(as_activated(other, "ssh", refuse_passed), 0);
	assert_int_equal(as_activated(fd, "ssh:https", refuse_the_environment), 0);
	close(fd);
	close(other);
}

static void a_socket_from_systemd_that_nobody_takes_is_a_mistake(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(as_activated(fd, "ssh", take_ssh_and_all), 0);
	assert_int_equal(as_activated(fd, "all", take_ssh_and_all), 0);
	assert_int_equal(as_activated(fd, "vmconsoled.socket", take_ssh_and_all), 10);
	close(fd);
}

static void one_byte_says_what_a_client_wants(void **state)
{
	const char *c;
	int first;

	assert_int_equal(sniffer_judge(0x16), SNIFFED_HTTPS);
	for (c = "GHPDOCT"; *c; c++)
		assert_int_equal(sniffer_judge((unsigned char)*c), SNIFFED_HTTPS);
	for (first = 0; first < 256; first++) {
		if (first != 0x16 && (!first || !strchr("GHPDOCT", first)))
			assert_int_equal(sniffer_judge((unsigned char)first), SNIFFED_SSH);
	}
}

/* --- plain http: unix sockets, and the loopback --- */

/* A folder that nobody else can change, below one that everybody can. */
static void make_folder(char folder[64], char address[96], char path[96])
{
	snprintf(folder, 64, "/tmp/test-listener-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, 96, "%s/http", folder);
	snprintf(address, 96, "unix:%s", path);
}

static int dial_unix(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static void a_unix_socket_is_for_its_owner_and_goes_with_the_listener(void **state)
{
	struct fixture *f = *state;
	char folder[64], address[96], path[96];
	struct stat st;
	int fd;

	make_folder(folder, address, path);
	f->is_local = true;
	assert_int_equal(try_listen(f, address, NULL), 0);
	assert_string_equal(listener_text(f->listener, 0), address);
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	fd = dial_unix(path);
	turn_until(f, 1);
	assert_string_equal(f->peer, "a unix socket");
	close(fd);
	listener_destroy(&f->listener);
	assert_int_equal(lstat(path, &st), -1);
	rmdir(folder);
}

static void a_unix_socket_that_is_left_over_makes_room_and_nothing_else_does(void **state)
{
	struct fixture *f = *state;
	char folder[64], address[96], path[96];
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	FILE *file;
	int fd;

	make_folder(folder, address, path);
	f->is_local = true;
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	close(fd); /* as a killed daemon leaves it */
	assert_int_equal(try_listen(f, address, NULL), 0);

	assert_int_equal(try_listen(f, address, NULL), -EADDRINUSE);
	assert_non_null(strstr(f->why, "another program listens there"));
	close(dial_unix(path)); /* it is there as before */
	listener_destroy(&f->listener);

	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(try_listen(f, address, NULL), -EEXIST);
	assert_non_null(strstr(f->why, "there is a file that is no socket: remove it"));
	unlink(path);
	rmdir(folder);
}

static void a_unix_socket_does_not_lie_where_others_can_put_theirs(void **state)
{
	struct fixture *f = *state;
	char folder[64], address[96], path[96];

	make_folder(folder, address, path);
	f->is_local = true;
	assert_int_equal(chmod(folder, 0777), 0);
	assert_int_equal(try_listen(f, address, NULL), -EPERM);
	assert_non_null(strstr(f->why, folder));
	rmdir(folder);
}

static void what_other_hosts_can_reach_is_not_listened_on_without_tls(void **state)
{
	struct fixture *f = *state;

	f->is_local = true;
	assert_int_equal(try_listen(f, "0.0.0.0:0", NULL), -EPERM);
	assert_non_null(strstr(f->why, "http has no TLS, and other hosts can reach"));
	assert_int_equal(try_listen(f, "127.0.0.1:0", NULL), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(accepted_sockets_are_ready_to_use),
		TEST(a_reader_that_stands_still_holds_little_memory),
		TEST(peers_are_named_without_mapped_addresses),
		TEST(both_wildcards_with_one_port_go_together),
		TEST(an_address_in_use_is_said_in_one_line),
		TEST(paused_connections_wait_and_are_not_lost),
		TEST(a_crowd_is_accepted_in_bounded_rounds),
		TEST(destroyed_in_its_own_callback_it_stops_at_once),
		TEST(without_descriptors_it_rests_and_comes_back),
		TEST(control_socket_without_descriptors_says_so_once_with_the_cure),
		TEST(sockets_from_systemd_take_the_place_of_addresses),
		TEST(a_socket_from_systemd_that_nobody_takes_is_a_mistake),
		TEST(one_byte_says_what_a_client_wants),
		TEST(a_unix_socket_is_for_its_owner_and_goes_with_the_listener),
		TEST(a_unix_socket_that_is_left_over_makes_room_and_nothing_else_does),
		TEST(a_unix_socket_does_not_lie_where_others_can_put_theirs),
		TEST(what_other_hosts_can_reach_is_not_listened_on_without_tls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
