/*
 * Gets run to a shell's prompt: types a name and a password where the guest asks for them
 * (run_login.h says when), and gives up after a while. Owned by the verb.
 */
#ifndef BROKER_SCRIPT_RUN_ENTER_H
#define BROKER_SCRIPT_RUN_ENTER_H

#include <stddef.h>
#include <stdint.h>

#include "core/loop.h"
#include "wire/status.h"

struct run_enter;
struct typist;

#define RUN_ENTER_MAX_US (60 * LOOP_SECOND) /* for all of it */
#define RUN_NAME_MAX 64
#define RUN_PASSWORD_MAX 255

struct run_enter_options {
	struct loop *loop;
	struct typist *typist; /* borrowed; outlives it */
	const char *name;      /* copied */
	const char *password;  /* copied, and wiped when it was typed; NULL: there is none */
};

/* Once one of them, never from inside run_enter_create. May destroy it. */
struct run_enter_events {
	void (*entered)(void *arg);
	void (*failed)(void *arg, enum status status, const char *why);
};

/* 0, -ENOMEM. Types Enter soon. */
int run_enter_create(const struct run_enter_options *options, const struct run_enter_events *events,
	void *arg, struct run_enter **out) MUST_CHECK;
void run_enter_destroy(struct run_enter **out);

/* The guest's output. */
void run_enter_output(struct run_enter *e, const uint8_t *data, size_t len);

#endif
