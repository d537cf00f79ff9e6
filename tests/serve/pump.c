/* Task: move bytes between standard input and output and a server. Holds at most one buffer. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/io.h"
#include "pump.h"

#define SCRATCH 65536

struct pump {
	struct loop *loop;
	struct pump_server of;
	struct loop_io *in, *out;
	uint8_t scratch[SCRATCH];
	size_t begin, end; /* read, and not yet taken */
	bool eof, gone;    /* the client's end; the client itself */
};

static void move_in(struct pump *io)
{
	while (io->of.wants_input(io->of.server)) {
		ssize_t n;

		if (io->begin < io->end) {
			io->begin += io->of.input(
				io->of.server, io->scratch + io->begin, io->end - io->begin);
			continue;
		}
		if (io->eof) {
			io->of.input_ends(io->of.server);
			return;
		}
		n = read(STDIN_FILENO, io->scratch, sizeof(io->scratch));
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		io->begin = 0;
		io->end = n > 0 ? (size_t)n : 0;
		io->eof = n <= 0;
	}
}

static void move_out(struct pump *io)
{
	const uint8_t *data;
	size_t len;

	while ((len = io->of.output(io->of.server, &data)) > 0) {
		ssize_t n = write(STDOUT_FILENO, data, len);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0 && errno != EINTR) {
			io->gone = true;
			return;
		}
		if (n > 0)
			io->of.sent(io->of.server, (size_t)n);
	}
}

void pump_move(void *arg)
{
	struct pump *io = arg;
	const uint8_t *data;
	size_t left;

	move_in(io);
	move_out(io);
	move_in(io);
	left = io->of.output(io->of.server, &data);
	loop_io_set(io->in, io->of.wants_input(io->of.server) && !io->eof ? EPOLLIN : 0);
	loop_io_set(io->out, left ? EPOLLOUT : 0);
	if (io->gone || io->of.finished(io->of.server))
		loop_exit(io->loop, 0);
}

static void on_ready(void *arg, uint32_t revents)
{
	pump_move(arg);
}

struct pump *pump_create(struct loop *loop, const struct pump_server *server)
{
	struct pump *io = calloc(1, sizeof(*io));

	if (!io)
		return NULL;
	io->loop = loop;
	io->of = *server;
	if (fd_nonblock(STDIN_FILENO) < 0 || fd_nonblock(STDOUT_FILENO) < 0 ||
		loop_io_add(loop, &io->in, STDIN_FILENO, EPOLLIN, on_ready, io) < 0 ||
		loop_io_add(loop, &io->out, STDOUT_FILENO, 0, on_ready, io) < 0)
		pump_destroy(&io);
	return io;
}

void pump_destroy(struct pump **out)
{
	struct pump *io = *out;

	*out = NULL;
	if (!io)
		return;
	loop_io_del(&io->in);
	loop_io_del(&io->out);
	free(io);
}
