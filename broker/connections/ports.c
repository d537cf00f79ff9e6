/* Task: see ports.h. Owner: the broker. Knows no protocol but its name. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker/door/supervisor.h"
#include "broker/listen/listener.h"
#include "broker/connections/ports.h"
#include "broker/connections/sniffer.h"
#include "config/protocols.h"
#include "core/log.h"

struct port {
	struct sniffer *sniffer;
	struct listener *listener;
	const struct connections_port *ssh, *https; /* NULL: not here */
};

struct ports {
	struct ports_options o;
	struct port *list;
	size_t count;
	int stopped;
};

static int begin(struct ports *ports, const struct config_listen *from, struct port *port)
{
	struct sniffer_options options = {
		.loop = ports->o.loop, .all = ports->o.all, .timeout_us = from->sniff_timeout};
	char why[LISTENER_WHY_MAX] = "out of memory";
	int r;

	port->ssh = config_listen_has(from, "ssh") ? ports->o.ssh : NULL;
	port->https = config_listen_has(from, "https") ? ports->o.https : NULL;
	options.ssh = port->ssh;
	options.https = port->https;
	r = sniffer_create(&options, &port->sniffer);
	if (!r)
		r = listener_create(ports->o.loop, from->at.name, &from->address, sniffer_accept,
			port->sniffer, &port->listener, why);
	if (r < 0) {
		log_error("[listen %s]: %s", from->at.name, why);
		return r;
	}
	listener_pause(port->listener);
	for (size_t i = 0; i < listener_count(port->listener); i++)
		log_info("listening for %s%s%s on %s", port->ssh ? "ssh" : "",
			port->ssh && port->https ? " and " : "", port->https ? "https" : "",
			listener_text(port->listener, i));
	return 0;
}

int ports_create(const struct ports_options *options, struct ports **out)
{
	const struct config *config = options->config;
	struct ports *ports = calloc(1, sizeof(*ports));
	int r = 0;

	if (!ports)
		return -ENOMEM;
	ports->o = *options;
	ports->list = calloc(config->listen_count + 1, sizeof(*ports->list));
	if (!ports->list)
		r = -ENOMEM;
	for (size_t i = 0; i < config->listen_count && !r; i++) {
		ports->count++;
		r = begin(ports, &config->listens[i], &ports->list[i]);
	}
	if (r < 0) {
		ports_destroy(&ports);
		return r;
	}
	*out = ports;
	return 0;
}

static int serves(const struct connections_port *port)
{
	return !port || supervisor_serves(port->door);
}

void ports_doors_ready(struct ports *ports)
{
	for (size_t i = 0; i < ports->count && !ports->stopped; i++) {
		if (serves(ports->list[i].ssh) && serves(ports->list[i].https))
			listener_resume(ports->list[i].listener);
	}
}

void ports_stop(struct ports *ports)
{
	ports->stopped = 1;
	for (size_t i = 0; i < ports->count; i++) {
		if (ports->list[i].listener)
			listener_pause(ports->list[i].listener);
		sniffer_destroy(&ports->list[i].sniffer);
	}
}

void ports_destroy(struct ports **pointer)
{
	struct ports *ports = *pointer;

	*pointer = NULL;
	if (!ports)
		return;
	for (size_t i = 0; i < ports->count; i++) {
		listener_destroy(&ports->list[i].listener);
		sniffer_destroy(&ports->list[i].sniffer);
	}
	free(ports->list);
	free(ports);
}
