/* Task: see dmesg_worker.h. Owner: main. Knows its jobs only as a list. */
#include "worker/dmesg_job.h"
#include "worker/dmesg_worker.h"
#include "worker/worker_process.h"

static int begin(void *arg, struct loop *loop)
{
	struct dmesg_job_owner *owner = arg;

	owner->loop = loop;
	LIST_INIT(&owner->jobs);
	return 0;
}

static int on_job(void *arg, int fd)
{
	return dmesg_job_create(arg, fd);
}

void dmesg_worker_main(const struct door_options *options)
{
	static struct dmesg_job_owner owner;
	static const struct worker_role role = {
		.name = "dmesg worker", .begin = begin, .job = on_job};

	worker_process_run(options, &role, &owner);
}
