/*
 * What libssh keeps back while keys are exchanged anew. From our KEXINIT until the client has
 * answered it, libssh takes whatever is written to a channel, as far as the client's window goes (2
 * GiB of PuTTY's), and neither sends it nor says that it waits. From outside it is seen by this:
 * bytes were taken, and no packet went out. Pure: the counters are the caller's.
 */
#ifndef SSHD_BACKLOG_H
#define SSHD_BACKLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct backlog {
	uint64_t kept; /* bytes that were taken and not sent; 0: none */
	uint64_t from; /* how many bytes had been sent by then */
};

/* A write of so many bytes; packets sent before it and after it, and bytes after it. */
void backlog_written(
	struct backlog *b, size_t len, uint64_t before, uint64_t packets, uint64_t bytes);

/* Whether nothing should be written: what is kept has not been sent yet. */
bool backlog_waits(const struct backlog *b, uint64_t bytes);

#endif
