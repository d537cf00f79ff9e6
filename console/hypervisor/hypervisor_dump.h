/*
 * A dump of a guest's memory that the hypervisor writes to a file of its host.
 *
 * It may take minutes, so each has a connection and a thread of its own: others' calls do not wait
 * behind it. It is opened first, which tells how much memory there is, and then started.
 */
#ifndef CONSOLE_HYPERVISOR_HYPERVISOR_DUMP_H
#define CONSOLE_HYPERVISOR_HYPERVISOR_DUMP_H

#include "console/hypervisor/hypervisor.h"

struct hypervisor_dump;

#define HYPERVISOR_DUMPS_MAX 8 /* under way at one hypervisor */
/* One thread for the dump, one that asks how far it is, one that cancels it. */
#define HYPERVISOR_DUMP_THREADS (3 * HYPERVISOR_DUMPS_MAX)
#define HYPERVISOR_DUMP_ASK_US (LOOP_SECOND / 10) /* between two looks at how far it is */

/* In the order of hypervisor_dump_formats. */
enum hypervisor_dump_format {
	HYPERVISOR_DUMP_ELF,
	HYPERVISOR_DUMP_KDUMP_ZLIB,
	HYPERVISOR_DUMP_KDUMP_LZO,
	HYPERVISOR_DUMP_KDUMP_SNAPPY,
	HYPERVISOR_DUMP_WIN_DMP,
};

/* What becomes of the guest. */
enum hypervisor_dump_mode {
	HYPERVISOR_DUMP_PAUSE, /* stands still meanwhile */
	HYPERVISOR_DUMP_LIVE,  /* goes on meanwhile */
	HYPERVISOR_DUMP_CRASH, /* is ended afterwards */
	HYPERVISOR_DUMP_RESET, /* is reset afterwards */
};

/* Their words, NULL at the end. */
extern const char *const hypervisor_dump_formats[];

struct hypervisor_dump_request {
	struct uuid uuid;
	const char *path; /* absolute; copied */
	enum hypervisor_dump_format format;
	enum hypervisor_dump_mode mode;
};

/* All on the loop, on later turns. error: 0, -EACCES, -EOPNOTSUPP (libvirt, or this QEMU, cannot),
 * -ENOTCONN, -EIO; text: what libvirt said. */
struct hypervisor_dump_events {
	/* Once: it is open; start it or forget it. With an error it is gone. */
	void (*opened)(void *arg, int error, const char *text, uint64_t memory);
	/* Bytes of memory that are written, and of all. */
	void (*progress)(void *arg, uint64_t written, uint64_t total);
	/* What hypervisor_dump_cancel came to; after 0, done follows with an error. */
	void (*cancelled)(void *arg, int error, const char *text);
	/* Once; it is gone. */
	void (*done)(void *arg, int error, const char *text);
};

/* 0; -ENOTCONN while down, -EAGAIN too many of them, -ENAMETOOLONG, -ENOMEM. */
int hypervisor_dump_open(struct hypervisor *h, const struct hypervisor_dump_request *request,
	const struct hypervisor_dump_events *events, void *arg,
	struct hypervisor_dump **out) MUST_CHECK;

/* After opened. 0 or -EAGAIN. */
int hypervisor_dump_start(struct hypervisor_dump *d) MUST_CHECK;

/* Has libvirt stop it, which refuses to do that for some kinds of dumps. */
void hypervisor_dump_cancel(struct hypervisor_dump *d);

/* No event comes any more. What was started goes on at the hypervisor. NULL inside is fine. */
void hypervisor_dump_forget(struct hypervisor_dump **dump);

#endif
