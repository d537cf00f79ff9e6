/*
 * One end of a line: sends and receives whole, checked messages.
 *
 * Knows no loop: the owner watches line->fd (EPOLLIN to receive; EPOLLOUT after -EAGAIN).
 */
#ifndef WIRE_LINE_H
#define WIRE_LINE_H

#include <stddef.h>

#include "core/loop.h"
#include "wire/msg.h"
#include "wire/table.h"

struct line {
	int fd;
	enum wire_line kind;
	enum wire_side side; /* ours */
	enum wire_state state;
};

/* A received message. Pointers are valid until the next line_receive of any line in this thread.
 * Descriptors belong to the receiver from then on: take one with line_take_fd, the rest is closed
 * by line_message_finish, which every received message needs. */
struct line_message {
	enum wire_type type;
	const unsigned char *fixed; /* may be unaligned: memcpy it */
	const unsigned char *payload;
	size_t payload_len;
	int fds[WIRE_FDS_MAX];
};

/* A connected pair, non-blocking, close-on-exec, with buffers of LINE_BUFFER bytes each way. */
#define LINE_BUFFER (128 * 1024)
int line_pair(int fds[2]) MUST_CHECK;

void line_init(struct line *line, int fd, enum wire_line kind, enum wire_side side);
void line_finish(struct line *line); /* closes the descriptor */

/*
 * 1 and *message filled; 0 at the end of the line; -EAGAIN nothing there; -EMFILE a message whose
 * descriptors found no room here is dropped, and they are closed; -EBADMSG truncated, or too many
 * descriptors; what wire_check says of a message that is not allowed; other -errno.
 * After anything but 1, -EAGAIN and -EMFILE the line is to be closed; after -EMFILE too, where
 * nobody would notice that the message is missing.
 */
int line_receive(struct line *line, struct line_message *message) MUST_CHECK;
int line_take_fd(struct line_message *message, unsigned index);
void line_message_finish(struct line_message *message);

/* fixed and payload may be NULL when the type has none. The descriptors stay the caller's.
 * 0; -EAGAIN: full, nothing was sent, wait for EPOLLOUT; -EPIPE and others: the line is dead. */
int line_send(struct line *line, enum wire_type type, const void *fixed, const void *payload,
	size_t payload_len) MUST_CHECK;
int line_send_fds(struct line *line, enum wire_type type, const void *fixed, const void *payload,
	size_t payload_len, const int *fds, unsigned fd_count) MUST_CHECK;

/* As line_send with a payload in two parts. */
int line_send2(struct line *line, enum wire_type type, const void *fixed, const void *a,
	size_t a_len, const void *b, size_t b_len) MUST_CHECK;

#endif
