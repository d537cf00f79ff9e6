/*
 * The audit: one record for everything that somebody tried, in one file that only grows, and in
 * the journal where there is one.
 *
 * Records are queued (bounded) and written by a thread of the audit's own; the loop never waits
 * for a disk. They are numbered without gaps across restarts: a missing number is a record that
 * could not be written. Owned by the broker.
 */
#ifndef BROKER_AUDIT_AUDIT_H
#define BROKER_AUDIT_AUDIT_H

#include <stdint.h>

#include "core/loop.h"

struct audit;

#define AUDIT_QUEUE_MAX 4096                 /* records that wait for the disk */
#define AUDIT_STOP_US LOOP_SECOND            /* at the end, for what is still queued */
#define AUDIT_TEXT_MAX 4096                  /* bytes of one text of a record, as written */
#define AUDIT_NAME_MAX 256                   /* the same, of one that a client chose */
#define AUDIT_COMPLAIN_US (60 * LOOP_SECOND) /* a failing disk is told so often */

struct audit_options {
	const char *file; /* looked at during audit_create only */
	uint64_t rotate_size;
	unsigned rotate_keep;
	int strict;
};

/* One record; what is NULL (and, of the numbers, not marked) is left out. Borrowed; foreign bytes
 * are escaped here. */
struct audit_record {
	const char *event;    /* "login", "login-refused", "session-begin" ... (docs/audit.md) */
	const char *session;  /* "c12", "c12.0" */
	const char *protocol; /* of a login: "ssh", "https", "http", "local" */
	const char *source;
	const char *login;
	const char *identity;
	const char *method;
	const char *fingerprint;
	const char *client;
	const char *verb;
	const char *vm_uuid, *vm_name, *device;
	const char *sha256;        /* of a file that was fetched whole */
	const char *file, *ranges; /* what was fetched: "/dumps/NAME", "0-4095 8192-16383" */
	const char *reason;
	uint64_t count; /* of records that this one stands for; 0: it is one */
	int has_end;    /* status, duration and bytes count */
	int status;
	uint64_t duration_us, bytes_in, bytes_out;
};

/* The file need not be writable: records are lost then, and the next try follows. 0, -errno. */
int audit_create(
	struct loop *loop, const struct audit_options *options, struct audit **out) MUST_CHECK;
/* Writes what is queued, within AUDIT_STOP_US. */
void audit_destroy(struct audit **out);

/* What of the options can change: all but the file. */
void audit_set_options(struct audit *a, const struct audit_options *options);

void audit_write(struct audit *a, const struct audit_record *record);

/*
 * The same; then done is called, on a later turn: error 0 when the record is on the disk. With
 * strict options only; else it is audit_write, and done is called with 0.
 */
typedef void (*audit_done_fn)(void *arg, int error);
void audit_write_then(
	struct audit *a, const struct audit_record *record, audit_done_fn done, void *arg);
/* Who waits dies: his done will not be called. */
void audit_forget(struct audit *a, const void *arg);

const char *audit_path(const struct audit *a);
unsigned audit_keep(const struct audit *a);

#endif
