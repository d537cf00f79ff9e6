/* A listening TCP socket of a configured address, and an address as text. */
#ifndef BROKER_LISTEN_LISTEN_ADDRESS_H
#define BROKER_LISTEN_LISTEN_ADDRESS_H

#include <stdint.h>
#include <sys/socket.h>

#include "broker/listen/listener.h"
#include "config/config.h"

/* One of all that are listened on: [::] takes IPv4 too, unless 0.0.0.0 with its port is another.
 * The descriptor; or -errno and one line in why. */
int listen_address_open(const struct config_addresses *all, const struct config_address *address,
	char why[LISTENER_WHY_MAX]) MUST_CHECK;

/* Options that the sockets it accepts inherit, without system calls for each. 0 or -errno. */
int listen_set_inherited(int fd) MUST_CHECK;

/* 0: it has none. */
uint16_t listen_address_port(const struct sockaddr_storage *a);
/* "192.0.2.1:4711", "[2001:db8::1]:4711". */
void listen_address_text(const struct sockaddr_storage *a, char out[LISTENER_PEER_MAX]);

#endif
