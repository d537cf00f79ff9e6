/* Task: see upstream_worker.h. Owner: main. Knows its connections only as a list. */
#include "core/log.h"
#include "worker/upstream_job.h"
#include "worker/upstream_worker.h"
#include "worker/worker_process.h"

static int prepare(void *arg, int keys_fd)
{
	struct upstream_job_owner *owner = arg;

	return tls_client_create(keys_fd, &owner->tls);
}

static void on_keys(void *arg, int keys_fd)
{
	struct upstream_job_owner *owner = arg;

	/* The broker has looked at them. */
	if (tls_renew(owner->tls, keys_fd) < 0)
		log_error("the new key and certificates cannot be used: those before stay");
}

static int begin(void *arg, struct loop *loop)
{
	struct upstream_job_owner *owner = arg;

	owner->loop = loop;
	return 0;
}

static int on_job(void *arg, int fd)
{
	return upstream_job_create(arg, fd);
}

void upstream_worker_main(const struct door_options *options)
{
	static struct upstream_job_owner owner;
	static const struct worker_role role = {.name = "upstream worker",
		.prepare = prepare,
		.begin = begin,
		.job = on_job,
		.keys = on_keys};

	worker_process_run(options, &role, &owner);
}
