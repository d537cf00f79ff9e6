/*
 * What the files of a console share (console.c names them), and those that order things at one
 * (guest_control.c, guest_power.c). Nobody else includes it.
 */
#ifndef CONSOLE_GUEST_CONSOLE_PRIVATE_H
#define CONSOLE_GUEST_CONSOLE_PRIVATE_H

#include "console/backend/backend.h"
#include "console/guest/console.h"
#include "console/guest/lease.h"
#include "console/health/stuck.h"
#include "console/replay/replay.h"
#include "core/buf.h"

TAILQ_HEAD(viewer_list, viewer);

struct viewer {
	TAILQ_ENTRY(viewer) entry; /* in console->viewers, longest there first */
	struct console *console;
	struct journal_reader *reader;
	struct viewer_owner owner;
	enum viewer_mode mode;
	bool leased; /* types under the present lease */
	bool leases; /* wants the keyboard alone, to lease it */
	const struct viewer_events *events;
	void *arg;
};

/* The input side: a queue that empties into the back end, one send at a time. */
struct input {
	struct buf queue;
	size_t in_flight;  /* bytes given to the back end and not yet accepted */
	uint64_t progress; /* loop time of the last acceptance, or of the first byte queued */
	size_t stale;      /* of those: typed by somebody who has lost the keyboard since */
	bool was_full;     /* somebody was refused room */
	struct loop_timer *again; /* runs when the back end could not take what it was given */
	bool held; /* a break or the like is being ordered, which may end the guest */
	/* The guest's life in which a break came after all that was typed; 0 none. Linux takes what
	 * comes next for a sysrq key, and another break as the end of the first. */
	unsigned long long after_break;
};

/* Stays after its end, until the next one, so that who comes with its token is told. */
struct lease {
	bool held;
	char who[LEASE_WHO_MAX]; /* "": there was none yet */
	struct lease_info info;
	uint8_t hash[TOKEN_HASH];
	void (*ended)(void *holder, const struct console *c, const char *how);
	struct loop_timer *expiry;
	char end[LEASE_WHO_MAX + 64]; /* "TIME: how" */
};

/* How a console that another client of the hypervisor holds is asked for. */
enum console_claim {
	CLAIM_WAITS,   /* until it is free */
	CLAIM_FORCES,  /* the next attempt, or the one under way, is to evict the holder */
	CLAIM_EVICTED, /* somebody did so to us: not by force before it was free */
};

/* One open (or opening) back end. During a migration there are two. */
struct console_link {
	struct console *console;
	struct backend *backend; /* NULL: not in use */
	struct hypervisor *h;
	bool open;
};

struct console {
	struct loop *loop;
	const struct console_options *options;
	struct guest *guest;
	char slot[DEVICE_SLOT_MAX];
	enum console_state state;
	struct console_link links[2];
	struct console_link *link, *incoming; /* each one of links */
	struct buf held;                      /* what the incoming one printed before its time */
	struct loop_timer *move; /* retry of the incoming one, or the limit of holding */
	struct journal *journal;
	struct replay_modes modes; /* of a terminal that was there all the time */
	uint64_t modes_kept;       /* offset of the last state of them in the journal */
	struct viewer_list viewers;
	size_t viewer_count;
	struct viewer *next_told; /* next one of a broadcast; destroying viewers moves it */
	struct lease lease;
	struct input input;
	struct stuck *stuck;
	struct console_control *control; /* a break and the like is under way: nobody can type */

	struct loop_timer *retry;     /* WAITING: when to try again; RESOLVING: next question */
	struct loop_timer *keep_open; /* runs while nobody watches */
	struct hypervisor *asked;     /* a question is out */
	enum backend_end end;         /* RESOLVING: how the output ended */
	uint64_t resolve_until;
	uint64_t opened_at;  /* loop time; 0 when not open */
	uint64_t down_since; /* loop time since when nothing is read although it was; 0 */
	const char *down_cause;
	unsigned long long
		generation; /* the guest's life that was open, or was found unsupported */
	bool was_on;        /* what viewers believe of the guest */
	bool unsupported;
	bool has_opened; /* in this life of the daemon */
	enum console_record record;
	unsigned long long boot_marked; /* the guest's life whose start is in the journal */
	struct loop_timer *recording;   /* tells viewers of trouble, in a turn of its own */
	int recording_error;            /* -errno, or 0 */
	uint16_t panic_state;           /* of panic_scan */
	unsigned panic_marks;           /* since the last boot */
	struct console_counts counts;
	enum console_claim claim;
	uint64_t early_since; /* loop time since when it was too early to open it; 0 */
	bool early_told;
	enum backend_error obstacle; /* what error_text tells of */
	char error_text[256];
};

/* console_notify.c: tells every viewer; each may destroy itself or others. */
void console_notify(struct console *c, const struct console_event *event);

/* keyboard.c */
int input_init(struct console *c) MUST_CHECK;
void input_finish(struct console *c);
void input_pump(struct console *c);
void input_sent(struct console *c, size_t len);
/* The back end is gone, and what was in flight was not given. */
void input_lost(struct console *c);
/* Forgets what has not reached the guest; the number of bytes. */
size_t input_drop(struct console *c);
/* Typing goes on after a control. */
void input_reopen(struct console *c);
/* A viewer goes, or no longer types, or a lease has ended: the longest-waiting one gets the
 * keyboard. */
void keyboard_left(struct console *c);

/* lease.c */
int lease_init(struct console *c);
void lease_finish(struct console *c);

/* console_link.c */
int console_link_init(struct console *c);
void console_link_finish(struct console *c);
void console_set_error(struct console *c, enum backend_error error, const char *text);
void console_notify_kind(struct console *c, enum console_event_kind kind, const char *text);
void console_wait_then_retry(struct console *c, uint64_t delay_us);
/* Does what the state of guest and viewers asks for. */
void console_evaluate(struct console *c);
/* A viewer came or went. */
void console_wanted_changed(struct console *c);
const struct device *console_device(const struct console *c);
/* The guest is about to end: its console is closed now, whatever is under way. */
void console_link_end(struct console *c);
/* Opens a back end on h for this way; its events go to console_link.c. 0 or -errno. */
int console_link_open(struct console_link *link, struct hypervisor *h, const struct device *device,
	int force) MUST_CHECK;

/* console_modes.c */
/* The journal is open: goes on from what it knows. */
void console_modes_begin(struct console *c);
/* Of what is appended next. */
void console_modes_feed(struct console *c, const uint8_t *data, size_t len);
/* It has been: puts a state into the journal, if it is time. */
void console_modes_keep(struct console *c);
/* The guest's machine starts anew, and with it its terminal: a mark, and a state behind it. */
void console_mark_boot(struct console *c, const char *how);
void console_modes_end(struct console *c);

/* console_output.c */
void console_append(struct console *c, const uint8_t *data, size_t len);
void console_panic_booted(struct console *c);

/* console_end.c */
enum console_stop console_stop_of(enum location_reason reason);
void console_notify_stopped(struct console *c, enum console_stop stop);
/* Has the hypervisor read the guest's state again. */
int console_ask(struct console *c);
void console_resolve_begin(struct console *c, enum backend_end end);
void console_resolve_step(struct console *c);
void console_resolve_by_state(struct console *c);

/* console_move.c */
int console_move_init(struct console *c);
void console_move_finish(struct console *c);
/* The guest has changed: perhaps it is on its way to another hypervisor. */
void console_move_check(struct console *c);
void console_move_opened(struct console *c, enum backend_error error);
void console_move_output(struct console *c, const uint8_t *data, size_t len);
void console_move_ended(struct console *c);
/* The way has ended: 1 when the incoming one takes its place, now or as soon as it is open. */
int console_move_takes_over(struct console *c, enum backend_end end);
/* The incoming way is given up. */
void console_move_drop(struct console *c);
/* Opens the console anew where it is, by force. 0 or -errno. */
int console_move_renew(struct console *c, unsigned times) MUST_CHECK;
int console_move_pending(const struct console *c);

#endif
