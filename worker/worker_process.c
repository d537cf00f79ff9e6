/* Task: see worker_process.h. Owner: main. */
#include <string.h>
#include <sys/resource.h>

#include "core/log.h"
#include "worker/worker_process.h"

struct process {
	const struct worker_role *role;
	void *arg;
	struct loop *loop;
};

static int prepare(void *arg, int keys_fd)
{
	struct process *p = arg;

	(void)setpriority(PRIO_PROCESS, 0, WORKER_NICE);
	return p->role->prepare ? p->role->prepare(p->arg, keys_fd) : 0;
}

static void on_keys(void *arg, int keys_fd)
{
	struct process *p = arg;

	p->role->keys(p->arg, keys_fd);
}

static int begin(void *arg, struct loop *loop)
{
	struct process *p = arg;

	p->loop = loop;
	return p->role->begin(p->arg, loop);
}

static void on_settings(void *arg, const struct wire_settings *settings,
	const unsigned char *banner, size_t banner_len)
{
}

static void on_task(void *arg, int job_fd)
{
	struct process *p = arg;
	int r = p->role->job(p->arg, job_fd);

	if (r < 0)
		log_error("cannot begin a job: %s", strerror(-r));
}

static void on_stop(void *arg)
{
	struct process *p = arg;

	door_exit(p->loop);
}

void worker_process_run(
	const struct door_options *options, const struct worker_role *role, void *arg)
{
	struct process process = {.role = role, .arg = arg};
	const struct door_ops ops = {.name = role->name,
		.prepare = prepare,
		.begin = begin,
		.settings = on_settings,
		.keys = role->keys ? on_keys : NULL,
		.task = on_task,
		.stop = on_stop};

	door_run(options, &ops, &process);
}
