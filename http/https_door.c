/* Task: the https door: its connections, their settings and their end. Owner: main. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <jansson.h>

#include "core/log.h"
#include "http/connection.h"
#include "http/download.h"
#include "http/https_door.h"

#define STOP_US (CONNECTION_FLUSH_US + LOOP_SECOND)

struct https_door {
	struct http_context context;
	struct loop_timer *stop_timer;
	bool stopping;
};

static void on_closed(void *arg)
{
	struct https_door *door = arg;

	if (door->stopping && TAILQ_EMPTY(&door->context.connections))
		loop_timer_set(door->stop_timer, 0, 0);
}

static void on_stopped(void *arg)
{
	struct https_door *door = arg;

	door_exit(door->context.loop);
}

static void on_stop(void *arg)
{
	struct https_door *door = arg;
	struct connection *c, *next;

	door->stopping = true;
	loop_timer_set(door->stop_timer, TAILQ_EMPTY(&door->context.connections) ? 0 : STOP_US, 0);
	for (c = TAILQ_FIRST(&door->context.connections); c; c = next) {
		next = connection_next(c);
		connection_say_goodbye(c);
	}
}

static void on_settings(void *arg, const struct wire_settings *settings,
	const unsigned char *banner, size_t banner_len)
{
	struct https_door *door = arg;

	door->context.settings = *settings;
}

static void on_keys(void *arg, int keys_fd)
{
	struct https_door *door = arg;

	/* The broker has looked at them. */
	if (door->context.tls && tls_renew(door->context.tls, keys_fd) < 0)
		log_error("the new key and certificate cannot be used: those before stay");
}

static void on_connection(void *arg, const struct wire_new *head, int socket_fd, int login_fd)
{
	struct https_door *door = arg;

	if (connection_create(&door->context, head, socket_fd, login_fd) < 0)
		log_error("no memory for connection c%llu", (unsigned long long)head->id);
}

/* Where all is plain there are none. */
static bool has_keys(int keys_fd)
{
	struct stat st;

	return fstat(keys_fd, &st) < 0 || st.st_size > 0;
}

static int prepare(void *arg, int keys_fd)
{
	struct https_door *door = arg;

	unsigned seed = 0;

	/* By itself it would open a device for this, in the sandbox. */
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return -EIO;
	json_object_seed(seed | 1);
	TAILQ_INIT(&door->context.connections);
	door->context.closed = on_closed;
	door->context.arg = door;
	return has_keys(keys_fd) ? tls_server_create(keys_fd, &door->context.tls) : 0;
}

static int begin(void *arg, struct loop *loop)
{
	struct https_door *door = arg;

	door->context.loop = loop;
	if (job_pool_create(loop, "files", DOWNLOAD_THREADS, DOWNLOAD_JOBS, &door->context.jobs) <
		0)
		return -ENOMEM;
	return loop_timer_add(loop, &door->stop_timer, on_stopped, door);
}

/* The filter of the sandbox lets none be made later. */
static int make_threads(void *arg)
{
	struct https_door *door = arg;

	return job_pool_man(door->context.jobs);
}

void https_door_main(const struct door_options *options)
{
	static struct https_door door;
	static const struct door_ops ops = {.name = "https",
		.prepare = prepare,
		.begin = begin,
		.threads = make_threads,
		.settings = on_settings,
		.keys = on_keys,
		.connection = on_connection,
		.stop = on_stop};

	door_run(options, &ops, &door);
}
