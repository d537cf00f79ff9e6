/* Task: see screen_worker.h. Owner: main. */
#include "worker/screen_job.h"
#include "worker/screen_worker.h"
#include "worker/worker_process.h"

static int begin(void *arg, struct loop *loop)
{
	struct loop **out = arg;

	*out = loop;
	return 0;
}

static int on_job(void *arg, int fd)
{
	struct loop **loop = arg;

	return screen_job_create(*loop, fd);
}

void screen_worker_main(const struct door_options *options)
{
	static struct loop *loop;
	static const struct worker_role role = {
		.name = "screen worker", .begin = begin, .job = on_job};

	worker_process_run(options, &role, &loop);
}
