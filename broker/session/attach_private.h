/*
 * What attach.c (life and rights) and the other attach_*.c share. Nobody else includes it.
 */
#ifndef BROKER_SESSION_ATTACH_PRIVATE_H
#define BROKER_SESSION_ATTACH_PRIVATE_H

#include <inttypes.h>
#include <stdbool.h>

#include "broker/session/attach.h"
#include "broker/log/history.h"
#include "broker/login/login.h"
#include "console/guest/console.h"
#include "core/buf.h"
#include "core/pace.h"
#include "vt/asks.h"
#include "vt/escape_key.h"

struct console_control;

enum attach_state {
	ATTACH_RUNS,
	ATTACH_DRAINS, /* it ends as soon as the output so far is sent */
	ATTACH_ENDED,  /* the channel has let go */
};

/* What the next byte of a person's is, after an escape command that takes more than a key. */
enum attach_due {
	ATTACH_DUE_NOTHING,
	ATTACH_DUE_SYSRQ,  /* the key of a sysrq */
	ATTACH_DUE_POWER,  /* the key of an order */
	ATTACH_DUE_ANSWER, /* whether the order is meant */
};

/* What the timer `wait` runs for. */
enum attach_wait {
	ATTACH_WAITS_GUEST,   /* the guest to start; without --wait, its console to open */
	ATTACH_WAITS_CONSOLE, /* the guest has come in time: its console */
	ATTACH_WAITS_PANIC,   /* the guest has panicked: its last words */
};

/* Why the console cannot be had, as the user knows. */
enum attach_told {
	ATTACH_TOLD_NOTHING,
	ATTACH_TOLD_ERROR, /* it does not open */
	ATTACH_TOLD_HELD,  /* another client of the hypervisor has it */
};

/* The last word of a session that drains. */
struct attach_end {
	enum status status;
	uint64_t offset;       /* output up to here is still sent */
	uint64_t seen_reached; /* at the last look at whether the client takes any */
	char text[512];
};

/* What the terminal sends by itself. It goes to a guest that has asked this terminal. */
struct attach_reports {
	uint64_t promoted;  /* loop time at which a watcher got the keyboard; 0: he has been asked
			       since */
	uint64_t looked_to; /* journal offset up to which no question came since */
	struct vt_asks asks;
	bool began_before; /* a sequence was in the middle then */
	bool passes;       /* the answer that is being sent is typed */
};

struct attach {
	enum attach_state state;
	struct channel *channel;
	struct console *console;
	struct viewer *viewer;
	struct loop *loop;
	struct attach_options options;
	bool pty;
	bool may_type;

	/* output */
	uint64_t live_from;            /* journal bytes before it are history */
	struct history history;        /* its filter: while history is shown, and till it joins */
	struct journal_query *finding; /* history is looked for on disk: nothing is shown yet */
	uint64_t sent_from; /* nothing before it was sent since the session, or a replay, began */
	uint64_t reached;   /* all before it was sent, or not wanted: where to resume */
	struct attach_repaint *repaint; /* the screen itself is being drawn; NULL: no */
	bool is_painting;               /*   and part of it was sent */
	bool is_repainted;              /* the terminal has the modes of where output goes on */
	bool mark_due;                  /* pty: that live output begins is still to be said */
	struct loop_timer *batch;
	struct pace pace; /* of output; begins anew with what is typed */
	bool pump_deferred;
	uint64_t last_output; /* loop time at which output was last seen; for linger */

	/* input */
	struct escape_key escape;
	struct loop_timer *key_rest; /* an ESC was typed: for what it may begin */
	struct attach_reports reports;
	bool paste_open; /* the guest has the beginning of a paste, and not its end */
	enum attach_due due;
	bool size_due;                   /* is typed when the console is open */
	enum power_kind power_kind;      /* ANSWER, and while one is under way */
	struct guest_power *power;       /* one is under way */
	uint64_t rests_until;            /* loop time: after a command, no input is taken before */
	struct console_control *control; /* a break and the like is under way */
	struct loop_timer *stall;        /* input is held back: until when */
	bool dropping; /* the guest takes nothing: input is read for the escape only */
	size_t dropped;
	uint64_t last_input;       /* loop time of the last input, or of its last acceptance */
	uint64_t told_no_keyboard; /* loop time; 0 never */

	/* after the end of input */
	bool input_ended;
	uint64_t ended_at; /* loop time from which linger_max counts */
	struct loop_timer *linger;

	/* notices */
	struct buf held;  /* pty: what waits for the end of a sequence */
	struct buf said;  /* pty: what stands on the last rows, till more is printed */
	uint64_t said_at; /* journal offset */
	struct loop_timer *hold;

	/* waiting */
	struct loop_timer *wait; /* for the guest, or for the console to open */
	enum attach_wait waits;
	enum attach_told told; /* said once until the console opens */
	bool has_opened;
	struct loop_timer *idle;
	uint64_t last_activity;

	bool end_told; /* by the session itself, with the offset where that matters */
	struct loop_timer *drain;
	struct attach_end end;
};

/* After an attach_exit: it has no viewer and no timers any more. What is said to a client who has
 * gone ends nothing in place. */
static inline bool attach_is_over(const struct attach *a)
{
	return a->state == ATTACH_ENDED;
}

/* What follows needs nothing of what stands behind it. */

/* attach_say.c: on a pty a notice is a line of its own in the stream; else on standard error */
int attach_say_init(struct attach *a) MUST_CHECK;
void attach_say_finish(struct attach *a);
void attach_notice(struct attach *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Output was sent: what is held back may be said now. */
void attach_say_after_output(struct attach *a);
/* The terminal is left: what is held back is said. */
void attach_say_last(struct attach *a);

/* attach_output.c */
void attach_wake(void *arg);     /* viewer event: something to read */
void attach_writable(void *arg); /* channel: takes more */
void attach_begun(struct attach *a);
void attach_start_history(struct attach *a);
void attach_replay_screen(struct attach *a); /* again, for the escape key */
void attach_output_finish(struct attach *a);
/* Shows what there is of the bytes; or what follows offset on a screen that was painted up to it,
 * with the mark of live output. */
void attach_show_bytes(struct attach *a);
void attach_show_behind(struct attach *a, uint64_t offset);
void attach_booted(struct attach *a);
/* Whether output that is there was not sent yet. */
bool attach_is_behind(const struct attach *a);

/* attach_repaint.c */
#define ATTACH_LIVE_MARK "live output from offset %" PRIu64
/* The screen itself, where that is to be had: true, and one of the two before follows. */
bool attach_repaint_begin(struct attach *a);
void attach_repaint_writable(struct attach *a);
void attach_repaint_finish(struct attach *a);

/* attach_end.c: ends the session now, or behind the output there is so far. */
void attach_exit(struct attach *a, enum status status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void attach_exit_after_output(struct attach *a, enum status status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void attach_on_drain(void *arg);

/* attach_wait.c */
/* The limit of waiting runs for a guest that is off, or for the console of one that runs. */
void attach_start_wait(struct attach *a);
void attach_on_wait(void *arg);
/* Ends the session: the guest is off or away, and nobody waits for it. */
void attach_say_absent(struct attach *a);

/* attach_keyboard.c */
void attach_ask_keyboard(struct attach *a);
/* For the escape key: takes it, if that is allowed. */
void attach_force_keyboard(struct attach *a);
/* Without a pty: the first byte takes it. 0 when it is ours; else the session ends. */
int attach_take_for_script(struct attach *a) MUST_CHECK;
/* Whether ^C may be typed for the client's signal. */
bool attach_may_interrupt(struct attach *a) MUST_CHECK;
void attach_notify_no_keyboard(struct attach *a);

/* attach_stall.c */
/* The console takes input from now on (again), or the mode has changed. */
void attach_input_again(struct attach *a);
void attach_leave(struct attach *a);
void attach_room(void *arg); /* viewer event */
void attach_on_stall(void *arg);

/* attach_describe.c */
#define ATTACH_HINT_MAX 32
const char *attach_leave_hint(const struct attach *a, char out[ATTACH_HINT_MAX]);
void attach_header(struct attach *a);
void attach_status_notice(struct attach *a);
void attach_help_notice(struct attach *a);
void attach_who_notice(struct attach *a);

/* attach_report.c */
/* A watcher has the keyboard now. */
void attach_promoted(struct attach *a);
/* Whether what the terminal sends by itself is typed. */
bool attach_report_passes(struct attach *a, const struct escape_found *f);

/* attach_size.c */
/* All of it, or nothing. */
bool attach_type_whole(struct attach *a, const char *text, size_t len) MUST_CHECK;
void attach_type_size(struct attach *a);
/* attach --size: the console is open. */
void attach_type_first_size(struct attach *a);

/* attach_control.c */
void attach_break(void *arg, uint32_t ms); /* the client's own break request */
void attach_control_key(struct attach *a, uint8_t escape);
void attach_sysrq(struct attach *a, uint8_t key);

/* attach_power.c */
void attach_power_begin(struct attach *a); /* attach --power */
void attach_power_ask(struct attach *a);
void attach_power_key(struct attach *a, uint8_t key);
void attach_power_answer(struct attach *a, uint8_t key);

/* attach_input.c */
size_t attach_input(void *arg, const uint8_t *data, size_t len);
void attach_on_key_rest(void *arg);
/* What is held back is offered again. */
void attach_resume_input(struct attach *a);
/* The session ends: a paste that the guest has the beginning of is ended. */
void attach_end_paste(struct attach *a);
void attach_signal(void *arg, enum channel_signal signal);

/* attach_linger.c */
void attach_input_end(void *arg);
void attach_on_linger(void *arg);

/* attach_notice.c */
void attach_event(void *arg, const struct console_event *event); /* viewer event */
/* The guest is off, away or held at the beginning: says so, or ends the session. */
void attach_say_state(struct attach *a);

#endif
