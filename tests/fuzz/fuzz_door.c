/*
 * A connection of the ssh door between a client and a broker that do anything in any order.
 *
 * Input: a byte chooses. Even: the rest are raw bytes from a stranger. Odd: a libssh client logs
 * in, and each further pair of bytes is a deed of the client's or the broker's. Whatever they did,
 * when both are gone the session must be too, with every descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/io.h"
#include "core/log.h"
#include "sshd/bind.h"
#include "sshd/session.h"

#define CHANNELS 4
#define LINES 8
#define DEEDS_MAX 64

static struct context context;
static struct session_list sessions = TAILQ_HEAD_INITIALIZER(sessions);

static struct play {
	ssh_session client;
	ssh_event event;
	int fd; /* the client's */
	ssh_channel channels[CHANNELS];
	struct line login;
	struct line lines[LINES];
	unsigned line_count;
	bool refuse;
} play;

static void check(bool good)
{
	if (!good)
		abort();
}

static void quiet(void *arg, enum log_level level, const char *tag, const char *text)
{
}

static void nothing(struct context *c)
{
}

static void set_up(void)
{
	char path[] = "/tmp/fuzz_door.XXXXXX";
	char *text = NULL;
	ssh_key key = NULL;
	int fd = mkstemp(path);

	log_set_sink(quiet, NULL);
	check(ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &key) == SSH_OK);
	check(ssh_pki_export_privkey_file(key, NULL, NULL, NULL, path) == SSH_OK);
	ssh_key_free(key);
	close(fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	unlink(path);
	check(bind_create(fd, &context.bind) == 0);
	close(fd);
	free(text);
	context.loop = loop_create();
	context.scratch = malloc(SCRATCH_SIZE);
	context.closed = nothing;
	context.settings = (struct wire_settings){.login_grace_ms = 60000,
		.max_channels = CHANNELS - 1,
		.max_auth_tries = 3,
		.keepalive_ms = 1,
		.methods = WIRE_CAN_PASSWORD | WIRE_CAN_PUBLICKEY};
	LIST_INIT(&context.held);
	check(context.loop && context.scratch);
	check(loop_timer_add(context.loop, &context.held_timer, channel_release_held, &context) ==
		0);
	check(gate_init(&context.gate, context.loop) == 0);
}

static void connect_both(int *client_fd)
{
	int sockets[2], pair[2];

	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sockets) == 0);
	check(line_pair(pair) == 0);
	line_init(&play.login, pair[0], WIRE_LOGIN, WIRE_BROKER);
	check(session_create(&context, &sessions, 1, sockets[0], pair[1]) == 0);
	*client_fd = sockets[1];
}

/* --- the broker's side --- */

static void take_login(void)
{
	struct wire_verdict_msg verdict = {.verdict = WIRE_ACCEPTED, .may_pty = 1};
	struct line_message message;

	while (play.login.fd >= 0 && line_receive(&play.login, &message) == 1) {
		if (message.type == WIRE_AUTH) {
			if (play.refuse)
				verdict = (struct wire_verdict_msg){
					.verdict = WIRE_DENIED, .methods = WIRE_CAN_PASSWORD};
			if (line_send(&play.login, WIRE_VERDICT, &verdict, NULL, 0) == 0)
				play.login.state = play.refuse ? WIRE_FRESH : WIRE_RUNNING;
		}
		if (message.type == WIRE_OPEN && play.line_count < LINES)
			line_init(&play.lines[play.line_count++], line_take_fd(&message, 0),
				WIRE_CHANNEL, WIRE_BROKER);
		line_message_finish(&message);
	}
}

static void turn(unsigned rounds)
{
	while (rounds--) {
		loop_turn(context.loop, 0);
		take_login();
		if (play.event)
			ssh_event_dopoll(play.event, 0);
	}
}

static void broker_deed(unsigned deed, unsigned arg)
{
	static const unsigned char data[WIRE_PAYLOAD_MAX];
	struct line *line = &play.lines[arg % LINES];
	struct wire_exit last = {(int)arg};
	struct wire_bye bye = {(int)arg};
	struct line_message message;
	int r = 0;

	if (line->fd < 0 && deed < 5)
		return;
	switch (deed) {
	case 0:
		r = line_send(line, WIRE_OUT, NULL, data, arg * 60 + 1);
		break;
	case 1:
		r = line_send(line, WIRE_ERR, NULL, data, arg + 1);
		break;
	case 2:
		r = line_send(line, WIRE_EXIT, &last, "over", arg % 5);
		break;
	case 3:
		shutdown(line->fd, arg & 16 ? SHUT_WR : SHUT_RDWR);
		break;
	case 4:
		if (arg & 16)
			line_finish(line);
		else if (line_receive(line, &message) == 1)
			line_message_finish(&message);
		break;
	case 5:
		if (play.login.fd >= 0)
			r = line_send(&play.login, WIRE_BYE, &bye, "enough", arg % 7);
		break;
	case 6:
		line_finish(&play.login);
		break;
	}
	(void)r;
}

/* --- the client's side --- */

static void client_deed(unsigned deed, unsigned arg)
{
	static char data[65536];
	ssh_channel *slot = &play.channels[arg % CHANNELS];

	if (deed == 0) {
		if (!*slot)
			*slot = ssh_channel_new(play.client);
		if (*slot)
			ssh_channel_open_session(*slot);
		return;
	}
	if (!*slot)
		return;
	switch (deed) {
	case 1:
		ssh_channel_request_pty_size(*slot, arg & 16 ? "vt100" : data, (int)arg, 25);
		break;
	case 2:
		ssh_channel_request_shell(*slot);
		break;
	case 3:
		ssh_channel_request_exec(*slot, "list");
		break;
	case 4:
		ssh_channel_write(*slot, data, arg * 200);
		break;
	case 5:
		ssh_channel_send_eof(*slot);
		break;
	case 6:
		ssh_channel_close(*slot);
		break;
	case 7:
		ssh_channel_change_pty_size(*slot, (int)arg, 30);
		break;
	case 8:
		ssh_channel_request_send_signal(*slot, "INT");
		break;
	case 9:
		ssh_channel_request_subsystem(*slot, "sftp");
		break;
	case 10:
		ssh_channel_read_nonblocking(*slot, data, sizeof(data), arg & 16 ? 1 : 0);
		break;
	}
}

static bool log_in(int fd)
{
	static bool no = false;
	unsigned i;
	int r = SSH_AGAIN;

	play.fd = fd;
	play.client = ssh_new();
	check(play.client != NULL);
	ssh_options_set(play.client, SSH_OPTIONS_HOST, "door");
	ssh_options_set(play.client, SSH_OPTIONS_USER, "vm");
	ssh_options_set(play.client, SSH_OPTIONS_PROCESS_CONFIG, &no);
	ssh_options_set(play.client, SSH_OPTIONS_KNOWNHOSTS, "/dev/null");
	ssh_options_set(play.client, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null");
	ssh_options_set(play.client, SSH_OPTIONS_FD, &fd);
	ssh_set_blocking(play.client, 0);
	for (i = 0; i < 200 && r == SSH_AGAIN; i++) {
		r = ssh_connect(play.client);
		check(fd_nonblock(fd) == 0); /* libssh makes it blocking again */
		turn(4);
	}
	for (r = SSH_AUTH_AGAIN; i < 400 && r == SSH_AUTH_AGAIN; i++) {
		r = ssh_userauth_password(play.client, NULL, "sesame");
		turn(4);
	}
	play.event = ssh_event_new();
	ssh_event_add_session(play.event, play.client);
	return r == SSH_AUTH_SUCCESS;
}

static void act(const uint8_t *data, size_t size)
{
	unsigned deeds;

	for (deeds = 0; size >= 2 && deeds < DEEDS_MAX; deeds++, data += 2, size -= 2) {
		unsigned deed = data[0] % 20;

		if (deed <= 10 && ssh_is_connected(play.client))
			client_deed(deed, data[1]);
		else if (deed > 10 && deed < 18)
			broker_deed(deed - 11, data[1]);
		else
			turn(1 + data[1] % 8);
		turn(data[0] >> 6);
	}
	turn(20);
}

/* Patiently: a key exchange under way takes its time. */
static void wait_for_end(void)
{
	unsigned i;

	for (i = 0; i < 2000 && !TAILQ_EMPTY(&sessions); i++) {
		loop_turn(context.loop, LOOP_MSEC);
		take_login();
	}
}

/* libssh as a client sometimes leaves its socket open. */
static void free_client(void)
{
	int own = fcntl(play.fd, F_DUPFD_CLOEXEC, 0);
	struct stat a, b;

	ssh_disconnect(play.client);
	ssh_free(play.client);
	shutdown(own, SHUT_RDWR);
	if (fstat(own, &a) == 0 && fstat(play.fd, &b) == 0 && a.st_ino == b.st_ino)
		close(play.fd);
	close(own);
}

static void leave(void)
{
	unsigned i;

	if (play.event) {
		ssh_event_remove_session(play.event, play.client);
		ssh_event_free(play.event);
		play.event = NULL;
	}
	if (play.client)
		free_client();
	for (i = 0; i < LINES; i++)
		line_finish(&play.lines[i]);
	wait_for_end();
	line_finish(&play.login);
	check(TAILQ_EMPTY(&sessions));
	check(LIST_EMPTY(&context.held) && TAILQ_EMPTY(&context.gate.queue));
}

static void play_stranger(int fd, const uint8_t *data, size_t size)
{
	size_t part = size / 3 + 1;

	while (size) {
		size_t n = part < size ? part : size;

		if (send(fd, data, n, MSG_NOSIGNAL) < 0)
			break;
		turn(4);
		data += n;
		size -= n;
	}
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd, i, before, after;

	if (!context.loop)
		set_up();
	if (size < 1)
		return 0;
	memset(&play, 0, sizeof(play));
	for (i = 0; i < LINES; i++)
		play.lines[i].fd = -1;
	play.refuse = (data[0] & 0x0e) == 0x0e;
	before = fcntl(0, F_DUPFD_CLOEXEC, 0);
	close(before);
	connect_both(&fd);
	if (!(data[0] & 1))
		play_stranger(fd, data + 1, size - 1);
	else if (log_in(fd))
		act(data + 1, size - 1);
	leave();
	after = fcntl(0, F_DUPFD_CLOEXEC, 0);
	close(after);
	check(before == after);
	return 0;
}
