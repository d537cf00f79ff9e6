/*
 * What the parts of a hypervisor share. Nobody else includes it. Each calls only those after it:
 *
 *   hypervisor.c          life, clients
 *   hypervisor_guests.c   what is known of guests, and telling it upwards
 *   hypervisor_refresh.c  asking libvirt about guests
 *   hypervisor_table.c    the guests by their UUID
 *   hypervisor_link.c     the control connection
 *
 * What they report goes up by struct part_events, which hypervisor.c fills in.
 */
#ifndef CONSOLE_HYPERVISOR_HYPERVISOR_PRIVATE_H
#define CONSOLE_HYPERVISOR_HYPERVISOR_PRIVATE_H

#include <stdatomic.h>

#include "console/hypervisor/hypervisor_client.h"
#include "console/hypervisor/hypervisor_dump.h"
#include "console/hypervisor/hypervisor_command.h"
#include "console/hypervisor/hypervisor_location.h"
#include "console/libvirt/virt_cure.h"
#include "core/shares.h"

#define BUCKETS 1024
#define ORDER_THREADS 4 /* that may hang in a guest's QEMU at once */
#define ORDERS_MAX 64
#define CONTROL_THREADS 3
#define REFRESH_JOBS 2   /* of CONTROL_THREADS: one is left for the link */
#define REFRESH_BATCH 16 /* guests asked about in one job */
#define REFRESH_RETRY_US (2 * LOOP_SECOND)
/* libvirt reports a reboot two or three times, on a loaded host half a second apart. */
#define REBOOT_PAIR_US (3 * LOOP_SECOND / 2)
#define OPEN_US (15 * LOOP_SECOND)
#define TELL_US (600 * LOOP_SECOND) /* the same trouble is logged again after this */
#define DESTROY_US LOOP_SECOND
#define LINK_EVENTS 3 /* lifecycle, reboot, metadata */

struct guest_entry {
	LIST_ENTRY(guest_entry) bucket;
	TAILQ_ENTRY(guest_entry) waiting;
	struct location_info info;
	int domain_id;    /* of the life counted in info.generation; -1 none */
	bool reported;    /* place() has been called */
	bool incoming;    /* started by a migration, not yet resumed */
	bool dirty;       /* stands in h->waiting */
	bool initial;     /* link(up) waits for its first report */
	bool failed;      /* could not be read; asked again later */
	bool vanished;    /* libvirt does not know it, but has not told of its stop */
	uint64_t changes; /* counts events and questions: a reading from before them is stale */
	uint64_t rebooted_at;
	unsigned seen_in; /* the link that listed it last */
};

LIST_HEAD(guest_bucket, guest_entry);
TAILQ_HEAD(guest_queue, guest_entry);

struct query {
	LIST_ENTRY(query) link;
	struct uuid uuid;
	hypervisor_asked_fn done;
	void *arg;
};
LIST_HEAD(query_list, query);

enum link_state { LINK_OPENING, LINK_OPEN, LINK_DEAD };

/* One control connection, from the attempt to open it to its end. */
struct hypervisor_link {
	struct hypervisor *h;
	enum link_state state;
	struct virt_socket socket;
	virConnectPtr conn;
	int wakeup; /* fired when libvirt says that it is closed */
	_Atomic int close_reason;
	int callbacks[LINK_EVENTS];
	unsigned jobs; /* that use conn */
	struct uuid *listed;
	size_t listed_count;
	struct virt_error error;
	char cure[VIRT_CURE_MAX]; /* of the error of opening it */
};

/* What a part reports to those above it. */
struct part_events {
	/* the link */
	void (*opened)(struct hypervisor *h);
	void (*lost)(struct hypervisor *h, const char *text, const char *cure);
	void (*listed)(struct hypervisor *h, const struct uuid *uuids, size_t count);
	void (*lifecycle)(struct hypervisor *h, virDomainPtr domain, int event, int detail);
	void (*rebooted)(struct hypervisor *h, virDomainPtr domain);
	void (*changed)(struct hypervisor *h, virDomainPtr domain);
	/* refresh: a reading that nothing has overtaken. r as of place_read. */
	void (*read)(struct hypervisor *h, struct guest_entry *g, int r,
		const struct location_reading *reading, const struct virt_error *error);
	/* guests: all that were listed have been reported */
	void (*reported_all)(struct hypervisor *h);
};

enum hypervisor_state {
	HYPERVISOR_IDLE,    /* not started */
	HYPERVISOR_WAITING, /* for the next attempt */
	HYPERVISOR_CONNECTING,
	HYPERVISOR_LISTING, /* connected, not all guests reported */
	HYPERVISOR_UP,
	HYPERVISOR_ENDING, /* no event goes out any more */
};

struct hypervisor {
	struct loop *loop;
	struct hypervisor_options options;
	struct virt_target target;
	const struct hypervisor_events *events;
	const struct part_events *parts;
	void *arg;
	enum hypervisor_state state;
	char error[VIRT_TEXT_MAX], cure[VIRT_CURE_MAX];
	char told[VIRT_TEXT_MAX]; /* the error that the log has; "" none */
	uint64_t told_at;
	struct job_pool *control, *jobs, *senders, *orders_pool, *dumps_pool, *peeks_pool;

	struct hypervisor_link *link; /* CONNECTING, LISTING, UP */
	unsigned link_number;
	struct loop_timer *retry; /* WAITING: next attempt; CONNECTING: end of patience */
	uint64_t delay_us;

	struct guest_bucket guests[BUCKETS];
	size_t guest_count;
	size_t initial_left;
	bool told_full;
	struct guest_queue waiting; /* guests to be read */
	unsigned refreshing;        /* jobs under way */
	size_t failed_count;
	struct loop_timer *refresh_retry;
	struct query_list queries, answering;
	unsigned long long last_generation;

	LIST_HEAD(, hypervisor_client) clients;
	LIST_HEAD(, hypervisor_command) commands;    /* under way */
	LIST_HEAD(, own_connection) own_connections; /* of dumps and peeks */
	unsigned peek_count;
	struct share_list peek_shares;
	size_t client_count;
	struct loop_timer *patience; /* runs while a client may hang */
	char *receive_buffer;
};

/* hypervisor_link.c */
int link_open(struct hypervisor *h) MUST_CHECK;
/* Nobody uses it from now on; it is closed when its last job has ended. */
void link_abandon(struct hypervisor_link *link);
void link_job_begin(struct hypervisor_link *link);
void link_job_end(struct hypervisor_link *link);

/* hypervisor_guests.c */
void guests_finish(struct hypervisor *h);
void guests_listed(struct hypervisor *h, const struct uuid *uuids, size_t count);
void guests_link_down(struct hypervisor *h);
void guests_lifecycle(struct hypervisor *h, virDomainPtr domain, int event, int detail);
void guests_rebooted(struct hypervisor *h, virDomainPtr domain);
void guests_changed(struct hypervisor *h, virDomainPtr domain);
void guests_read(struct hypervisor *h, struct guest_entry *g, int r,
	const struct location_reading *reading, const struct virt_error *error);

/* hypervisor_table.c */
struct guest_entry *table_find(struct hypervisor *h, const struct uuid *uuid);
/* NULL when there are too many, which is logged once, or no memory. */
struct guest_entry *table_find_or_add(struct hypervisor *h, const struct uuid *uuid);
void table_drop(struct hypervisor *h, struct guest_entry *g);

/* hypervisor_refresh.c */
void refresh_mark(struct hypervisor *h, struct guest_entry *g, bool urgent);
void refresh_unmark(struct hypervisor *h, struct guest_entry *g);
void refresh_pump(struct hypervisor *h);
void refresh_failed(struct hypervisor *h, struct guest_entry *g);
void refresh_retry(struct hypervisor *h);
/* info NULL: not known here, or error < 0. */
void questions_answer(
	struct hypervisor *h, const struct uuid *uuid, int error, const struct location_info *info);
void questions_fail(struct hypervisor *h, int error);
void questions_drop(struct hypervisor *h); /* without a word */

#endif
