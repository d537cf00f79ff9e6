/* Task: see panic_command.h. Owner: the broker. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/wait.h>

#include "broker/command/panic_command.h"
#include "console/guest/console.h"
#include "core/log.h"
#include "core/file/trust.h"
#include "core/file/error_text.h"

struct panic_command {
	LIST_ENTRY(panic_command) entry;
	struct panic_commands *all;
	struct loop_child *child;
	struct loop_timer *timer;
	pid_t pid;
	char uuid[UUID_TEXT];
};

struct panic_commands {
	struct loop *loop;
	LIST_HEAD(, panic_command) running;
	unsigned count;
};

static void forget(struct panic_command *p)
{
	LIST_REMOVE(p, entry);
	p->all->count--;
	loop_child_del(&p->child);
	loop_timer_del(&p->timer);
	free(p);
}

static void on_end(void *arg, pid_t pid, int status)
{
	struct panic_command *p = arg;

	if (WIFEXITED(status))
		log_info("on_panic for %s ended with %d", p->uuid, WEXITSTATUS(status));
	else
		log_warning("on_panic for %s was ended by signal %d", p->uuid, WTERMSIG(status));
	forget(p);
}

/* Its whole process group; on_end comes. */
static void on_late(void *arg)
{
	struct panic_command *p = arg;

	log_warning("on_panic for %s takes too long and is killed", p->uuid);
	(void)kill(-p->pid, SIGKILL);
}

/* --- starting --- */

static int prepare(posix_spawn_file_actions_t *files, posix_spawnattr_t *how)
{
	sigset_t none, all;
	int r = 0, fd;

	sigemptyset(&none);
	sigfillset(&all);
	for (fd = 0; fd <= 2 && !r; fd++)
		r = posix_spawn_file_actions_addopen(
			files, fd, "/dev/null", fd ? O_WRONLY : O_RDONLY, 0);
	if (!r)
		r = posix_spawn_file_actions_addclosefrom_np(files, 3);
	if (!r)
		r = posix_spawnattr_setsigmask(how, &none);
	if (!r)
		r = posix_spawnattr_setsigdefault(how, &all);
	if (!r)
		r = posix_spawnattr_setpgroup(how, 0);
	if (!r)
		r = posix_spawnattr_setflags(how,
			POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	return -r;
}

static int spawn(
	const char *path, const char *uuid, const char *name, const char *offset, pid_t *pid)
{
	char search[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char *environment[] = {search, NULL};
	char *arguments[] = {(char *)(uintptr_t)path, (char *)(uintptr_t)uuid,
		(char *)(uintptr_t)name, (char *)(uintptr_t)offset, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t how;
	int r = posix_spawn_file_actions_init(&files);

	if (r)
		return -r;
	r = posix_spawnattr_init(&how);
	if (r) {
		posix_spawn_file_actions_destroy(&files);
		return -r;
	}
	r = prepare(&files, &how);
	if (!r)
		r = -posix_spawn(pid, path, &files, &how, arguments, environment);
	posix_spawnattr_destroy(&how);
	posix_spawn_file_actions_destroy(&files);
	return r;
}

static int start(struct panic_command *p, const char *path, struct guest *g)
{
	struct loop *loop = p->all->loop;
	struct console *console;
	char offset[24] = "0";
	int r = loop_timer_add(loop, &p->timer, on_late, p);

	if (r < 0)
		return r;
	if (guest_console(g, NULL, &console) == 0)
		snprintf(
			offset, sizeof(offset), "%" PRIu64, journal_next(console_journal(console)));
	r = spawn(path, p->uuid, guest_name(g), offset, &p->pid);
	if (r < 0)
		return r;
	loop_timer_set(p->timer, PANIC_COMMAND_US, LOOP_SECOND);
	r = loop_child_add(loop, &p->child, p->pid, on_end, p);
	if (r < 0)
		(void)kill(-p->pid, SIGKILL);
	return r;
}

static bool is_running(const struct panic_commands *all, const char *uuid)
{
	const struct panic_command *p;

	LIST_FOREACH (p, &all->running, entry) {
		if (strcmp(p->uuid, uuid) == 0)
			return true;
	}
	return false;
}

void panic_command_run(struct panic_commands *all, const char *path, struct guest *g)
{
	char why[TRUST_WHY_MAX], room[ERROR_TEXT_ROOM];
	struct panic_command *p;
	int r;

	if (all->count == PANIC_COMMANDS_MAX || is_running(all, guest_uuid_text(g))) {
		log_warning("on_panic for %s is not run: %s", guest_uuid_text(g),
			all->count == PANIC_COMMANDS_MAX ? "too many of them run" : "it runs");
		return;
	}
	if (trust_path(path, why) < 0) {
		log_error("on_panic for %s: %s: %s", guest_uuid_text(g), path, why);
		return;
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		return;
	p->all = all;
	snprintf(p->uuid, sizeof(p->uuid), "%s", guest_uuid_text(g));
	LIST_INSERT_HEAD(&all->running, p, entry);
	all->count++;
	r = start(p, path, g);
	if (r == 0) {
		log_info("VM %s has panicked: %s runs", guest_name(g), path);
		return;
	}
	log_error("on_panic for %s: %s is not run: %s", p->uuid, path,
		error_text(path, -r, X_OK, room));
	forget(p);
}

/* --- life --- */

int panic_commands_create(struct loop *loop, struct panic_commands **commands)
{
	struct panic_commands *all = calloc(1, sizeof(*all));

	if (!all)
		return -ENOMEM;
	all->loop = loop;
	*commands = all;
	return 0;
}

void panic_commands_destroy(struct panic_commands **commands)
{
	struct panic_commands *all = *commands;
	struct panic_command *p, *next;

	*commands = NULL;
	if (!all)
		return;
	for (p = LIST_FIRST(&all->running); p; p = next) {
		next = LIST_NEXT(p, entry);
		(void)kill(-p->pid, SIGKILL);
		forget(p);
	}
	free(all);
}
