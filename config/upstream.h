/* Where requests are forwarded to: http://ADDRESS:PORT or unix:/PATH. Pure. */
#ifndef CONFIG_UPSTREAM_H
#define CONFIG_UPSTREAM_H

#include <sys/socket.h>

#define UPSTREAM_WHY_MAX 160

struct config_upstream {
	struct sockaddr_storage sa; /* AF_INET, AF_INET6 or AF_UNIX */
	socklen_t sa_len;
};

/* Numbers only: nothing is looked up. 0, or -EINVAL and what is to be written instead in why. */
int config_upstream_parse(const char *text, struct config_upstream *out, char why[UPSTREAM_WHY_MAX])
	__attribute__((warn_unused_result));

#endif
