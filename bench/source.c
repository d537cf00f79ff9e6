/*
 * Task: a guest's unix socket that prints as fast as it is told to, where an emulated UART is too
 * slow. Owner: bench/run.
 *
 * It takes the place of a running guest's socket, and answers "pat N" as the test guest does. What
 * stands behind the rate is for vmconsoled, which looks whether a guest's process is named there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lines.h"
#include "probe.h"

#define PIECE_LINES 64 /* 4 KiB, as much as a virtio console is given at once */

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, path, strlen(path));
	(void)unlink(path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1) < 0)
		return -1;
	return fd;
}

static void sleep_until(uint64_t ns)
{
	struct timespec at = {
		.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};

	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

static int print_lines(int fd, uint64_t count, uint64_t rate)
{
	char piece[PIECE_LINES * LINE + 1];
	uint64_t begun = now_ns(), number = 0;

	while (number < count) {
		size_t i, some = count - number < PIECE_LINES ? count - number : PIECE_LINES;

		for (i = 0; i < some; i++)
			lines_pattern(piece + i * LINE, number + i);
		sleep_until(begun + number * LINE * 1000000000 / rate);
		if (write_all(fd, piece, some * LINE) < 0)
			return -1;
		number += some;
	}
	return 0;
}

/* Until the reader has gone. */
static void serve(int fd, uint64_t rate)
{
	char command[256];
	size_t len = 0;

	while (read(fd, command + len, 1) == 1) {
		if (command[len] == '\r') {
			command[len] = 0;
			if (strncmp(command, "pat ", 4) == 0 &&
				print_lines(fd, strtoull(command + 4, NULL, 10), rate) < 0)
				return;
			len = 0;
		} else if (len < sizeof(command) - 1) {
			len++;
		}
	}
}

int probe_source(int argc, char **argv)
{
	int fd, client;

	if (argc != 5 || strcmp(argv[3], "-uuid") != 0)
		return 64;
	fd = listen_at(argv[1]);
	if (fd < 0)
		return 1;
	(void)puts("ready");
	(void)fflush(stdout);
	while ((client = accept(fd, NULL, NULL)) >= 0) {
		serve(client, strtoull(argv[2], NULL, 10));
		(void)close(client);
	}
	return 1;
}
