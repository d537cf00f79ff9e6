/* Task: see endpoint.h. Owner: the broker. Knows no login. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker/listen/endpoint.h"
#include "core/log.h"

struct endpoint {
	struct endpoint_options o;
	struct supervisor *door;
	struct listener *listener;
	enum door_service service;
	int has_served;    /* the door has been ready once */
	unsigned failures; /* before that */
	int paused;        /* for good */
};

static void update(struct endpoint *e)
{
	if (!e->listener || e->paused)
		return;
	if (e->service == DOOR_RESTARTS)
		listener_pause(e->listener);
	else
		listener_resume(e->listener);
}

static void on_changed(void *arg, enum door_service service)
{
	struct endpoint *e = arg;

	e->service = service;
	update(e);
	switch (service) {
	case DOOR_SERVES:
		e->has_served = 1;
		e->o.ready(e->o.arg);
		break;
	case DOOR_RESTARTS:
		break;
	case DOOR_FAILS:
		if (e->has_served || ++e->failures < ENDPOINT_TRIES)
			break;
		log_error("the %s door does not start: vmconsoled ends", e->o.door.kind);
		e->o.hopeless(e->o.arg);
		break;
	}
}

static void on_stopped(void *arg)
{
	struct endpoint *e = arg;

	e->o.stopped(e->o.arg);
}

int endpoint_create(const struct endpoint_options *options, struct endpoint **out)
{
	struct endpoint *e = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return -ENOMEM;
	e->o = *options;
	e->o.door.changed = on_changed;
	e->o.door.stopped = on_stopped;
	e->o.door.arg = e;
	e->service = DOOR_RESTARTS;
	r = supervisor_create(&e->o.door, &e->door);
	if (r < 0) {
		log_error("cannot make the %s door: %s", options->door.kind, strerror(-r));
		free(e);
		return r;
	}
	*out = e;
	return 0;
}

void endpoint_destroy(struct endpoint **pointer)
{
	struct endpoint *e = *pointer;

	if (!e)
		return;
	*pointer = NULL;
	listener_destroy(&e->listener);
	supervisor_destroy(&e->door);
	free(e);
}

int endpoint_listen(struct endpoint *e, listener_fn accepted, void *arg)
{
	const struct listener_options options = {.loop = e->o.door.loop,
		.name = e->o.door.kind,
		.addresses = e->o.listen,
		.accepted = accepted,
		.arg = arg};
	char why[LISTENER_WHY_MAX];
	int r = listener_create(&options, &e->listener, why);

	if (r < 0) {
		log_error("%s", why);
		return r;
	}
	for (size_t i = 0; i < listener_count(e->listener); i++)
		log_info("listening for %s on %s", e->o.door.kind, listener_text(e->listener, i));
	update(e);
	return 0;
}

struct supervisor *endpoint_door(const struct endpoint *e)
{
	return e->door;
}

void endpoint_pause(struct endpoint *e)
{
	e->paused = 1;
	if (e->listener)
		listener_pause(e->listener);
}

void endpoint_stop(struct endpoint *e)
{
	supervisor_stop(e->door);
}
