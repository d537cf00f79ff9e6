/*
 * What console.c (the way to the guest), keyboard.c (who types) and viewer.c (who watches) share.
 * Nobody else includes it.
 */
#ifndef CONSOLE_CONSOLE_INTERNAL_H
#define CONSOLE_CONSOLE_INTERNAL_H

#include "console/backend.h"
#include "console/console.h"
#include "core/buf.h"

TAILQ_HEAD(viewer_list, viewer);

struct viewer {
	TAILQ_ENTRY(viewer) entry; /* in console->viewers, longest there first */
	struct console *console;
	struct journal_reader *reader;
	const char *who;
	enum viewer_mode mode;
	const struct viewer_events *events;
	void *arg;
};

/* The input side: a queue that empties into the back end, one send at a time. */
struct input {
	struct buf queue;
	size_t in_flight;  /* bytes given to the back end and not yet accepted */
	uint64_t progress; /* loop time of the last acceptance, or of the first byte queued */
	int was_full;      /* somebody was refused room */
};

struct console {
	struct loop *loop;
	const struct console_options *options;
	struct guest *guest;
	char slot[DEVICE_SLOT_MAX];
	enum console_state state;
	struct backend *backend;
	struct journal *journal;
	struct viewer_list viewers;
	size_t viewer_count;
	struct viewer *next_told; /* next one of a broadcast; destroying viewers moves it */
	struct input input;

	struct loop_timer *retry;     /* WAITING: when to try again; RESOLVING: next question */
	struct loop_timer *keep_open; /* runs while nobody watches */
	struct hypervisor *asked;     /* RESOLVING: a question is out */
	enum backend_end end;         /* RESOLVING: how the output ended */
	uint64_t resolve_until;
	uint64_t opened_at;  /* loop time; 0 when not open */
	uint64_t down_since; /* loop time since when nothing is read although it was; 0 */
	const char *down_cause;
	unsigned long long run; /* the guest's life that was open, or was found unfit */
	int was_on;             /* what viewers believe of the guest */
	int unfit;
	int has_opened; /* in this life of the daemon */
	enum console_record record;
	unsigned long long boot_marked; /* the guest's life whose start is in the journal */
	struct loop_timer *recording;   /* tells viewers of trouble, in a turn of its own */
	int recording_error, recording_due;
	char trouble[256];
};

/* Tells every viewer; each may destroy itself or others. */
void console_tell(struct console *c, const struct console_event *event);

/* keyboard.c */
void input_init(struct console *c);
void input_finish(struct console *c);
void input_pump(struct console *c);
void input_sent(struct console *c, size_t len);
/* Forgets what has not reached the guest; the number of bytes. */
size_t input_drop(struct console *c);
/* A viewer goes, or no longer types: the longest-waiting one gets the keyboard. */
void keyboard_left(struct console *c);

/* console.c: a viewer came or went */
void console_wanted_changed(struct console *c);

#endif
