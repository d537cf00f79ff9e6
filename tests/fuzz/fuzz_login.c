/*
 * A hostile program at the control socket, or a hostile door: any messages with any descriptors in
 * any order, against whole logins of a broker, with their channels and verbs.
 *
 * Input: a byte for who it is, then deeds, of a byte each and what belongs to it. The caller may be
 * a user that no rule knows, one that may look at one guest, or a door. Whatever they do: who is
 * let in is who the kernel says, or whose key the door showed; nobody gets more than rules give;
 * and when all is closed every login and every descriptor has gone.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth/identity.h"
#include "auth/ssh/base64.h"
#include "config/rights.h"
#include "console/guest/directory.h"
#include "core/io.h"
#include "lone_broker.h"

#define NOBODY 65534
#define STRANGER 4711
#define DEEDS_MAX 64
#define CHANNELS 6
#define LINES 3
#define KEY "AAAAC3NzaC1lZDI1NTE5AAAAIHFx0+6q6Dh6FISsrXJcTeYoQkR7ATvSnEhGNCXeNCw5"

enum caller { CALLER_STRANGER, CALLER_NOBODY, CALLER_DOOR, CALLERS };

static struct play {
	struct lone_broker *broker;
	enum caller caller;
	struct line lines[LINES];
	int channels[CHANNELS];
	uint8_t key[128];
	size_t key_len;
} play;

struct input {
	const uint8_t *at;
	size_t len;
};

static void check(int good)
{
	if (!good)
		abort();
}

static unsigned take(struct input *in)
{
	if (in->len == 0)
		return 0;
	in->len--;
	return *in->at++;
}

static size_t count_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t count = 0;

	check(folder != NULL);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

static void tear_down(void)
{
	lone_broker_destroy(play.broker);
}

static void set_up(void)
{
	unsigned i;

	play.broker = lone_broker_create(
		"penalty = 0\npenalty_refuse = 0\n"
		"[access some]\nwho = user:nobody\nvms = " LONE_VM "\nallow = view\n"
		"[access all]\nwho = key:*\nvms = *\nallow = view, type, log\n"
		"[audit]\nrotate_size = 64K\nrotate_keep = 1\n",
		"ssh-ed25519 " KEY "\n");
	check(base64_decode(KEY, strlen(KEY), play.key, sizeof(play.key), &play.key_len) == 0);
	atexit(tear_down);
	for (i = 0; i < 200; i++) /* what begins by itself has begun */
		(void)loop_turn(lone_broker_context(play.broker)->loop, LOOP_MSEC);
}

/* --- what must hold --- */

static void check_login(const struct login *login)
{
	const struct identity *id = login_identity(login);
	unsigned rights = 0;
	struct guest *g;
	size_t cursor = 0;

	if (!id)
		return;
	check(play.caller != CALLER_STRANGER);
	check(!id->everything);
	check(login_is_local(login) == (play.caller == CALLER_NOBODY));
	check((identity_fact(id, FACT_USER) != NULL) == (play.caller == CALLER_NOBODY));
	check((identity_fact(id, FACT_KEY) != NULL) == (play.caller == CALLER_DOOR));
	while ((g = directory_next(lone_broker_context(play.broker)->directory, &cursor)))
		rights |= login_rights(login, g);
	if (play.caller == CALLER_NOBODY) {
		check(strcmp(id->text, "user:nobody") == 0);
		check((rights & ~(unsigned)RIGHT_VIEW) == 0);
		check(login_host_rights(login) == 0);
	} else {
		check((rights & RIGHT_ADMIN) == 0);
	}
}

static void turn(unsigned rounds)
{
	const struct login *login;

	lone_broker_turn(play.broker, rounds);
	for (login = LIST_FIRST(lone_broker_context(play.broker)->logins); login;
		login = login_next(login))
		check_login(login);
	check(lone_broker_reloads(play.broker) == 0);
}

/* --- deeds --- */

/* Behind what is there; without its NUL. */
static size_t put_text(unsigned char *message, size_t at, const char *text)
{
	while (*text)
		message[at++] = (unsigned char)*text++;
	return at;
}

static void send_raw(int fd, const void *data, size_t len, int passed)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {(void *)(uintptr_t)data, len};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};

	if (passed >= 0) {
		struct cmsghdr *c;

		memset(&control, 0, sizeof(control));
		header.msg_control = control.room;
		header.msg_controllen = sizeof(control.room);
		c = CMSG_FIRSTHDR(&header);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &passed, sizeof(int));
	}
	(void)!sendmsg(fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void send_bytes(int fd, struct input *in, unsigned type)
{
	unsigned char message[1 + 255];
	size_t len = take(in);

	len = len < in->len ? len : in->len;
	message[0] = (unsigned char)type;
	memcpy(message + 1, in->at, len);
	in->at += len;
	in->len -= len;
	send_raw(fd, message, 1 + len, -1);
}

/* By a table of this file's own: a method that comes later shall not change what an input means. */
static void authenticate(int fd, struct input *in)
{
	static const uint8_t methods[] = {WIRE_AUTH_PEER, WIRE_AUTH_NONE, WIRE_AUTH_PROBE,
		WIRE_AUTH_PUBLICKEY, WIRE_AUTH_FORGED, WIRE_AUTH_PASSWORD, WIRE_AUTH_INTERACTIVE,
		WIRE_AUTH_UNUSABLE, WIRE_AUTH_CERTIFICATE, 0, WIRE_METHODS, 255};
	static const char *const names[] = {"vmconsole", LONE_VM, LONE_VM_UUID, "ovirt-vmconsole",
		"", "lone-1+serial0", "6f1c2d3e"};
	unsigned method = take(in), what = take(in);
	const char *name = names[(what & 127) % (sizeof(names) / sizeof(names[0]))];
	struct wire_auth auth = {methods[method % sizeof(methods)], (uint16_t)strlen(name)};
	unsigned char message[512];
	size_t len = 1 + sizeof(auth);

	message[0] = WIRE_AUTH;
	memcpy(message + 1, &auth, sizeof(auth));
	len = put_text(message, len, name);
	if (auth.method != WIRE_AUTH_PEER && auth.method != WIRE_AUTH_NONE) {
		memcpy(message + len, play.key, play.key_len);
		len += play.key_len - (what >> 7);
	}
	send_raw(fd, message, len, -1);
}

static void open_channel(int fd, unsigned slot)
{
	static const unsigned char type = WIRE_OPEN;
	int fds[2];

	if (play.channels[slot] >= 0 || line_pair(fds) < 0)
		return;
	send_raw(fd, &type, 1, fds[1]);
	close(fds[1]);
	play.channels[slot] = fds[0];
}

/* What is no line at all, or a line of another kind. */
static void open_strangely(int fd, unsigned kind)
{
	static const unsigned char type = WIRE_OPEN;
	int passed = -1, fds[2] = {-1, -1};

	switch (kind % 6) {
	case 0:
		passed = open("/dev/null", O_RDWR | O_CLOEXEC);
		break;
	case 1:
		check(pipe2(fds, O_CLOEXEC) == 0);
		passed = fds[1];
		break;
	case 2:
		passed = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		break;
	case 3:
		passed = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		break;
	case 4:
		passed = dup(fd); /* the login line itself */
		break;
	case 5:
		passed = play.channels[kind / 6 % CHANNELS];
		passed = passed >= 0 ? dup(passed) : -1;
		break;
	}
	send_raw(fd, &type, 1, passed);
	close(fds[0]);
	close(passed);
}

static void request(int fd, struct input *in)
{
	static const char *const commands[] = {"list", "status", "who", "attach",
		"attach --no-wait", "attach --read-only", "log", "log --follow", "break", "sysrq h",
		"nmi", "ticket", "kick c1", "explain user:nobody " LONE_VM, "audit", "journal info",
		"reload", "help", "connect --vm-name=" LONE_VM, "list --json", "status " LONE_VM,
		"attach " LONE_VM, "who " LONE_VM, "log " LONE_VM, "ticket " LONE_VM,
		"nmi " LONE_VM, "sources", "'"};
	const size_t count = sizeof(commands) / sizeof(commands[0]);
	unsigned what = take(in), which = take(in);
	struct wire_request r = {.pty = (uint8_t)(what & 1),
		.terminal = (uint8_t)(what >> 1 & 1),
		.columns = 80,
		.rows = (uint16_t)(what << 8)};
	const char *command = which % (count + 1) < count ? commands[which % (count + 1)] : "";
	unsigned char message[256];
	size_t len = 1 + sizeof(r);

	message[0] = *command ? WIRE_EXEC : WIRE_SHELL;
	memcpy(message + 1, &r, sizeof(r));
	send_raw(fd, message, put_text(message, len, command), -1);
}

static void read_away(int fd)
{
	static char away[WIRE_MESSAGE_MAX];

	while (recv(fd, away, sizeof(away), MSG_DONTWAIT) > 0)
		;
}

static void act(struct input *in)
{
	unsigned what = take(in), which = take(in);
	struct line *line = &play.lines[which % LINES];
	int *channel = &play.channels[which % CHANNELS];
	static const char *const addresses[CALLERS] = {[CALLER_DOOR] = "192.0.2.1"};

	if (line->fd < 0)
		lone_broker_connect(play.broker, addresses[play.caller],
			play.caller == CALLER_STRANGER ? STRANGER : NOBODY, line);
	switch (what % 12) {
	case 0:
		authenticate(line->fd, in);
		break;
	case 1:
		send_bytes(line->fd, in, take(in));
		break;
	case 2:
		open_channel(line->fd, which % CHANNELS);
		break;
	case 3:
		open_strangely(line->fd, which);
		break;
	case 4:
		request(*channel, in);
		break;
	case 5:
		send_bytes(*channel, in, take(in));
		break;
	case 6:
		send_bytes(*channel, in, WIRE_DATA);
		break;
	case 7:
		fd_close(channel);
		break;
	case 8:
		line_finish(line);
		break;
	case 9:
		read_away(line->fd);
		read_away(*channel);
		break;
	case 10:
		if (LIST_FIRST(lone_broker_context(play.broker)->logins))
			login_review(LIST_FIRST(lone_broker_context(play.broker)->logins));
		break;
	case 11:
		turn(which % 8);
		break;
	}
	turn(1 + (what >> 6));
}

/* --- the end --- */

static void close_all(void)
{
	struct login *login;
	unsigned i;

	for (i = 0; i < CHANNELS; i++)
		fd_close(&play.channels[i]);
	for (i = 0; i < LINES; i++)
		line_finish(&play.lines[i]);
	turn(20);
	/* Those whose own line keeps them wait for a time that is too long for here. */
	while ((login = LIST_FIRST(lone_broker_context(play.broker)->logins)))
		login_close(login, "over");
	lone_broker_turn(play.broker, 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	size_t before, i, waits = 0;
	unsigned deeds = DEEDS_MAX;

	if (!play.broker)
		set_up();
	for (i = 0; i < LINES; i++)
		play.lines[i].fd = -1;
	for (i = 0; i < CHANNELS; i++)
		play.channels[i] = -1;
	before = count_descriptors();
	play.caller = take(&in) % CALLERS;
	while (in.len > 0 && deeds-- > 0)
		act(&in);
	close_all();
	/* The audit's own thread may just be changing its file. */
	while (count_descriptors() > before && waits++ < 1000)
		(void)loop_turn(lone_broker_context(play.broker)->loop, LOOP_MSEC);
	check(count_descriptors() <= before);
	return 0;
}
