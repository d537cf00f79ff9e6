/* Addresses to listen on: HOST:PORT, or a unix socket. Pure. */
#ifndef CONFIG_LISTEN_ADDRESS_H
#define CONFIG_LISTEN_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

#define CONFIG_ADDRESS_TEXT_MAX 120

struct config_address {
	struct sockaddr_storage sa; /* AF_INET, AF_INET6 or AF_UNIX */
	socklen_t sa_len;
	char text[CONFIG_ADDRESS_TEXT_MAX]; /* as [HOST]:PORT, HOST:PORT or unix:PATH, normalised */
};

/*
 * 127.0.0.1:2222, [::1]:2222, *:2222 (every address: the same as [::]:2222). No names and no
 * zones. Port 0 lets the kernel choose one. unix:/PATH too. 0 or -EINVAL.
 */
int config_address_parse(const char *text, struct config_address *out)
	__attribute__((warn_unused_result));

/* An absolute path, as the address of a unix socket. 0 or -EINVAL. */
int config_path_parse(const char *path, struct sockaddr_storage *out, socklen_t *len)
	__attribute__((warn_unused_result));

/* Whether nobody but this host can connect to it: a unix socket, or an address of the loopback. */
bool config_address_is_local(const struct sockaddr_storage *sa);

#endif
