/* What the SFTP server and scp need of their owner. */
#ifndef SSHD_SFTP_CONFIG_H
#define SSHD_SFTP_CONFIG_H

#include "core/job.h"
#include "sshd/sftp/tree.h"

struct sftp_config {
	const struct tree_ops *tree;
	void *tree_arg;
	/* For files that are not in memory. Its queue has room for SFTPD_JOBS_MAX jobs of each
	 * server, one of each scp: a full one makes reading fail. Outlives them. */
	struct job_pool *jobs;
	const char *home; /* where relative paths begin: absolute and normal; NULL: "/" */
	const char *user; /* whose home-directory may be asked for by name; NULL: nobody's */
	/* A thread has finished: there may be output, and room for input. The server must not be
	 * destroyed inside. */
	void (*wake)(void *arg);
	void *wake_arg;
};

#endif
