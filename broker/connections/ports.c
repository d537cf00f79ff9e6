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
	const struct connections_port *ssh, *web; /* NULL: not here */
};

struct ports {
	struct ports_options o;
	struct port *list;
	size_t count;
	int stopped;
};

static int listen_for(struct ports *ports, const struct config_listen *from, struct port *port)
{
	const struct listener_options options = {.loop = ports->o.loop,
		.name = from->at.name,
		.addresses = &from->address,
		.group = from->group,
		.is_local = config_listen_has(from, "http"),
		.accepted = sniffer_accept,
		.arg = port->sniffer};
	char why[LISTENER_WHY_MAX];
	int r = listener_create(&options, &port->listener, why);

	if (r < 0)
		log_error("[listen %s]: %s", from->at.name, why);
	else
		listener_pause(port->listener);
	return r;
}

static int begin(struct ports *ports, const struct config_listen *from, struct port *port)
{
	const bool is_plain = config_listen_has(from, "http");
	struct sniffer_options options = {
		.loop = ports->o.loop, .all = ports->o.all, .timeout_us = from->sniff_timeout};
	int r;

	port->ssh = config_listen_has(from, "ssh") ? ports->o.ssh : NULL;
	if (config_listen_has(from, "https"))
		port->web = ports->o.https;
	if (is_plain)
		port->web = ports->o.http;
	options.ssh = port->ssh;
	options.web = port->web;
	r = sniffer_create(&options, &port->sniffer);
	if (r < 0)
		log_error("[listen %s]: out of memory", from->at.name);
	if (!r)
		r = listen_for(ports, from, port);
	for (size_t i = 0; !r && i < listener_count(port->listener); i++)
		log_info("listening for %s%s%s on %s", port->ssh ? "ssh" : "",
			port->ssh && port->web ? " and " : "",
			is_plain    ? "http"
			: port->web ? "https"
				    : "",
			listener_text(port->listener, i));
	return r;
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
		if (serves(ports->list[i].ssh) && serves(ports->list[i].web))
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
