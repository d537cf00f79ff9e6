/*
 * Reaching the daemon: the control socket is a login line (wire/msg.h) whose identity the kernel
 * gives; on it one channel is opened.
 */
#ifndef CTL_CONNECT_H
#define CTL_CONNECT_H

#include "wire/line.h"

#define CTL_REASON_MAX (WIRE_REASON_MAX + 256)

struct ctl_link {
	struct line login, channel;
};

/*
 * Connects and logs in as the calling user. 0, or an exit status and one line in reason, which may
 * hold foreign bytes. Waits at most a minute.
 */
int ctl_connect(struct ctl_link *link, const char *socket_path, char reason[CTL_REASON_MAX])
	__attribute__((warn_unused_result));

/* As line_receive; a peer that closed before it had read all we sent does not hide what it said. */
int ctl_receive(struct line *line, struct line_message *message) MUST_CHECK;

/* Closes what is open; takes a zeroed link too. */
void ctl_link_finish(struct ctl_link *link);

#endif
