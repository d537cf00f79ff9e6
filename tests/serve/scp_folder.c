/*
 * Serves a folder with scp's old protocol on standard input and output: `scp_folder ROOT COMMAND`,
 * where COMMAND is what the client asks a server to run. With a program of a few lines in the place
 * of ssh, `scp -O -S PROGRAM` can be tried without it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "folder.h"
#include "pump.h"
#include "sshd/scp/scp.h"

struct program {
	struct loop *loop;
	struct job_pool *jobs;
	struct folder *folder;
	struct scp *server;
	struct pump *pump;
};

static size_t input(void *server, const void *data, size_t len)
{
	return scp_input(server, data, len);
}
static bool wants_input(const void *server)
{
	return scp_wants_input(server);
}
static void input_ends(void *server)
{
	scp_input_ends(server);
}
static size_t output(const void *server, const uint8_t **data)
{
	return scp_output(server, data);
}
static void sent(void *server, size_t len)
{
	scp_sent(server, len);
}
static bool finished(const void *server)
{
	return scp_finished(server);
}

static int on_answer(void *arg, uint32_t question, const struct tree_answer *answer)
{
	struct program *p = arg;
	int r = scp_answer(p->server, question, answer);

	pump_move(p->pump);
	return r;
}

static void on_wake(void *arg)
{
	struct program *p = arg;

	pump_move(p->pump);
}

static int start(struct program *p, const struct folder_options *options, const char *command)
{
	struct sftp_config config = {.home = "/", .wake = on_wake, .wake_arg = p};
	struct pump_server of = {NULL, input, wants_input, input_ends, output, sent, finished};
	int r;

	p->loop = loop_create();
	p->folder = p->loop ? folder_create(p->loop, options, on_answer, p) : NULL;
	if (!p->folder)
		return -errno;
	r = job_pool_create(p->loop, "files", 1, 1, &p->jobs);
	if (r)
		return r;
	config.tree = folder_ops(p->folder);
	config.tree_arg = p->folder;
	config.jobs = p->jobs;
	r = scp_create(&config, command, strlen(command), &p->server);
	if (r)
		return r;
	of.server = p->server;
	p->pump = pump_create(p->loop, &of);
	if (!p->pump)
		return -EINVAL;
	pump_move(p->pump); /* a refusal does not wait for the client */
	return 0;
}

static void finish(struct program *p)
{
	pump_destroy(&p->pump);
	scp_destroy(&p->server);
	job_pool_destroy(&p->jobs, LOOP_SECOND);
	if (p->folder)
		folder_silence(p->folder);
	if (p->loop)
		loop_destroy(p->loop);
	folder_destroy(&p->folder);
}

static void usage(void)
{
	fprintf(stderr, "usage: scp_folder [-ea] ROOT COMMAND\n"
			"-a: files have no descriptors; -e: tells what it does\n");
	exit(64);
}

int main(int argc, char **argv)
{
	struct folder_options options = {0};
	struct program p = {0};
	int c, r;

	while ((c = getopt(argc, argv, "ea")) >= 0) {
		if (c == 'e')
			options.talks = true;
		else if (c == 'a')
			options.reads = true;
		else
			usage();
	}
	if (argc - optind != 2)
		usage();
	options.root = argv[optind];
	if (loop_block_signals() < 0)
		return 70;
	r = start(&p, &options, argv[optind + 1]);
	if (r == 0)
		r = loop_run(p.loop);
	if (r < 0)
		fprintf(stderr, "scp_folder: %s\n", strerror(-r));
	else if (scp_failure(p.server))
		fprintf(stderr, "scp_folder: %s\n", scp_failure(p.server));
	if (r == 0)
		r = scp_status(p.server);
	finish(&p);
	return r == 0 ? 0 : 1;
}
