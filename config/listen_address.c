/* HOST:PORT, or unix:/PATH, to a socket address. Pure: numbers only, no look-up. */
#include "config/listen_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "config/values.h"

#define PORT_MAX 65535

static int parse_port(const char *text, uint16_t *port)
{
	uint64_t number;

	if (value_number(text, &number) < 0 || number > PORT_MAX)
		return -EINVAL;
	*port = (uint16_t)number;
	return 0;
}

static int parse_v4(const char *host, uint16_t port, struct config_address *out)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(port)};
	char text[INET_ADDRSTRLEN];

	if (inet_pton(AF_INET, host, &sa.sin_addr) != 1)
		return -EINVAL;
	memcpy(&out->sa, &sa, sizeof(sa));
	out->sa_len = sizeof(sa);
	inet_ntop(AF_INET, &sa.sin_addr, text, sizeof(text));
	snprintf(out->text, sizeof(out->text), "%s:%u", text, port);
	return 0;
}

static int parse_v6(const char *host, uint16_t port, struct config_address *out)
{
	struct sockaddr_in6 sa = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	char text[INET6_ADDRSTRLEN];

	if (inet_pton(AF_INET6, host, &sa.sin6_addr) != 1)
		return -EINVAL;
	memcpy(&out->sa, &sa, sizeof(sa));
	out->sa_len = sizeof(sa);
	inet_ntop(AF_INET6, &sa.sin6_addr, text, sizeof(text));
	snprintf(out->text, sizeof(out->text), "[%s]:%u", text, port);
	return 0;
}

int config_path_parse(const char *path, struct sockaddr_storage *out, socklen_t *len)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	if (*path != '/' || strlen(path) >= sizeof(sa.sun_path))
		return -EINVAL;
	memcpy(sa.sun_path, path, strlen(path) + 1);
	memcpy(out, &sa, sizeof(sa));
	*len = sizeof(sa);
	return 0;
}

static int parse_unix(const char *path, struct config_address *out)
{
	int r = config_path_parse(path, &out->sa, &out->sa_len);

	if (r == 0)
		snprintf(out->text, sizeof(out->text), "unix:%s", path);
	return r;
}

bool config_address_is_local(const struct sockaddr_storage *sa)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct sockaddr_in four;
	struct sockaddr_in6 six;

	memcpy(&four, sa, sizeof(four));
	memcpy(&six, sa, sizeof(six));
	if (sa->ss_family == AF_INET)
		return ntohl(four.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	if (sa->ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&six.sin6_addr) ||
		       (memcmp(&six.sin6_addr, mapped, sizeof(mapped)) == 0 &&
			       six.sin6_addr.s6_addr[12] == IN_LOOPBACKNET);
	return sa->ss_family == AF_UNIX;
}

int config_address_parse(const char *text, struct config_address *out)
{
	char host[INET6_ADDRSTRLEN];
	struct config_address address = {0};
	const char *colon = strrchr(text, ':');
	size_t len;
	uint16_t port;
	int rc;

	if (strncmp(text, "unix:", 5) == 0) {
		rc = parse_unix(text + 5, &address);
		if (rc == 0)
			*out = address;
		return rc;
	}
	if (!colon || parse_port(colon + 1, &port) < 0)
		return -EINVAL;
	len = (size_t)(colon - text);
	if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
		if (len - 2 >= sizeof(host))
			return -EINVAL;
		memcpy(host, text + 1, len - 2);
		host[len - 2] = '\0';
		rc = parse_v6(host, port, &address);
	} else if (len == 1 && text[0] == '*') {
		rc = parse_v6("::", port, &address);
	} else {
		if (len >= sizeof(host))
			return -EINVAL;
		memcpy(host, text, len);
		host[len] = '\0';
		rc = parse_v4(host, port, &address);
	}
	if (rc == 0)
		*out = address;
	return rc;
}
