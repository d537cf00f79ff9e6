/*
 * One [hypervisor NAME]: its control connection to libvirt, and the guests it reports.
 *
 * The connection is opened in a job thread (opening has no time limit of its own in libvirt), kept
 * alive by keepalive messages, and opened again with a growing delay when it breaks. Everything
 * that blocks runs in this hypervisor's own small pool. What is learnt comes up through
 * hypervisor_events, always on the loop, never from inside a call downwards.
 *
 * Owned by the broker. Knows no console, viewer or login.
 */
#ifndef CONSOLE_HYPERVISOR_HYPERVISOR_H
#define CONSOLE_HYPERVISOR_HYPERVISOR_H

#include <stdbool.h>

#include "console/domain/aids.h"
#include "console/domain/device.h"
#include "console/domain/groups.h"
#include "core/text/uuid.h"
#include "core/job.h"

struct hypervisor;
struct virt_loop;

#define HYPERVISOR_RETRY_MIN_US (LOOP_SECOND / 2)
#define HYPERVISOR_RETRY_MAX_US (10 * LOOP_SECOND)
#define HYPERVISOR_KEEPALIVE_S 5
#define HYPERVISOR_KEEPALIVE_COUNT 3
#define HYPERVISOR_THREADS 4
#define HYPERVISOR_QUEUE 4096
#define HYPERVISOR_GUESTS_MAX 10000

enum location_state {
	LOCATION_OFF,      /* defined, not running */
	LOCATION_INCOMING, /* being migrated to here, not yet resumed */
	LOCATION_PAUSED,
	LOCATION_RUNNING,
	LOCATION_CRASHED, /* still there (on_crash preserve) */
};

/* Why a guest last stopped running here. */
enum location_reason {
	LOCATION_REASON_NONE,
	LOCATION_REASON_SHUTDOWN, /* the guest powered off, or was asked to */
	LOCATION_REASON_DESTROYED,
	LOCATION_REASON_CRASHED, /* panic; on_crash destroy */
	LOCATION_REASON_FAILED,  /* QEMU died */
	LOCATION_REASON_SAVED,
	LOCATION_REASON_MIGRATED,
};

#define LOCATION_NAME_MAX 256

/* What a hypervisor knows about one guest. A value; strings are bounded. */
struct location_info {
	struct uuid uuid;
	char name[LOCATION_NAME_MAX];
	enum location_state state;
	enum location_reason reason; /* of the last stop; NONE while it runs or when not known */
	int transient;
	int ending;                    /* it has powered off, and QEMU is about to end */
	unsigned long long generation; /* grows with every start seen here: one life of QEMU */
	int domain_id;                 /* libvirt's number of this life; -1 while it is off */
	struct groups groups;
	struct aids aids;
	struct devices devices; /* of the live domain when it runs, else of its definition */
};

struct hypervisor_events {
	/* Connected and all guests reported (up), or connection lost (!up; text says why). */
	void (*link)(void *arg, struct hypervisor *h, int up, const char *text);
	/* New or changed guest. For the first report after connecting, before link(up). Stops,
	 * pauses and crashes are told at once; a start when the live devices are known. */
	void (*location)(void *arg, struct hypervisor *h, const struct location_info *info);
	/* It is no longer known here (undefined, or transient and stopped, or not in the list
	 * after a reconnect). info holds the last state and the reason. */
	void (*gone)(void *arg, struct hypervisor *h, const struct location_info *info);
	/* Rebooted: reported once for libvirt's two events. The console stays open. */
	void (*rebooted)(void *arg, struct hypervisor *h, const struct uuid *uuid);
	/* The guest reported a panic (the hypervisor's own event). */
	void (*panicked)(void *arg, struct hypervisor *h, const struct uuid *uuid);
};

struct hypervisor_options {
	const char *name; /* borrowed for the hypervisor's life, as the other strings */
	const char *uri;
	const char *sasl_user, *sasl_password_file; /* NULL: none */
};

int hypervisor_create(struct loop *loop, struct virt_loop *virt,
	const struct hypervisor_options *options, const struct hypervisor_events *events, void *arg,
	struct hypervisor **h) MUST_CHECK;
void hypervisor_start(struct hypervisor *h);

/* The end: no event is called after it. Its back ends have been closed by their owners. What
 * hangs in a connection is broken; waits at most about a second for it. */
void hypervisor_destroy(struct hypervisor **hypervisor);

const char *hypervisor_name(const struct hypervisor *h);
bool hypervisor_is_up(const struct hypervisor *h);
/* Whether it is this host's, as its URI says: paths mean the same to it. */
bool hypervisor_is_local(const struct hypervisor *h);
/* Why it is down: libvirt's message, or "" when up. */
const char *hypervisor_error(const struct hypervisor *h);
/* What an administrator can do about it, or "". */
const char *hypervisor_cure(const struct hypervisor *h);

/* The state of one guest, asked of libvirt now (resolves an end of file to its cause). done runs
 * on the loop, once, with info, or NULL: not known here, or error < 0 (the link broke). A change
 * goes out as place/gone before. A guest that is just ending may still be told as running: its
 * stop comes as place().
 * 0, -ENOTCONN while down, -ENOENT when it is not known here, -ENOMEM. */
typedef void (*hypervisor_asked_fn)(void *arg, int error, const struct location_info *info);
int hypervisor_ask(struct hypervisor *h, const struct uuid *uuid, hypervisor_asked_fn done,
	void *arg) MUST_CHECK;
/* The asker dies: its done will not be called. */
void hypervisor_forget(struct hypervisor *h, void *arg);

#endif
