/*
 * The log of a guest's kernel, read by the dmesg worker out of a dump, or out of the memory of the
 * guest while it runs or hangs: one job.
 *
 * The worker gets the descriptor of the dump, or that of a window: a file in memory, which a thread
 * fills with what the worker asks for of the guest's memory. Nothing here waits.
 */
#ifndef BROKER_DMESG_KERNEL_LOG_H
#define BROKER_DMESG_KERNEL_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "core/loop.h"

struct hypervisor;
struct kernel_log;
struct uuid;
struct worker;

#define KERNEL_LOG_JOBS_MAX 8           /* at once */
#define KERNEL_LOG_OWNER_MAX 2          /* of one owner */
#define KERNEL_LOG_FILES 1              /* of one: the dump, or the window */
#define KERNEL_LOG_RESTARTS_MAX 0       /* what the worker has died of would kill the next one */
#define KERNEL_LOG_PEEKS_MAX (1U << 20) /* of one job: with what is needed, memory of 512 GiB */

enum kernel_log_failure {
	KERNEL_LOG_UNREADABLE, /* what was missing */
	KERNEL_LOG_AWAY,       /* the guest, or its hypervisor */
	KERNEL_LOG_BUSY,       /* too many are being read */
	KERNEL_LOG_BROKEN,     /* the worker cannot be had, or dies */
};

/* May destroy the log that they are told of. */
struct kernel_log_events {
	/* Whole lines, fit for a terminal. */
	void (*lines)(void *arg, const char *text, size_t len);
	/* The last word is one of these. */
	void (*whole)(void *arg);
	void (*failed)(void *arg, enum kernel_log_failure failure, const char *text);
};

/* Both: owner as of worker_job_create, whose errors they have; hypervisor_peek_open has others.
 * The descriptor of the dump is taken over, whatever comes. */
int kernel_log_of_dump(struct worker *w, int dump, const char *owner,
	const struct kernel_log_events *events, void *arg, struct kernel_log **out) MUST_CHECK;
int kernel_log_of_guest(struct worker *w, struct hypervisor *h, const struct uuid *uuid,
	const char *owner, const struct kernel_log_events *events, void *arg,
	struct kernel_log **out) MUST_CHECK;
void kernel_log_destroy(struct kernel_log **out);

/* While it is on no lines come. */
void kernel_log_pause(struct kernel_log *log, bool on);

#endif
