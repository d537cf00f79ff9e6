/*
 * Types bytes into a console for a verb, at a pace, and knows how much the hypervisor has accepted.
 *
 * It takes the keyboard before its first byte. What it cannot go on for is told once, as a reason
 * and a status; what becomes of the console is the verb's to see.
 */
#ifndef BROKER_SCRIPT_TYPIST_H
#define BROKER_SCRIPT_TYPIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "console/guest/viewer.h"
#include "core/loop.h"
#include "wire/status.h"

struct typist;

#define TYPIST_MAX ((size_t)64 << 10) /* bytes it holds that were not typed yet */
#define TYPIST_PACE_MAX 1000000       /* bytes a second */

struct typist_options {
	struct loop *loop;
	struct viewer *viewer; /* borrowed; outlives it */
	uint64_t pace;         /* bytes a second; 0: as fast as they are taken */
	bool force;            /* takes the keyboard from whoever has it */
	const char *lease;     /* types under the lease of this token; NULL: none */
};

/* May destroy the typist. */
struct typist_events {
	/* The first byte is typed. What the guest prints from typist_offset on may be the answer.
	 */
	void (*begun)(void *arg);
	/* Everything that was added has been accepted. */
	void (*idle)(void *arg);
	/* Nothing more is typed: somebody else has the keyboard, or has taken it; or the lease is
	 * no lease. */
	void (*failed)(void *arg, enum status status, const char *why);
};

int typist_create(const struct typist_options *options, const struct typist_events *events,
	void *arg, struct typist **out) MUST_CHECK;
void typist_destroy(struct typist **out);

/* 0; -ENOBUFS more than it holds; -ENOMEM. It is typed soon. */
int typist_add(struct typist *t, const void *data, size_t len) MUST_CHECK;
/* Soon begun, or idle is told, also when nothing was added. */
void typist_start(struct typist *t);

/* For the viewer's owner to pass on. */
void typist_room(struct typist *t);
void typist_event(struct typist *t, const struct console_event *event);

/* Nothing that was added is still to be typed. */
bool typist_is_empty(const struct typist *t);
bool typist_has_begun(const struct typist *t);
/* Of the output, before the first byte. */
uint64_t typist_offset(const struct typist *t);
/* Bytes that the hypervisor has accepted, and that were added. */
uint64_t typist_accepted(const struct typist *t);
uint64_t typist_added(const struct typist *t);

#endif
