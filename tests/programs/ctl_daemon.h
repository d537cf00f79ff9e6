/* A daemon for vmconsolectl to talk to: the broker's side of the lines, driven by a test. */
#ifndef TESTS_CTL_DAEMON_H
#define TESTS_CTL_DAEMON_H

#include <sys/types.h>

#include "wire/line.h"

#define DAEMON_WAIT_MS 20000

struct ctl_daemon {
	char dir[64], path[96];
	int listening;
	struct line login, channel;
	pid_t child;
	int in, out, err; /* our ends of the child's standard descriptors; -1 */
	int terminal;     /* our end of its terminal; -1 */
};

void daemon_init(struct ctl_daemon *d);
void daemon_finish(struct ctl_daemon *d);

/* Starts vmconsolectl -S path ARGUMENTS..., with pipes, or with a terminal of 100 x 30. */
void daemon_start(struct ctl_daemon *d, const char *const *arguments);
void daemon_start_on_terminal(struct ctl_daemon *d, const char *const *arguments);

/* One message that must come on the line. */
void daemon_receive(struct line *line, struct line_message *m, enum wire_type type);
/* Accepts the connection and reads AUTH. */
void daemon_accept(struct ctl_daemon *d);
void daemon_verdict(struct ctl_daemon *d, enum wire_verdict verdict, const char *reason);
/* All up to the request, which is left in *m. */
void daemon_welcome(struct ctl_daemon *d, struct line_message *m, enum wire_type request);

/* Sends when there is room. */
void daemon_send(
	struct line *line, enum wire_type type, const void *fixed, const void *payload, size_t len);
void daemon_exit(struct ctl_daemon *d, int status);

/* waitpid(2)'s status of the child. */
int daemon_wait(struct ctl_daemon *d);
/* All that comes from fd until its end, terminated. */
void daemon_slurp(int fd, char *out, size_t room);

#endif
