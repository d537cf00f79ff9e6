/*
 * The administrator's program that is run when a hypervisor says that a guest has panicked.
 *
 * No shell: the path and three arguments (UUID, name, offset of the main console), an environment
 * of its own, nothing open but /dev/null. It is killed when it takes too long. One at a time for a
 * guest.
 */
#ifndef BROKER_COMMAND_PANIC_COMMAND_H
#define BROKER_COMMAND_PANIC_COMMAND_H

#include "core/loop.h"

struct guest;
struct panic_commands;

#define PANIC_COMMANDS_MAX 16 /* at once */
#define PANIC_COMMAND_US (60 * LOOP_SECOND)

int panic_commands_create(struct loop *loop, struct panic_commands **commands) MUST_CHECK;
/* Those that run are killed. */
void panic_commands_destroy(struct panic_commands **commands);

/* Logs what becomes of it. */
void panic_command_run(struct panic_commands *all, const char *path, struct guest *g);

#endif
