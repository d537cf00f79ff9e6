/* Task: see match_worker.h. Owner: main. Knows its jobs only as a list. */
#include <malloc.h>

#include "worker/match_job.h"
#include "worker/match_worker.h"
#include "worker/worker_process.h"

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

static int begin(void *arg, struct loop *loop)
{
	struct match_job_owner *owner = arg;

	owner->loop = loop;
	LIST_INIT(&owner->jobs);
	owner->ended = on_ended;
	owner->arg = owner;
	return match_room_create(&owner->room);
}

static int on_job(void *arg, int fd)
{
	return match_job_create(arg, fd);
}

void match_worker_main(const struct door_options *options)
{
	static struct match_job_owner owner;
	static const struct worker_role role = {
		.name = "match worker", .begin = begin, .job = on_job};

	worker_process_run(options, &role, &owner);
}
