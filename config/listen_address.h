/* Addresses to listen on: HOST:PORT. Pure. */
#ifndef CONFIG_LISTEN_ADDRESS_H
#define CONFIG_LISTEN_ADDRESS_H

#include <sys/socket.h>

#define CONFIG_ADDRESS_TEXT_MAX 64

struct config_address {
	struct sockaddr_storage sa; /* AF_INET or AF_INET6 */
	socklen_t sa_len;
	char text[CONFIG_ADDRESS_TEXT_MAX]; /* as [HOST]:PORT or HOST:PORT, normalised */
};

/*
 * 127.0.0.1:2222, [::1]:2222, *:2222 (every address: the same as [::]:2222). No names and no
 * zones. Port 0 lets the kernel choose one. 0 or -EINVAL.
 */
int config_address_parse(const char *text, struct config_address *out)
	__attribute__((warn_unused_result));

#endif
