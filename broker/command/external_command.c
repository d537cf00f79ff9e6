/*
 * Task: run one program and collect what it prints. Owner: who waits for it.
 * The program gets a session of its own, so that it can be killed with its children.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/command/external_command.h"
#include "core/buf.h"
#include "core/io.h"

#define READ_ROUNDS 16
#define WHY_MAX 160

struct external_command {
	struct loop *loop;
	external_done_fn done;
	void *arg;
	pid_t pid;
	int out;
	struct loop_io *io;
	struct loop_child *child;
	struct loop_timer *timer;
	struct buf text;
	int exited, wait_status;
	bool is_ours;
	char why[WHY_MAX];
};

/* --- the words --- */

/* Appends the value of the {NAME} at *at, or the brace itself. 0, -EINVAL, -ENOMEM. */
static int put_value(const struct external_run *run, const char **at, struct buf *word)
{
	size_t i;

	for (i = 0; i < run->value_count; i++) {
		const struct external_value *v = &run->values[i];
		size_t len = strlen(v->name);

		if (strncmp(*at + 1, v->name, len) != 0 || (*at)[len + 1] != '}')
			continue;
		/* A value must not become an option of its own. */
		if (buf_len(word) == 0 && v->value[0] == '-')
			return -EINVAL;
		*at += len + 2;
		return buf_add(word, v->value, strlen(v->value));
	}
	return buf_add(word, (*at)++, 1);
}

static int next_word(const struct external_run *run, const char **at, char **out)
{
	struct buf word;
	int r = 0;

	buf_init(&word, EXTERNAL_WORD_MAX);
	while (**at && **at != ' ' && r == 0) {
		if (**at == '{')
			r = put_value(run, at, &word);
		else
			r = buf_add(&word, (*at)++, 1);
	}
	*out = NULL;
	if (r == 0 && buf_len(&word) > 0) {
		*out = strndup((const char *)buf_data(&word), buf_len(&word));
		r = *out ? 0 : -ENOMEM;
	}
	buf_finish(&word);
	return r == -ENOBUFS ? -EINVAL : r;
}

struct argv {
	size_t count;
	char *words[EXTERNAL_WORDS_MAX + 1]; /* NULL behind the last */
};

static void argv_finish(struct argv *argv)
{
	while (argv->count > 0)
		free(argv->words[--argv->count]);
}

/* To be finished in any case. */
static int argv_make(const struct external_run *run, struct argv *argv)
{
	const char *at = run->line;
	int r = 0;

	memset(argv, 0, sizeof(*argv));
	while (*at && r == 0) {
		char *word = NULL;

		if (*at == ' ') {
			at++;
			continue;
		}
		r = argv->count == EXTERNAL_WORDS_MAX ? -EINVAL : next_word(run, &at, &word);
		if (word)
			argv->words[argv->count++] = word;
	}
	if (r == 0 && (argv->count == 0 || argv->words[0][0] != '/'))
		r = -EINVAL;
	return r;
}

/* --- the process --- */

/* errors: where what it says on standard error goes; -1: nowhere. */
static int prepare(
	posix_spawn_file_actions_t *files, posix_spawnattr_t *attributes, int output, int errors)
{
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	r = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (!r)
		r = posix_spawn_file_actions_adddup2(files, output, STDOUT_FILENO);
	if (!r && errors >= 0)
		r = posix_spawn_file_actions_adddup2(files, errors, STDERR_FILENO);
	else if (!r)
		r = posix_spawn_file_actions_addopen(
			files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (!r)
		r = posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1);
	if (!r)
		r = posix_spawn_file_actions_addchdir_np(files, "/");
	if (!r)
		r = posix_spawnattr_setsigmask(attributes, &none);
	if (!r)
		r = posix_spawnattr_setsigdefault(attributes, &all);
	if (!r)
		r = posix_spawnattr_setflags(attributes,
			POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
	return r;
}

static int spawn(char *const *words, int output, bool is_ours, pid_t *pid)
{
	static const char path[] = EXTERNAL_PATH;
	char *environment[] = {(char *)(uintptr_t)path, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	int r;

	if (posix_spawn_file_actions_init(&files) != 0)
		return -ENOMEM;
	if (posix_spawnattr_init(&attributes) != 0) {
		posix_spawn_file_actions_destroy(&files);
		return -ENOMEM;
	}
	r = prepare(&files, &attributes, output, is_ours ? output : -1);
	if (!r)
		/* The analyzer takes the words, which are freed by argv_finish, for lost here. */
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		r = posix_spawn(
			pid, words[0], &files, &attributes, words, is_ours ? environ : environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	return -r;
}

/* --- its end --- */

static void free_command(void *arg)
{
	struct external_command *c = arg;

	buf_finish(&c->text);
	free(c);
}

/* Whoever of its session is left goes too. */
static void kill_all(struct external_command *c)
{
	if (c->pid > 0)
		(void)kill(-c->pid, SIGKILL);
}

static void let_go(struct external_command *c)
{
	loop_io_del(&c->io);
	loop_timer_del(&c->timer);
	fd_close(&c->out);
}

/* Nobody waits for what is killed: it may take long to die, at a file server that does not answer.
 */
static void abandon(struct external_command *c)
{
	let_go(c);
	if (!c->exited)
		kill_all(c);
	loop_child_forget(c->loop, &c->child);
	c->done = NULL;
	loop_defer(c->loop, free_command, c);
}

static void finish(struct external_command *c)
{
	external_done_fn done = c->done;
	char *output = NULL;
	size_t len = buf_len(&c->text);

	if (!*c->why && c->exited &&
		!(WIFEXITED(c->wait_status) && (c->is_ours || WEXITSTATUS(c->wait_status) == 0)))
		snprintf(c->why, sizeof(c->why),
			WIFSIGNALED(c->wait_status) ? "it was ended by signal %d"
						    : "it ended with status %d",
			WIFSIGNALED(c->wait_status) ? WTERMSIG(c->wait_status)
						    : WEXITSTATUS(c->wait_status));
	if (!*c->why) {
		output = malloc(len + 1);
		if (output) {
			if (len)
				memcpy(output, buf_data(&c->text), len);
			output[len] = '\0';
		} else {
			snprintf(c->why, sizeof(c->why), "out of memory");
		}
	}
	abandon(c);
	done(c->arg, output, len, c->why);
}

static void fail(struct external_command *c, const char *why)
{
	snprintf(c->why, sizeof(c->why), "%s", why);
	finish(c);
}

static void on_timeout(void *arg)
{
	fail(arg, "it took too long");
}

static void on_child(void *arg, pid_t pid, int wait_status)
{
	struct external_command *c = arg;

	kill_all(c); /* it is reaped after this, so that its number is still its own */
	loop_child_del(&c->child);
	c->exited = 1;
	c->wait_status = wait_status;
	if (c->out < 0)
		finish(c);
}

static void on_output(void *arg, uint32_t revents)
{
	struct external_command *c = arg;
	char part[8192];
	int i;

	for (i = 0; i < READ_ROUNDS; i++) {
		ssize_t len = read(c->out, part, sizeof(part));

		if (len < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (len <= 0) {
			loop_io_del(&c->io);
			fd_close(&c->out);
			if (c->exited)
				finish(c);
			return;
		}
		if (buf_add(&c->text, part, (size_t)len) < 0) {
			fail(c, "it wrote too much");
			return;
		}
	}
}

/* --- life --- */

static int start(struct external_command *c, const struct external_run *run)
{
	struct argv argv;
	int pipes[2] = {-1, -1}, r = argv_make(run, &argv);

	if (!r && pipe2(pipes, O_CLOEXEC) < 0)
		r = -errno;
	c->out = pipes[0];
	if (!r)
		r = fd_nonblock(c->out);
	if (!r)
		r = spawn(argv.words, pipes[1], run->is_ours, &c->pid);
	fd_close(&pipes[1]);
	argv_finish(&argv);
	return r;
}

int external_command_trust(const char *line, char why[TRUST_WHY_MAX])
{
	size_t blanks = strspn(line, " \t");
	char *program = strndup(line + blanks, strcspn(line + blanks, " \t"));
	int r = program ? trust_path(program, why) : -ENOMEM;

	free(program);
	return r;
}

int external_command_run(struct loop *loop, const struct external_run *run, external_done_fn done,
	void *arg, struct external_command **out)
{
	struct external_command *c;
	int r;

	if (loop_children_forgotten(loop) >= EXTERNAL_DYING_MAX)
		return -EBUSY;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->loop = loop;
	c->done = done;
	c->arg = arg;
	c->out = -1;
	c->is_ours = run->is_ours;
	buf_init(&c->text, run->output_max);
	r = loop_timer_add(loop, &c->timer, on_timeout, c);
	if (!r)
		r = start(c, run);
	if (!r)
		r = loop_child_add(loop, &c->child, c->pid, on_child, c);
	if (!r)
		r = loop_io_add(loop, &c->io, c->out, EPOLLIN, on_output, c);
	if (r < 0) {
		kill_all(c);
		loop_child_forget(loop, &c->child);
		let_go(c);
		free_command(c);
		return r;
	}
	loop_timer_set(c->timer, run->timeout_us, LOOP_MSEC);
	*out = c;
	return 0;
}

void external_command_cancel(struct external_command **c)
{
	struct external_command *gone = *c;

	*c = NULL;
	if (gone && gone->done)
		abandon(gone);
}
