/*
 * Serves a folder with the SFTP server on standard input and output, as sftp-server(8) does, so
 * that clients can be tried without ssh: `sftp -D sftp_folder`.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "folder.h"
#include "pump.h"
#include "sshd/sftp/sftpd.h"

#define JOBS 4

struct program {
	struct loop *loop;
	struct job_pool *jobs;
	struct folder *folder;
	struct sftpd *server;
	struct pump *pump;
};

static size_t input(void *server, const void *data, size_t len)
{
	return sftpd_input(server, data, len);
}
static bool wants_input(const void *server)
{
	return sftpd_wants_input(server);
}
static void input_ends(void *server)
{
	sftpd_input_ends(server);
}
static size_t output(const void *server, const uint8_t **data)
{
	return sftpd_output(server, data);
}
static void sent(void *server, size_t len)
{
	sftpd_sent(server, len);
}
static bool finished(const void *server)
{
	return sftpd_finished(server);
}

static int on_answer(void *arg, uint32_t question, const struct tree_answer *answer)
{
	struct program *p = arg;
	int r = sftpd_answer(p->server, question, answer);

	pump_move(p->pump);
	return r;
}

static void on_wake(void *arg)
{
	struct program *p = arg;

	pump_move(p->pump);
}

static int start(struct program *p, const struct folder_options *options, const char *home)
{
	struct sftp_config config = {
		.tree_arg = NULL, .home = home, .wake = on_wake, .wake_arg = p};
	struct pump_server of = {NULL, input, wants_input, input_ends, output, sent, finished};
	int r;

	p->loop = loop_create();
	p->folder = p->loop ? folder_create(p->loop, options, on_answer, p) : NULL;
	if (!p->folder)
		return -errno;
	r = job_pool_create(p->loop, "files", JOBS, SFTPD_JOBS_MAX, &p->jobs);
	if (r)
		return r;
	config.tree = folder_ops(p->folder);
	config.tree_arg = p->folder;
	config.jobs = p->jobs;
	r = sftpd_create(&config, &p->server);
	if (r)
		return r;
	of.server = p->server;
	p->pump = pump_create(p->loop, &of);
	return p->pump ? 0 : -EINVAL;
}

static void finish(struct program *p)
{
	pump_destroy(&p->pump);
	sftpd_destroy(&p->server);
	job_pool_destroy(&p->jobs, LOOP_SECOND);
	if (p->folder)
		folder_silence(p->folder);
	if (p->loop)
		loop_destroy(p->loop);
	folder_destroy(&p->folder);
}

static void usage(void)
{
	fprintf(stderr, "usage: sftp_folder [-eRaw] [-l LEVEL] [-C ROOT] [-d HOME]\n"
			"-a: files have no descriptors; -w: may remove; -e: tells what it does\n"
			"-R and -l are there for those that call sftp-server(8)\n");
	exit(64);
}

int main(int argc, char **argv)
{
	struct folder_options options = {.root = "/"};
	struct program p = {0};
	const char *home = NULL;
	char *cwd = NULL;
	int c, r;

	while ((c = getopt(argc, argv, "eRawl:C:d:")) >= 0) {
		switch (c) {
		case 'e':
			options.talks = true;
			break;
		case 'a':
			options.reads = true;
			break;
		case 'w':
			options.removes = true;
			break;
		case 'C':
			options.root = optarg;
			home = home ? home : "/";
			break;
		case 'd':
			home = optarg;
			break;
		case 'R':
		case 'l':
			break;
		default:
			usage();
		}
	}
	if (loop_block_signals() < 0)
		return 70;
	cwd = getcwd(NULL, 0);
	r = start(&p, &options, home ? home : cwd);
	if (r == 0)
		r = loop_run(p.loop);
	if (p.server && sftpd_failure(p.server)) {
		fprintf(stderr, "sftp_folder: %s\n", sftpd_failure(p.server));
		r = 1;
	}
	if (r < 0)
		fprintf(stderr, "sftp_folder: %s\n", strerror(-r));
	finish(&p);
	free(cwd);
	return r == 0 ? 0 : 1;
}
