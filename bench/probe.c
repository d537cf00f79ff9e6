/*
 * Task: choose the measurement, and what all have in common. Owner: bench/run.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "probe.h"

uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

long read_within(int fd, void *buffer, size_t size, int timeout_ms)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	ssize_t n;

	if (poll(&wait, 1, timeout_ms) <= 0)
		return -ETIME;
	n = read(fd, buffer, size);
	/* EIO: a pty whose other end is gone */
	return n >= 0 ? n : errno == EIO ? 0 : -errno;
}

int write_all(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		struct pollfd wait = {.fd = fd, .events = POLLOUT};
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno != EAGAIN)
			return -errno;
		if (n < 0 && poll(&wait, 1, 5000) != 1)
			return -ETIME;
		if (n > 0) {
			at += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} parts[] = {{"connect", probe_connect}, {"echo", probe_echo}, {"flood", probe_flood},
		{"handshakes", probe_handshakes}, {"viewers", probe_viewers},
		{"conserver", probe_conserver}, {"source", probe_source},
		{"encrypt", probe_encrypt}};
	size_t i;

	for (i = 0; argc > 1 && i < sizeof(parts) / sizeof(*parts); i++) {
		if (strcmp(argv[1], parts[i].name) == 0)
			return parts[i].run(argc - 1, argv + 1);
	}
	(void)fprintf(stderr, "usage: probe PART ..., see bench/probe.h\n");
	return 64;
}
