/* Task: see socket_peer.h. Owner: the back end that opens. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>

#include "console/backend/socket_peer.h"
#include "core/io.h"

#define ARGUMENTS_MAX ((size_t)2 << 20) /* bytes of a command line */
#define LOGIN_UID_MIN 1000
#define LOGIN_UID_MAX 60000 /* as login.defs(5) has it; services with dynamic users lie above */

/* --- who --- */

int socket_peer_names(const char *arguments, size_t len, const struct uuid *uuid)
{
	const char *at = arguments, *end = arguments + len;
	int after = 0;

	while (at < end) {
		size_t n = strnlen(at, (size_t)(end - at));
		struct uuid found;

		if (after)
			return n == UUID_TEXT - 1 && at + n < end && uuid_parse(at, &found) == 0 &&
			       uuid_equal(&found, uuid);
		after = n == 5 && memcmp(at, "-uuid", 5) == 0;
		at += n + 1;
	}
	return 0;
}

/* Its own account, or one that nobody logs in to. */
static bool is_service(uid_t uid)
{
	return uid == geteuid() || uid < LOGIN_UID_MIN || uid > LOGIN_UID_MAX;
}

static int check_process(pid_t pid, const struct uuid *uuid, char text[SOCKET_TEXT_MAX])
{
	char path[32], *arguments;
	size_t len;
	int named, r;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	r = read_file(path, ARGUMENTS_MAX, &arguments, &len);
	if (r < 0) {
		snprintf(text, SOCKET_TEXT_MAX, "the process %d at its other end: %s", (int)pid,
			strerror(-r));
		return r;
	}
	named = socket_peer_names(arguments, len, uuid);
	free(arguments);
	if (named)
		return 0;
	snprintf(text, SOCKET_TEXT_MAX, "the process %d at its other end is not the VM's QEMU",
		(int)pid);
	return -EPERM;
}

int socket_peer_check(int fd, const struct uuid *uuid, uid_t owner, char text[SOCKET_TEXT_MAX])
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0) {
		snprintf(text, SOCKET_TEXT_MAX, "its other end: %s", strerror(errno));
		return -errno;
	}
	if (peer.pid <= 0) {
		snprintf(text, SOCKET_TEXT_MAX,
			"the process at its other end cannot be seen from here");
		return -EPERM;
	}
	if (!is_service(peer.uid) ||
		(owner != (uid_t)-1 && owner != 0 && peer.uid != owner && peer.uid != 0)) {
		snprintf(text, SOCKET_TEXT_MAX, "the process %d at its other end runs as user %u",
			(int)peer.pid, (unsigned)peer.uid);
		return -EPERM;
	}
	return check_process(peer.pid, uuid, text);
}

/* --- accepted --- */

struct request {
	struct nlmsghdr head;
	struct unix_diag_req body;
};

static int ask(int netlink, ino_t inode, char *answer, size_t room)
{
	struct request q = {
		.head = {.nlmsg_len = sizeof(q),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST},
		.body = {.sdiag_family = AF_UNIX,
			.udiag_states = ~0U,
			.udiag_ino = (uint32_t)inode,
			.udiag_show = UDIAG_SHOW_PEER,
			.udiag_cookie = {~0U, ~0U}},
	};
	ssize_t n;

	if (send(netlink, &q, sizeof(q), 0) < 0)
		return -errno;
	n = recv(netlink, answer, room, MSG_DONTWAIT); /* answered within send */
	return n < 0 ? -errno : (int)n;
}

static int read_answer(const struct nlmsghdr *head, int len)
{
	const struct unix_diag_msg *body = NLMSG_DATA(head);
	const struct rtattr *attribute = (const struct rtattr *)(body + 1);
	int left;

	if (!NLMSG_OK(head, (unsigned)len))
		return -EBADMSG;
	if (head->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *error = NLMSG_DATA(head);

		return error->error < 0 ? error->error : -EBADMSG;
	}
	left = (int)head->nlmsg_len - (int)NLMSG_LENGTH(sizeof(*body));
	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
		uint32_t peer;

		if (attribute->rta_type != UNIX_DIAG_PEER || RTA_PAYLOAD(attribute) < sizeof(peer))
			continue;
		memcpy(&peer, RTA_DATA(attribute), sizeof(peer));
		return peer != 0;
	}
	return -ENOTCONN;
}

int socket_peer_accepted(int fd)
{
	_Alignas(struct nlmsghdr) char answer[4096] = {0};
	int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG), r;
	struct stat st;

	if (netlink < 0)
		return -errno;
	r = fstat(fd, &st) < 0 ? -errno : ask(netlink, st.st_ino, answer, sizeof(answer));
	if (r >= 0)
		r = read_answer((const struct nlmsghdr *)answer, r);
	close(netlink);
	return r;
}
