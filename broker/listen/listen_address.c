/* Task: see listen_address.h. No state. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "broker/listen/listen_address.h"

#define KEEPALIVE_IDLE_S 60
#define KEEPALIVE_INTERVAL_S 15
#define KEEPALIVE_COUNT 4
#define USER_TIMEOUT_MS 120000 /* data unacknowledged for so long: the peer is gone */

/* --- addresses --- */

uint16_t listen_address_port(const struct sockaddr_storage *a)
{
	struct sockaddr_in four;
	struct sockaddr_in6 six;

	memcpy(&four, a, sizeof(four));
	memcpy(&six, a, sizeof(six));
	if (a->ss_family == AF_INET)
		return ntohs(four.sin_port);
	return a->ss_family == AF_INET6 ? ntohs(six.sin6_port) : 0;
}

void listen_address_text(const struct sockaddr_storage *a, char out[LISTENER_PEER_MAX])
{
	char host[INET6_ADDRSTRLEN] = "?";
	struct sockaddr_in four;
	struct sockaddr_in6 six;
	struct sockaddr_un local;

	if (a->ss_family == AF_INET) {
		memcpy(&four, a, sizeof(four));
		inet_ntop(AF_INET, &four.sin_addr, host, sizeof(host));
		snprintf(out, LISTENER_PEER_MAX, "%s:%u", host, listen_address_port(a));
	} else if (a->ss_family == AF_INET6) {
		memcpy(&six, a, sizeof(six));
		inet_ntop(AF_INET6, &six.sin6_addr, host, sizeof(host));
		snprintf(out, LISTENER_PEER_MAX, "[%s]:%u", host, listen_address_port(a));
	} else if (a->ss_family == AF_UNIX) {
		memcpy(&local, a, sizeof(local));
		snprintf(out, LISTENER_PEER_MAX, *local.sun_path ? "unix:%.*s" : "a unix socket",
			(int)sizeof(local.sun_path), local.sun_path);
	} else {
		snprintf(out, LISTENER_PEER_MAX, "unknown");
	}
}

static bool is_any(const struct sockaddr_storage *a, sa_family_t family)
{
	struct sockaddr_in four;
	struct sockaddr_in6 six;

	if (a->ss_family != family)
		return false;
	memcpy(&four, a, sizeof(four));
	memcpy(&six, a, sizeof(six));
	return family == AF_INET ? four.sin_addr.s_addr == htonl(INADDR_ANY)
				 : !!IN6_IS_ADDR_UNSPECIFIED(&six.sin6_addr);
}

/* [::] takes IPv4 too, unless 0.0.0.0 with the same port is listed beside it. */
static bool wants_v6_only(const struct config_addresses *all, const struct config_address *one)
{
	size_t i;

	if (!is_any(&one->sa, AF_INET6))
		return true;
	for (i = 0; i < all->count; i++) {
		const struct sockaddr_storage *other = &all->items[i].sa;

		if (is_any(other, AF_INET) &&
			listen_address_port(other) == listen_address_port(&one->sa) &&
			listen_address_port(other) != 0)
			return true;
	}
	return false;
}

/* --- sockets --- */

static int set_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* Set on the listening socket: those it accepts inherit them, without system calls for each. */
int listen_set_inherited(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{IPPROTO_TCP, TCP_NODELAY, 1},
		{SOL_SOCKET, SO_KEEPALIVE, 1},
		{IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S},
		{IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S},
		{IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT},
		{IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS},
		/* Bounds what a stalled reader costs. SO_SNDBUF would bound it too, but with it the
		 * rate on long paths, where much is on its way. */
		{IPPROTO_TCP, TCP_NOTSENT_LOWAT, LISTENER_NOTSENT_MAX},
	};
	size_t i;
	int r = 0;

	for (i = 0; !r && i < sizeof(options) / sizeof(options[0]); i++)
		r = set_option(fd, options[i].level, options[i].name, options[i].value);
	return r;
}

static int bind_and_listen(int fd, const struct sockaddr_storage *sa, socklen_t len, int v6_only)
{
	int r = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);

	if (!r && sa->ss_family == AF_INET6)
		r = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, v6_only);
	if (!r && bind(fd, (const struct sockaddr *)sa, len) < 0)
		r = -errno;
	if (!r && listen(fd, LISTENER_BACKLOG) < 0)
		r = -errno;
	return r;
}

static int open_address(const struct config_addresses *all, const struct config_address *address)
{
	struct sockaddr_storage sa = address->sa;
	socklen_t len = address->sa_len;
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0 && errno == EAFNOSUPPORT && is_any(&sa, AF_INET6)) {
		/* A kernel without IPv6: every address is then every IPv4 address. */
		struct sockaddr_in four = {
			.sin_family = AF_INET, .sin_port = htons(listen_address_port(&sa))};

		memcpy(&sa, &four, sizeof(four));
		len = sizeof(four);
		fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	}
	if (fd < 0)
		return -errno;
	r = bind_and_listen(fd, &sa, len, wants_v6_only(all, address));
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

static void say(char why[LISTENER_WHY_MAX], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void say(char why[LISTENER_WHY_MAX], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, LISTENER_WHY_MAX, format, args);
	va_end(args);
}

static void say_cannot_listen(char why[LISTENER_WHY_MAX], const char *address, int error)
{
	switch (-error) {
	case EADDRINUSE:
		say(why, "cannot listen on %s: another program listens there; ss -ltnp shows which",
			address);
		break;
	case EACCES:
		say(why,
			"cannot listen on %s: this user may not use a port below 1024; the "
			"service needs AmbientCapabilities=CAP_NET_BIND_SERVICE, or another port",
			address);
		break;
	case EADDRNOTAVAIL:
		say(why, "cannot listen on %s: no interface has this address", address);
		break;
	default:
		say(why, "cannot listen on %s: %s", address, strerror(-error));
	}
}

int listen_address_open(const struct config_addresses *all, const struct config_address *address,
	char why[LISTENER_WHY_MAX])
{
	int fd = open_address(all, address);

	if (fd < 0)
		say_cannot_listen(why, address->text, fd);
	return fd;
}
