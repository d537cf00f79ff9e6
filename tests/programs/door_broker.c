/*
 * A stand-in for the broker that a test drives the real ssh door with: it listens, starts the door
 * and answers its lines, with commands of its own instead of verbs and consoles.
 *
 *   door_broker HOST_KEYS AUTHORIZED [GRACE_MS [KEEPALIVE_MS]]
 *
 * Prints "port N" and "door PID". AUTHORIZED holds "TYPE BASE64" lines. Passwords and answers:
 * "sesame". Login "nopty" gets no pty, "later" its verdict after 300 ms. SIGTERM stops the door.
 * Commands: cat | sink | nap BYTES | flood BYTES | exit N | err | request | silent | dribble | kick
 * | vanish.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "core/io.h"
#include "core/log.h"
#include "core/loop.h"
#include "sshd/ssh_door.h"
#include "wire/line.h"

static void check(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

#define CHECK(x) check((x) != 0, #x)

#define NAP_US (100 * LOOP_MSEC)

static const unsigned char build[WIRE_BUILD_ID] = "door_broker";

static struct loop *loop;
static struct loop_io *control_io, *listen_io;
static struct line control;
static struct wire_settings settings;
static char *authorized;
static uint64_t connections;

struct login {
	struct line line;
	struct loop_io *io;
	struct loop_timer *timer;
	struct wire_verdict_msg answer;
};

enum work { CAT, SINK, NAP, FLOOD, DRIBBLE, SILENT, DONE };

struct chan {
	struct line line;
	struct loop_io *io;
	struct loop_timer *timer;
	struct login *login;
	enum work work;
	uint64_t left, sent, got, nap;
	EVP_MD_CTX *digest;
	unsigned char back[WIRE_PAYLOAD_MAX];
	size_t back_len;
};

/* --- channels --- */

static void chan_free(struct chan *c)
{
	loop_io_del(&c->io);
	loop_timer_del(&c->timer);
	line_finish(&c->line);
	EVP_MD_CTX_free(c->digest);
	loop_defer(loop, free, c);
}

static void chan_say(struct chan *c, enum wire_type type, const char *text)
{
	if (line_send(&c->line, type, NULL, text, strlen(text)) < 0)
		puts("nobody to say it to");
}

static void chan_exit(struct chan *c, int status)
{
	struct wire_exit last = {status};
	int r = line_send(&c->line, WIRE_EXIT, &last, NULL, 0);

	if (r == -EAGAIN) {
		c->work = DONE;
		c->left = (uint64_t)status;
		loop_io_set(c->io, EPOLLOUT);
		return;
	}
	chan_free(c);
}

static void chan_flood(struct chan *c)
{
	unsigned char data[WIRE_PAYLOAD_MAX];

	while (c->left) {
		size_t n = c->left < sizeof(data) ? (size_t)c->left : sizeof(data), i;
		int r;

		for (i = 0; i < n; i++)
			data[i] = (unsigned char)((c->sent + i) * 31 >> 3);
		r = line_send(&c->line, WIRE_OUT, NULL, data, n);
		if (r == -EAGAIN) {
			loop_io_set(c->io, EPOLLOUT);
			return;
		}
		if (r < 0) {
			chan_free(c);
			return;
		}
		c->sent += n;
		c->left -= n;
	}
	chan_exit(c, 0);
}

static void chan_dribble(void *arg)
{
	struct chan *c = arg;

	if (c->left-- == 0) {
		chan_exit(c, 0);
		return;
	}
	chan_say(c, WIRE_OUT, "x");
	loop_timer_set(c->timer, 200, 1);
}

static void chan_report(struct chan *c)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0, i;
	char text[256];
	int len;

	EVP_DigestFinal_ex(c->digest, md, &n);
	len = snprintf(text, sizeof(text), "%llu ", (unsigned long long)c->got);
	for (i = 0; i < n; i++)
		len += snprintf(text + len, sizeof(text) - (size_t)len, "%02x", md[i]);
	snprintf(text + len, sizeof(text) - (size_t)len, "\n");
	chan_say(c, WIRE_OUT, text);
	chan_exit(c, 0);
}

static void chan_wake(void *arg)
{
	struct chan *c = arg;

	loop_io_set(c->io, EPOLLIN);
}

/* Long enough for a client to fill the window. */
static void chan_nap(struct chan *c)
{
	c->left = c->got + c->nap;
	loop_io_set(c->io, EPOLLRDHUP);
	loop_timer_set(c->timer, NAP_US, 0);
}

static void chan_data(struct chan *c, struct line_message *m)
{
	c->got += m->payload_len;
	if (c->work == SINK || c->work == NAP)
		EVP_DigestUpdate(c->digest, m->payload, m->payload_len);
	if (c->work == NAP && c->got >= c->left)
		chan_nap(c);
	if (c->work != CAT)
		return;
	if (line_send(&c->line, WIRE_OUT, NULL, m->payload, m->payload_len) == -EAGAIN) {
		memcpy(c->back, m->payload, m->payload_len);
		c->back_len = m->payload_len;
		loop_io_set(c->io, EPOLLOUT);
	}
}

static void chan_kick(struct chan *c)
{
	struct wire_bye bye = {84};

	chan_say(c, WIRE_OUT, "goodbye\n");
	CHECK(line_send(&c->login->line, WIRE_BYE, &bye, "ended by an administrator", 25) == 0);
	chan_exit(c, 84);
}

/* What is said at once and over with. */
static void chan_answer(struct chan *c, const char *command, const char *request)
{
	if (strcmp(command, "vanish") == 0) {
		chan_free(c);
	} else if (strcmp(command, "kick") == 0) {
		chan_kick(c);
	} else if (strcmp(command, "request") == 0) {
		chan_say(c, WIRE_OUT, request);
		chan_exit(c, 0);
	} else if (strcmp(command, "err") == 0) {
		chan_say(c, WIRE_OUT, "one\n");
		chan_say(c, WIRE_ERR, "two\n");
		chan_say(c, WIRE_OUT, "three\n");
		chan_exit(c, 3);
	} else {
		chan_say(c, WIRE_ERR, "what?\n");
		chan_exit(c, 64);
	}
}

static void chan_start(struct chan *c, const char *command, const char *request)
{
	unsigned long long n = 0;

	if (strcmp(command, "cat") == 0 || !*command) {
		c->work = CAT;
	} else if (strcmp(command, "sink") == 0) {
		c->work = SINK;
		c->digest = EVP_MD_CTX_new();
		EVP_DigestInit_ex(c->digest, EVP_sha256(), NULL);
	} else if (sscanf(command, "nap %llu", &n) == 1) {
		c->work = NAP;
		c->nap = n;
		c->digest = EVP_MD_CTX_new();
		EVP_DigestInit_ex(c->digest, EVP_sha256(), NULL);
		CHECK(loop_timer_add(loop, &c->timer, chan_wake, c) == 0);
		chan_nap(c);
	} else if (sscanf(command, "flood %llu", &n) == 1) {
		c->work = FLOOD;
		c->left = n;
		chan_flood(c);
	} else if (sscanf(command, "dribble %llu", &n) == 1) {
		c->work = DRIBBLE;
		c->left = n;
		CHECK(loop_timer_add(loop, &c->timer, chan_dribble, c) == 0);
		chan_dribble(c);
	} else if (sscanf(command, "exit %llu", &n) == 1) {
		chan_exit(c, (int)n);
	} else if (strcmp(command, "silent") == 0) {
		c->work = SILENT;
		printf("silent\n");
		loop_io_set(c->io, EPOLLRDHUP);
	} else {
		chan_answer(c, command, request);
	}
}

static void chan_request(struct chan *c, struct line_message *m)
{
	struct wire_request r;
	char text[WIRE_TERM_MAX + 64], command[WIRE_COMMAND_MAX + 1] = "";

	memcpy(&r, m->fixed, sizeof(r));
	snprintf(text, sizeof(text), "pty=%d %ux%u term=%.*s\n", r.pty, r.columns, r.rows,
		r.term_len, (const char *)m->payload);
	memcpy(command, m->payload + r.term_len, m->payload_len - r.term_len);
	chan_start(c, command, text);
}

static void chan_message(struct chan *c, struct line_message *m)
{
	struct wire_winsize size;
	char text[64];

	switch ((int)m->type) {
	case WIRE_SHELL:
	case WIRE_EXEC:
		chan_request(c, m);
		break;
	case WIRE_DATA:
		chan_data(c, m);
		break;
	case WIRE_EOF:
		if (c->work == SINK || c->work == NAP)
			chan_report(c);
		else if (c->work == CAT)
			chan_exit(c, 0);
		break;
	case WIRE_WINSIZE:
		memcpy(&size, m->fixed, sizeof(size));
		snprintf(text, sizeof(text), "winsize %ux%u\n", size.columns, size.rows);
		chan_say(c, WIRE_OUT, text);
		break;
	case WIRE_SIGNAL:
		snprintf(text, sizeof(text), "signal %.*s\n", (int)m->payload_len,
			(const char *)m->payload);
		chan_say(c, WIRE_OUT, text);
		break;
	}
}

static void chan_writable(struct chan *c)
{
	if (c->work == DONE) {
		chan_exit(c, (int)c->left);
	} else if (c->work == FLOOD) {
		chan_flood(c);
	} else if (!c->back_len ||
		   line_send(&c->line, WIRE_OUT, NULL, c->back, c->back_len) != -EAGAIN) {
		c->back_len = 0;
		loop_io_set(c->io, EPOLLIN);
	}
}

static void on_chan(void *arg, uint32_t events)
{
	struct chan *c = arg;
	struct line_message m;
	int r;

	if (events & EPOLLOUT) {
		chan_writable(c);
		return;
	}
	r = c->work == SILENT ? 0 : line_receive(&c->line, &m);
	if (r == 1)
		chan_message(c, &m);
	else if (r != -EAGAIN)
		chan_free(c);
}

static void chan_new(struct login *l, int fd)
{
	struct chan *c = calloc(1, sizeof(*c));

	CHECK(c);
	c->login = l;
	line_init(&c->line, fd, WIRE_CHANNEL, WIRE_BROKER);
	CHECK(loop_io_add(loop, &c->io, fd, EPOLLIN, on_chan, c) == 0);
}

static int key_known(const unsigned char *blob, size_t len)
{
	unsigned char text[WIRE_PROOF_MAX * 2];

	if (len == 0)
		return 0;
	EVP_EncodeBlock(text, blob, (int)len);
	return strstr(authorized, (char *)text) != NULL;
}

static void login_answer(void *arg)
{
	struct login *l = arg;
	if (line_send(&l->line, WIRE_VERDICT, &l->answer, NULL, 0) < 0)
		return;
	l->line.state = l->answer.verdict == WIRE_ACCEPTED && l->answer.may_pty < 2 ? WIRE_RUNNING
										    : WIRE_FRESH;
}

static void login_auth(struct login *l, struct line_message *m)
{
	struct wire_auth head;
	char name[WIRE_LOGIN_MAX + 1] = "";
	const unsigned char *proof;
	size_t len;
	int yes = 0;

	memcpy(&head, m->fixed, sizeof(head));
	memcpy(name, m->payload, head.login_len);
	proof = m->payload + head.login_len;
	len = m->payload_len - head.login_len;
	if (head.method == WIRE_AUTH_PROBE || head.method == WIRE_AUTH_PUBLICKEY)
		yes = key_known(proof, len);
	else if (head.method == WIRE_AUTH_PASSWORD || head.method == WIRE_AUTH_INTERACTIVE)
		yes = len == 6 && memcmp(proof, "sesame", 6) == 0;
	l->answer.verdict = yes ? WIRE_ACCEPTED : WIRE_DENIED;
	l->answer.methods = settings.methods;
	l->answer.may_pty = strcmp(name, "nopty") != 0;
	if (head.method == WIRE_AUTH_PROBE)
		l->answer.may_pty = 2; /* only a mark for login_answer */
	printf("auth %s %d %s\n", name, head.method, yes ? "yes" : "no");
	if (strcmp(name, "later") == 0)
		loop_timer_set(l->timer, 300 * LOOP_MSEC, 0);
	else
		login_answer(l);
}

static void on_login(void *arg, uint32_t events)
{
	struct login *l = arg;
	struct line_message m;
	int r = line_receive(&l->line, &m);

	if (r == -EAGAIN)
		return;
	if (r != 1) {
		loop_io_del(&l->io);
		loop_timer_del(&l->timer);
		line_finish(&l->line);
		return;
	}
	if (m.type == WIRE_AUTH)
		login_auth(l, &m);
	else if (m.type == WIRE_OPEN)
		chan_new(l, line_take_fd(&m, 0));
	line_message_finish(&m);
}

static void on_listen(void *arg, uint32_t events)
{
	int *fd = arg, pair[2], one = 1;
	int socket_fd = accept4(*fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct wire_new head = {.id = ++connections};
	struct login *l;

	if (socket_fd < 0)
		return;
	l = calloc(1, sizeof(*l));
	CHECK(l);
	setsockopt(socket_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	CHECK(line_pair(pair) == 0);
	line_init(&l->line, pair[0], WIRE_LOGIN, WIRE_BROKER);
	CHECK(loop_io_add(loop, &l->io, pair[0], EPOLLIN, on_login, l) == 0);
	CHECK(loop_timer_add(loop, &l->timer, login_answer, l) == 0);
	CHECK(line_send_fds(&control, WIRE_NEW, &head, NULL, 0, (int[]){socket_fd, pair[1]}, 2) ==
		0);
	close(socket_fd);
	close(pair[1]);
}

static void on_control(void *arg, uint32_t events)
{
	static const char banner[] = "hello from the banner\r\n";
	struct line_message m;
	int r = line_receive(&control, &m);

	if (r == -EAGAIN)
		return;
	if (r != 1) {
		printf("door gone %d\n", r);
		loop_exit(loop, 0);
		return;
	}
	if (m.type == WIRE_READY) {
		struct wire_ready ready;

		memcpy(&ready, m.fixed, sizeof(ready));
		printf("ready landlock=%d seccomp=%d\n", ready.landlock_abi, ready.seccomp);
		CHECK(line_send(&control, WIRE_SETTINGS, &settings, banner, sizeof(banner) - 1) ==
			0);
		loop_io_set(listen_io, EPOLLIN);
	} else if (m.type == WIRE_LOG) {
		struct wire_log head;

		memcpy(&head, m.fixed, sizeof(head));
		printf("log c%llu %d %.*s\n", (unsigned long long)head.id, head.level,
			(int)m.payload_len, (const char *)m.payload);
	}
}

static void on_term(void *arg, const struct signalfd_siginfo *info)
{
	CHECK(line_send(&control, WIRE_STOP, NULL, NULL, 0) == 0);
}

static pid_t start_door(const char *keys)
{
	int pair[2], keys_fd = open(keys, O_RDONLY | O_CLOEXEC);
	struct door_options options;
	pid_t pid;

	CHECK(keys_fd >= 0);
	CHECK(line_pair(pair) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		options = (struct door_options){.control_fd = pair[1],
			.line = WIRE_CONTROL,
			.keys_fd = keys_fd,
			.build_id = build};
		ssh_door_main(&options);
	}
	close(pair[1]);
	close(keys_fd);
	line_init(&control, pair[0], WIRE_CONTROL, WIRE_BROKER);
	return pid;
}

static int make_listener(void)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0);
	CHECK(bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	CHECK(listen(fd, 1024) == 0);
	CHECK(getsockname(fd, (struct sockaddr *)&addr, &len) == 0);
	printf("port %d\n", ntohs(addr.sin_port));
	return fd;
}

int main(int argc, char **argv)
{
	struct loop_signal *term;
	struct wire_hello hello;
	int fd;
	pid_t pid;
	size_t len;

	CHECK(argc >= 3);
	setvbuf(stdout, NULL, _IOLBF, 0);
	CHECK(read_file(argv[2], 1 << 20, &authorized, &len) == 0);
	settings =
		(struct wire_settings){.login_grace_ms = argc > 3 ? (uint32_t)atoi(argv[3]) : 20000,
			.keepalive_ms = argc > 4 ? (uint32_t)atoi(argv[4]) : 0,
			.max_channels = 12,
			.max_auth_tries = 6,
			.log_level = LOG_LEVEL_DEBUG,
			.methods = WIRE_CAN_PUBLICKEY | WIRE_CAN_PASSWORD | WIRE_CAN_INTERACTIVE};
	pid = start_door(argv[1]);
	CHECK(loop_block_signals() == 0);
	loop = loop_create();
	CHECK(loop);
	printf("door %d\n", (int)pid);
	fd = make_listener();
	CHECK(loop_signal_add(loop, &term, SIGTERM, on_term, NULL) == 0);
	CHECK(loop_io_add(loop, &control_io, control.fd, EPOLLIN, on_control, NULL) == 0);
	CHECK(loop_io_add(loop, &listen_io, fd, 0, on_listen, &fd) == 0);
	memcpy(hello.build, build, sizeof(hello.build));
	CHECK(line_send(&control, WIRE_HELLO, &hello, NULL, 0) == 0);
	_exit(loop_run(loop)); /* the sessions of killed clients are nobody's leak */
}
