/*
 * A client's request for a line break (RFC 4335). libssh hands it over as a request without a name,
 * like any other that it does not know; the name stands only in what libssh would log about it. So
 * libssh's log is heard, by nobody else, while it takes in what a client has sent.
 */
#ifndef SSHD_BREAK_WATCH_H
#define SSHD_BREAK_WATCH_H

#include <stdbool.h>

struct break_watch {
	bool heard;
};

/* For the thread that calls; watch must outlive its use of libssh. */
void break_watch_init(struct break_watch *watch);

/* Around the call that lets libssh take in packets. */
void break_watch_begin(void);
void break_watch_end(void);

/* Inside the callback for a request without a name: whether it is a break. */
bool break_watch_take(struct break_watch *watch);

#endif
