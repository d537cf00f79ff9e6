/* libssh2's own interface. */
#include <arpa/inet.h>
#include <err.h>
#include <libssh2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GOOD(what, call) (void)((call) < 0 ? (errx(1, "%s", what), 0) : 0)

static void check_host(LIBSSH2_SESSION *session)
{
	LIBSSH2_KNOWNHOSTS *known = libssh2_knownhost_init(session);
	size_t size;
	int type, flags = LIBSSH2_KNOWNHOST_TYPE_PLAIN | LIBSSH2_KNOWNHOST_KEYENC_RAW;
	const char *key = libssh2_session_hostkey(session, &size, &type);

	GOOD("known_hosts", libssh2_knownhost_readfile(known, getenv("VMC_KNOWN_HOSTS"),
				    LIBSSH2_KNOWNHOST_FILE_OPENSSH));
	if (libssh2_knownhost_checkp(known, "127.0.0.1", atoi(getenv("VMC_PORT")), key, size, flags,
		    NULL) != LIBSSH2_KNOWNHOST_CHECK_MATCH)
		errx(1, "the host key is not known");
	libssh2_knownhost_free(known);
}

static LIBSSH2_SESSION *connection(const char *login)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons(atoi(getenv("VMC_PORT"))),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	LIBSSH2_SESSION *session = libssh2_session_init();
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	GOOD("connect", connect(fd, (struct sockaddr *)&address, sizeof(address)));
	GOOD("handshake", libssh2_session_handshake(session, fd));
	check_host(session);
	GOOD("login",
		libssh2_userauth_publickey_fromfile(session, login, NULL, getenv("VMC_KEY"), NULL));
	return session;
}

static int ended(LIBSSH2_CHANNEL *channel)
{
	char more[4096];

	while (libssh2_channel_read(channel, more, sizeof(more)) > 0)
		;
	GOOD("close", libssh2_channel_close(channel));
	GOOD("closed", libssh2_channel_wait_closed(channel));
	return libssh2_channel_get_exit_status(channel);
}

static int status(LIBSSH2_SESSION *session, const char *verb)
{
	LIBSSH2_CHANNEL *channel = libssh2_channel_open_session(session);

	GOOD("exec", libssh2_channel_exec(channel, verb));
	return ended(channel);
}

/* Reads until text has come; returns what has come. */
static const char *await(LIBSSH2_CHANNEL *channel, const char *text)
{
	static char seen[65536];
	static size_t length;
	ssize_t more;

	while (!strstr(seen, text)) {
		more = libssh2_channel_read(channel, seen + length, sizeof(seen) - length - 1);
		if (more <= 0)
			errx(1, "ended after: %s", seen);
		length += more;
		seen[length] = 0;
	}
	return strstr(seen, text);
}

static int converse(LIBSSH2_SESSION *session)
{
	LIBSSH2_CHANNEL *channel = libssh2_channel_open_session(session);

	GOOD("terminal", libssh2_channel_request_pty(channel, "vt100"));
	GOOD("attach", libssh2_channel_exec(channel, "attach --lines 0"));
	await(channel, "you have the keyboard");
	GOOD("typing", libssh2_channel_write(channel, "say hello libssh2\r", 18));
	printf("console: %.13s\n", await(channel, "\nhello libssh2\r\n") + 1);
	GOOD("leaving", libssh2_channel_write(channel, "\x1d.", 2));
	return ended(channel);
}

int main(void)
{
	LIBSSH2_SESSION *session, *other;

	GOOD("init", libssh2_init(0));
	session = connection(getenv("VMC_VM"));
	other = connection("nobody");
	printf("wait: %d\n", status(session, "wait --timeout 1 'nothing like this'"));
	printf("unknown VM: %d\n", status(other, "status"));
	printf("end: %d\n", converse(session));
	printf("panic: %d\n", status(session, "send --enter --wait never panic"));
	return 0;
}
