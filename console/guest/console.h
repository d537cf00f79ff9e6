/*
 * One serial console of one guest: its way to the guest, its journal, its viewers, its keyboard.
 *
 * A console is opened for its first viewer and kept open for a while after the last one. It reads
 * the guest's output into the journal at once and never stops; viewers follow by offset. When the
 * way breaks it finds out why, tells its viewers, and opens again when it can.
 *
 * Owned by its guest. It links viewers and does not own them. It knows no session and no rule.
 */
#ifndef CONSOLE_GUEST_CONSOLE_H
#define CONSOLE_GUEST_CONSOLE_H

#include <stdbool.h>

#include "config/list.h"
#include "console/guest/guest.h"
#include "console/journal/journal.h"
#include "console/journal/journal_store.h"
#include "console/guest/viewer.h"

#define CONSOLE_INPUT_MAX 65536 /* bytes of input that wait for the guest */
#define CONSOLE_RETRY_BUSY_US (2 * LOOP_SECOND)
#define CONSOLE_RETRY_FAILED_US (2 * LOOP_SECOND)
#define CONSOLE_RETRY_EARLY_US (50 * LOOP_MSEC)
#define CONSOLE_EARLY_TELL_US LOOP_SECOND       /* how long a guest's start passes without a word */
#define CONSOLE_EARLY_MAX_US (10 * LOOP_SECOND) /* then it counts as failed */
#define CONSOLE_RESOLVE_US (5 * LOOP_SECOND)    /* to find out why the output ended */
#define CONSOLE_RESOLVE_STEP_US (200 * LOOP_MSEC)
#define CONSOLE_HELD_US (5 * LOOP_SECOND)  /* a migrated guest's output, for the source to end */
#define CONSOLE_HELD_MAX ((size_t)4 << 20) /* bytes of it */
#define CONSOLE_VIEWERS_MAX 4096
#define CONSOLE_PANIC_MARKS 8 /* between two boots */
#define CONSOLE_MODES_STEP                                                                         \
	((uint64_t)32 << 10) /* bytes from one state in the journal to the next */

struct replay_modes;

/* Whether a console is held open and written to disk. */
enum console_record {
	CONSOLE_RECORD_ALL,      /* held open as long as the guest runs */
	CONSOLE_RECORD_ATTACHED, /* written while it is open */
	CONSOLE_RECORD_NONE,     /* kept in memory only */
};

/* Since the daemon began; they only grow. */
struct console_counts {
	uint64_t output, input; /* bytes that guests printed, and accepted */
	uint64_t panic_texts;   /* what looks like a panic in them */
};

struct console_options {
	size_t history_memory;
	uint64_t keep_open_us;
	int many_writers;
	int take_force;               /* a console that is held is taken from its holder */
	struct config_list unix_dirs; /* where sockets of consoles may lie; borrowed */
	const char *state_dir;        /* journals lie below; borrowed */
	struct journal_limits history;
	/* Which consoles are recorded; NULL: none. */
	enum console_record (*record)(
		void *arg, const struct guest *g, const struct device *device);
	void *record_arg;
	/* The hypervisor says so, after the consoles have been told; NULL: nothing. */
	void (*panicked)(void *arg, struct guest *g);
	void *panicked_arg;
	struct config_list panic_patterns; /* borrowed */
	/* The directory's own; set by it. */
	struct journal_store *store;
	struct panic_texts *panics;
	struct console_counts *counts; /* of all consoles together */
};

enum console_state {
	CONSOLE_CLOSED,  /* nobody wants it */
	CONSOLE_WAITING, /* wanted, but the guest is off, away, or the console is held */
	CONSOLE_OPENING,
	CONSOLE_OPEN,
	CONSOLE_RESOLVING, /* the output ended; asking why */
};

enum console_state console_state(const struct console *c);
struct guest *console_guest(const struct console *c);
const char *console_slot(const struct console *c);
/* The alias now, or the slot when the guest has none. */
const char *console_device_name(const struct console *c);
struct journal *console_journal(const struct console *c);
uint64_t console_opened_at(const struct console *c); /* loop time; 0 when not open */
/*
 * What a terminal's modes are that was sent all output up to the last place that the journal has a
 * state of, from least to most; *offset says where. False: there is none in memory.
 */
bool console_modes_recall(const struct console *c, uint64_t least, uint64_t most,
	struct replay_modes *modes, uint64_t *offset);
/* What stands in the way while it waits: "" when nothing. */
const char *console_error(const struct console *c);
/* Whether that is another client of the hypervisor, who has it. */
bool console_is_held(const struct console *c);
/* Whether it is only too early: the guest is being started. */
bool console_is_early(const struct console *c);
/* Whether what stands in the way cannot pass by waiting (a kind of device that never opens). */
bool console_is_unsupported(const struct console *c);
const struct console_counts *console_counts(const struct console *c);
size_t console_viewer_count(const struct console *c);
struct viewer *console_next_viewer(const struct console *c, const struct viewer *after);

/* --- for the guest --- */
struct console *console_create(struct loop *loop, const struct console_options *options,
	struct guest *g, const char *slot);
void console_destroy(struct console *c);
/* The guest's place, state or hypervisor link has changed. */
void console_guest_changed(struct console *c);
void console_options_changed(struct console *c);
void console_guest_event(struct console *c, enum console_event_kind kind);

#endif
