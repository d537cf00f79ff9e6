/*
 * Task: viewers of conserver's, all in one process, over TLS as it is installed or plain. Owner:
 * bench/run.
 *
 * Its protocol: a line is answered by a line; "call" at the first port names the port of the
 * process that has the console; there "call" attaches, and ^Ec; ends the protocol.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "fan.h"
#include "probe.h"

#define LINE_SIZE 256

struct peer {
	int fd;
	SSL *tls; /* NULL: plain */
};

struct conservers {
	struct fan fan; /* the first: found again by its address */
	const char *console;
	SSL_CTX *tls; /* NULL: plain */
	struct peer peers[FAN_MAX];
	struct pollfd fds[FAN_MAX];
};

static struct conservers conservers;

static long take(struct peer *p, char *data, size_t size)
{
	return p->tls ? SSL_read(p->tls, data, (int)size) : read(p->fd, data, size);
}

static bool put(struct peer *p, const char *text)
{
	int len = (int)strlen(text);

	return p->tls ? SSL_write(p->tls, text, len) == len
		      : write_all(p->fd, text, (size_t)len) == 0;
}

static void hang_up(struct peer *p)
{
	SSL_free(p->tls);
	if (p->fd >= 0)
		(void)close(p->fd);
	*p = (struct peer){.fd = -1};
}

/* --- its protocol --- */

static bool get_line(struct peer *p, char line[LINE_SIZE])
{
	size_t len = 0;

	while (len < LINE_SIZE - 1 && take(p, line + len, 1) == 1) {
		if (line[len++] == '\n') {
			line[len] = 0;
			return true;
		}
	}
	return false;
}

static bool ask(struct peer *p, const char *order, const char *what, char answer[LINE_SIZE])
{
	char line[LINE_SIZE];

	(void)snprintf(line, sizeof(line), "%s%s\r\n", order, what);
	return put(p, line) && get_line(p, answer);
}

static bool secure(struct peer *p)
{
	char line[LINE_SIZE];

	if (!conservers.tls)
		return true;
	if (!ask(p, "ssl", "", line))
		return false;
	p->tls = SSL_new(conservers.tls);
	return p->tls && SSL_set_fd(p->tls, p->fd) == 1 && SSL_connect(p->tls) == 1;
}

static bool dial(struct peer *p, unsigned long port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	char line[LINE_SIZE];

	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return p->fd >= 0 && connect(p->fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	       get_line(p, line) && secure(p) && ask(p, "login ", "bench", line);
}

static bool join(struct peer *p, unsigned long port)
{
	char line[LINE_SIZE] = "";
	bool joined = dial(p, port) && ask(p, "call ", conservers.console, line);

	hang_up(p);
	port = strtoul(line, NULL, 10);
	joined = joined && port && dial(p, port) && ask(p, "call ", conservers.console, line) &&
		 put(p, "\005c;");
	if (!joined)
		(void)fprintf(stderr, "conserver does not let in: %s\n", line);
	return joined && fcntl(p->fd, F_SETFL, O_NONBLOCK) == 0;
}

/* --- the flood --- */

static int type_first(struct fan *fan, const char *text)
{
	(void)fan;
	return put(&conservers.peers[0], text) ? 0 : -1;
}

/* All that is there; a TLS record may be there in part. */
static bool read_viewer(size_t number)
{
	struct peer *p = &conservers.peers[number];
	char buffer[65536];
	long n = take(p, buffer, sizeof(buffer));

	while (n > 0) {
		fan_take(&conservers.fan.viewers[number], buffer, (size_t)n);
		n = p->tls && SSL_pending(p->tls) ? take(p, buffer, sizeof(buffer)) : -1;
	}
	return n < 0;
}

static int wait_any(struct fan *fan, int timeout_ms)
{
	size_t i;
	int n = poll(conservers.fds, fan->count, timeout_ms);

	for (i = 0; n > 0 && i < fan->count; i++) {
		if (conservers.fds[i].revents && !read_viewer(i))
			return -1;
	}
	return n;
}

static bool join_all(unsigned long port)
{
	size_t i;

	for (i = 0; i < conservers.fan.count; i++) {
		if (!join(&conservers.peers[i], port))
			return false;
		conservers.fds[i] = (struct pollfd){.fd = conservers.peers[i].fd, .events = POLLIN};
	}
	return true;
}

/* Without a certificate, as Debian's conserver comes. */
static bool prepare_tls(void)
{
	conservers.tls = SSL_CTX_new(TLS_client_method());
	return conservers.tls &&
	       SSL_CTX_set_cipher_list(conservers.tls, "ALL:aNULL:@SECLEVEL=0") == 1;
}

int probe_conserver(int argc, char **argv)
{
	size_t i, count;
	int r = -1;

	if (argc != 6)
		return 64;
	conservers.console = argv[3];
	count = strtoul(argv[4], NULL, 10);
	if (count < 1 || count > FAN_MAX || fan_init(&conservers.fan, count) < 0)
		return 64;
	conservers.fan.type = type_first;
	conservers.fan.wait = wait_any;
	for (i = 0; i < count; i++)
		conservers.peers[i].fd = -1;
	if ((strcmp(argv[1], "tls") != 0 || prepare_tls()) && join_all(strtoul(argv[2], NULL, 10)))
		r = fan_run(&conservers.fan, strtoull(argv[5], NULL, 10));
	for (i = 0; i < count; i++)
		hang_up(&conservers.peers[i]);
	SSL_CTX_free(conservers.tls);
	fan_finish(&conservers.fan);
	return r < 0;
}
