/* Task: see match_worker.h. Owner: main. Knows its jobs only as a list. */
#include <malloc.h>
#include <string.h>
#include <sys/resource.h>

#include "core/log.h"
#include "worker/match_job.h"
#include "worker/match_worker.h"

/* What backtracking once needed is kept for the next search, and goes with the last job. */
static void on_ended(void *arg)
{
	struct match_job_owner *owner = arg;
	struct match_room *fresh;

	if (!LIST_EMPTY(&owner->jobs) || match_room_create(&fresh) < 0)
		return;
	match_room_destroy(&owner->room);
	owner->room = fresh;
	malloc_trim(0);
}

static int prepare(void *arg, int keys_fd)
{
	struct match_job_owner *owner = arg;

	(void)setpriority(PRIO_PROCESS, 0, MATCH_WORKER_NICE);
	LIST_INIT(&owner->jobs);
	owner->ended = on_ended;
	owner->arg = owner;
	return match_room_create(&owner->room);
}

static int begin(void *arg, struct loop *loop)
{
	struct match_job_owner *owner = arg;

	owner->loop = loop;
	return 0;
}

static void on_settings(void *arg, const struct wire_settings *settings,
	const unsigned char *banner, size_t banner_len)
{
}

static void on_task(void *arg, int job_fd)
{
	int r = match_job_create(arg, job_fd);

	if (r < 0)
		log_error("cannot begin a job: %s", strerror(-r));
}

static void on_stop(void *arg)
{
	struct match_job_owner *owner = arg;

	door_exit(owner->loop);
}

void match_worker_main(const struct door_options *options)
{
	static struct match_job_owner owner;
	static const struct door_ops ops = {.name = "match worker",
		.prepare = prepare,
		.begin = begin,
		.settings = on_settings,
		.task = on_task,
		.stop = on_stop};

	door_run(options, &ops, &owner);
}
