/*
 * A viewer: somebody's place in a console's journal, and his claim on its keyboard.
 *
 * Owned by a session (above); linked by its console. Events come up on the loop and may destroy
 * the viewer they are told to.
 */
#ifndef CONSOLE_GUEST_VIEWER_H
#define CONSOLE_GUEST_VIEWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "core/loop.h"

struct channel;
struct console;
struct viewer;
struct journal_reader;

enum viewer_mode {
	VIEWER_WATCHES, /* asked to watch only; is never given the keyboard */
	VIEWER_WAITS,   /* would type; somebody else has the keyboard */
	VIEWER_WRITES,  /* has the keyboard */
};

enum console_event_kind {
	CONSOLE_EV_OPENED,      /* live output flows; outage_us says for how long it did not */
	CONSOLE_EV_STOPPED,     /* the guest went: reason */
	CONSOLE_EV_LOST,        /* the hypervisor is away */
	CONSOLE_EV_BUSY,        /* somebody else holds the console */
	CONSOLE_EV_EVICTED,     /* somebody has taken it by force */
	CONSOLE_EV_UNSUPPORTED, /* it cannot be opened, ever: text */
	CONSOLE_EV_FAILED,      /* opening failed; it will be tried again: text */
	CONSOLE_EV_REBOOTED,
	CONSOLE_EV_PANICKED,
	CONSOLE_EV_PAUSED,
	CONSOLE_EV_RESUMED,
	CONSOLE_EV_MOVED,     /* the guest runs on another hypervisor now: text names it */
	CONSOLE_EV_RECORDING, /* history cannot be written to disk: text; or can again: "" */
	CONSOLE_EV_NOTICE,    /* something to know: text */
	CONSOLE_EV_KEYBOARD,  /* this viewer's mode has changed: who, dropped */
};

/* Why the guest stopped. */
enum console_stop {
	CONSOLE_STOP_UNKNOWN,
	CONSOLE_STOP_SHUTDOWN,
	CONSOLE_STOP_DESTROYED,
	CONSOLE_STOP_CRASHED,
	CONSOLE_STOP_FAILED,
	CONSOLE_STOP_SAVED,
	CONSOLE_STOP_MOVED,
};

struct console_event {
	enum console_event_kind kind;
	enum console_stop stop; /* STOPPED */
	enum viewer_mode mode;  /* KEYBOARD: the new mode */
	const char *text;       /* never NULL */
	const char *who;        /* KEYBOARD: who has it now, or took it; NULL nobody */
	uint64_t outage_us;     /* OPENED */
	size_t dropped;         /* bytes typed that did not reach the guest */
};

/* Whose viewer it is, for those who ask who is here. All of it is borrowed. */
struct viewer_owner {
	const char *who;         /* shown to others */
	struct channel *channel; /* not looked into here; NULL: no session's */
	bool is_reader;          /* a program that reads: not one who is seen at the console */
};

struct viewer_events {
	void (*wake)(void *arg); /* there is something to read */
	/* The input queue takes bytes again, or has been emptied; not when it was empty before
	 * viewer_type and is so before that returns (viewer_typed_pending). */
	void (*room)(void *arg);
	void (*event)(void *arg, const struct console_event *event);
};

/* Joins a console at its journal's end; opens it when it is the first. 0, -EMFILE too many viewers,
 * -ENOMEM. */
int viewer_create(struct console *c, const struct viewer_owner *owner,
	const struct viewer_events *events, void *arg, struct viewer **out) MUST_CHECK;
void viewer_destroy(struct viewer **out);

struct console *viewer_console(const struct viewer *v);
struct journal_reader *viewer_reader(const struct viewer *v);
/* How many bytes it is behind what the guest has printed. */
uint64_t viewer_lag(const struct viewer *v);
const char *viewer_who(const struct viewer *v);
struct channel *viewer_channel(const struct viewer *v);
bool viewer_is_reader(const struct viewer *v);
enum viewer_mode viewer_mode(const struct viewer *v);

/*
 * Asks for the keyboard: 0 it is his; -EBUSY somebody else has it, or it is leased (lease.h), and
 * he waits for it. With force the other one loses it, a lease that is not his ends, and they are
 * told by whom.
 */
int viewer_take(struct viewer *v, int force) MUST_CHECK;
/* Gives it up, and no longer waits for it. */
void viewer_yield(struct viewer *v);

/* Who has the keyboard; NULL nobody. With several writers: one of them. */
struct viewer *console_writer(const struct console *c);

/* Types: as many bytes as there is room for are taken and counted. -EPERM without the keyboard,
 * -ENOTCONN while the console is not open. */
ssize_t viewer_type(struct viewer *v, const uint8_t *data, size_t len) MUST_CHECK;

/* His bytes that the hypervisor has not accepted yet. */
size_t viewer_typed_pending(const struct viewer *v);
/* Loop time at which the hypervisor last accepted input of this console. */
uint64_t console_input_progress(const struct console *c);

#endif
