/* Task: see dmesg_worker.h. Owner: main. Knows its jobs only as a list. */
#include <string.h>
#include <sys/resource.h>

#include "core/log.h"
#include "worker/dmesg_job.h"
#include "worker/dmesg_worker.h"

static int prepare(void *arg, int keys_fd)
{
	struct dmesg_job_owner *owner = arg;

	(void)setpriority(PRIO_PROCESS, 0, DMESG_WORKER_NICE);
	LIST_INIT(&owner->jobs);
	return 0;
}

static int begin(void *arg, struct loop *loop)
{
	struct dmesg_job_owner *owner = arg;

	owner->loop = loop;
	return 0;
}

static void on_settings(void *arg, const struct wire_settings *settings,
	const unsigned char *banner, size_t banner_len)
{
}

static void on_task(void *arg, int job_fd)
{
	int r = dmesg_job_create(arg, job_fd);

	if (r < 0)
		log_error("cannot begin a job: %s", strerror(-r));
}

static void on_stop(void *arg)
{
	struct dmesg_job_owner *owner = arg;

	door_exit(owner->loop);
}

void dmesg_worker_main(const struct door_options *options)
{
	static struct dmesg_job_owner owner;
	static const struct door_ops ops = {.name = "dmesg worker",
		.prepare = prepare,
		.begin = begin,
		.settings = on_settings,
		.task = on_task,
		.stop = on_stop};

	door_run(options, &ops, &owner);
}
