/* Where requests are forwarded to: http://ADDRESS:PORT, https://ADDRESS:PORT or unix:/PATH. Pure.
 */
#ifndef CONFIG_UPSTREAM_H
#define CONFIG_UPSTREAM_H

#include <stdbool.h>
#include <sys/socket.h>

#include "config/listen_address.h"

struct config;

#define UPSTREAM_WHY_MAX 192

struct config_upstream {
	struct sockaddr_storage sa; /* AF_INET, AF_INET6 or AF_UNIX */
	socklen_t sa_len;
	bool tls;
	char host[CONFIG_ADDRESS_TEXT_MAX]; /* the address without its port; "" of unix: */
};

/* Numbers only: nothing is looked up. 0, or -EINVAL and what is to be written instead in why. */
int config_upstream_parse(const char *text, struct config_upstream *out, char why[UPSTREAM_WHY_MAX])
	__attribute__((warn_unused_result));

/* Whether there is one, and it speaks TLS. */
bool config_upstream_has_tls(const struct config *c);

#endif
