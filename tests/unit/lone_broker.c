/* Task: see lone_broker.h. */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/login/connections.h"
#include "broker/access/guard.h"
#include "broker/login/review.h"
#include "core/io.h"
#include "core/log.h"

#include "lone_broker.h"

#define PATH_ROOM 256

struct broker {
	char folder[32];
	struct loop *loop;
	struct config *config;
	struct access *access;
	struct guard guard;
	struct review *review;
	struct directory *directory;
	struct connections *connections;
	struct login_list logins;
	uint64_t next_id;
	unsigned reloads;
};

static void check(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "lone_broker: %s\n", what);
	abort();
}

/* --- what broker/broker.c answers --- */

struct loop *broker_loop(const struct broker *b)
{
	return b->loop;
}

const struct config *broker_config(const struct broker *b)
{
	return b->config;
}

struct directory *broker_directory(const struct broker *b)
{
	return b->directory;
}

const struct access *broker_access(const struct broker *b)
{
	return b->access;
}

struct audit *broker_audit(const struct broker *b)
{
	return b->guard.audit;
}

struct refusals *broker_refusals(const struct broker *b)
{
	return b->guard.refusals;
}

struct external *broker_external(const struct broker *b)
{
	return b->guard.external;
}

struct throttle *broker_throttle(const struct broker *b)
{
	return b->guard.throttle;
}

struct tickets *broker_tickets(const struct broker *b)
{
	return b->guard.tickets;
}

struct matcher *broker_matcher(const struct broker *b)
{
	return NULL;
}

struct connections *broker_connections(const struct broker *b)
{
	return b->connections;
}

struct job_pool *broker_readers(const struct broker *b)
{
	return b->guard.readers;
}

unsigned broker_methods(const struct broker *b)
{
	return WIRE_CAN_PUBLICKEY | WIRE_CAN_PASSWORD | WIRE_CAN_INTERACTIVE;
}

size_t broker_hypervisor_count(const struct broker *b)
{
	return 0;
}

struct hypervisor *broker_hypervisor(const struct broker *b, size_t index)
{
	return NULL;
}

struct login *broker_first_login(const struct broker *b)
{
	return LIST_FIRST(&b->logins);
}

struct login_list *broker_logins(struct broker *b)
{
	return &b->logins;
}

int broker_reload(struct broker *b, struct config_errors *errors)
{
	b->reloads++;
	return 0;
}

/* --- making it --- */

static const char *in_folder(const struct broker *b, const char *name)
{
	static char path[PATH_ROOM];

	snprintf(path, sizeof(path), "%s/%s", b->folder, name);
	return path;
}

static void put(const struct broker *b, const char *name, const char *text)
{
	check(write_file(in_folder(b, name), text, strlen(text), 0600) == 0, name);
}

static void load(struct broker *b, const char *sections, const char *keys)
{
	struct config_errors errors = {0};
	char *text;
	int r;

	put(b, "keys", keys);
	put(b, "guests", LONE_VM_UUID " 4000000000 serial:0 " LONE_VM "\n");
	r = asprintf(&text,
		"[daemon]\nstate_dir = %s\nrun_dir = %s\n[history]\nrecord = none\n"
		"[auth]\nauthorized_keys = %s/keys\n%s",
		b->folder, b->folder, b->folder, sections);
	check(r > 0, "memory");
	put(b, "conf", text);
	free(text);
	r = config_load(in_folder(b, "conf"), &b->config, &errors);
	if (r == 0)
		r = access_load(b->config, &b->access, &errors);
	config_errors_print(stderr, &errors);
	config_errors_finish(&errors);
	check(r == 0, "configuration");
}

static const struct reports *reports(void *arg)
{
	const struct broker *b = arg;

	return &b->access->credentials->reports;
}

static void on_credentials(void *arg, struct credentials *fresh)
{
	struct broker *b = arg;

	access_set_credentials(b->access, fresh);
	review_soon(b->review);
}

static void nothing(void *arg)
{
}

static void quiet(void *arg, enum log_level level, const char *tag, const char *text)
{
}

struct broker *lone_broker_create(const char *sections, const char *keys)
{
	struct broker *b = calloc(1, sizeof(*b));
	struct console_options options = {.history_memory = 65536};
	struct guard_owner owner;

	check(b != NULL, "memory");
	log_set_sink(quiet, NULL);
	LIST_INIT(&b->logins);
	snprintf(b->folder, sizeof(b->folder), "/tmp/lone.XXXXXX");
	check(mkdtemp(b->folder) != NULL, "folder");
	b->loop = loop_create();
	check(b->loop != NULL, "loop");
	load(b, sections, keys);
	check(review_create(b, &b->review) == 0, "review");
	owner = (struct guard_owner){{reports, on_credentials, b}, review_soon, b->review};
	check(guard_init(&b->guard, b->loop, b->config, &owner) == 0, "guard");
	options.state_dir = b->folder;
	check(directory_create(b->loop, b->folder, &options, &b->directory) == 0, "directory");
	check(connections_create(b, nothing, b, &b->connections) == 0, "connections");
	return b;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

void lone_broker_destroy(struct broker *b)
{
	struct login *login;

	while ((login = LIST_FIRST(&b->logins)))
		login_close(login, "the test is over");
	directory_destroy(&b->directory);
	guard_finish(&b->guard);
	review_destroy(&b->review);
	loop_destroy(b->loop);
	connections_destroy(&b->connections);
	access_destroy(&b->access);
	config_free(b->config);
	nftw(b->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(b);
}

const char *lone_broker_folder(const struct broker *b)
{
	return b->folder;
}

unsigned lone_broker_reloads(const struct broker *b)
{
	return b->reloads;
}

void lone_broker_set_keys(struct broker *b, const char *keys)
{
	struct config_errors errors = {0};
	struct access *fresh = NULL, *old = b->access;

	put(b, "keys", keys);
	check(access_load(b->config, &fresh, &errors) == 0, "keys");
	config_errors_finish(&errors);
	b->access = fresh;
	review_now(b->review);
	access_destroy(&old);
}

/* --- using it --- */

void lone_broker_connect(struct broker *b, const char *address, uid_t uid, struct line *line)
{
	const struct ucred peer = {.pid = getpid(), .uid = uid, .gid = uid};
	struct login_options options = {.broker = b,
		.kind = address ? LOGIN_SSH : LOGIN_LOCAL,
		.id = b->next_id++,
		.address = address,
		.peer = address ? NULL : &peer};
	struct login *login;
	int fds[2];

	check(line_pair(fds) == 0, "line");
	options.fd = fds[0];
	line_init(line, fds[1], address ? WIRE_LOGIN : WIRE_LOCAL, WIRE_DOOR);
	check(login_create(&options, &login) == 0, "login");
	login_link(login, &b->logins);
}

void lone_broker_turn(struct broker *b, unsigned rounds)
{
	while (rounds-- > 0 && loop_turn(b->loop, 0) > 0)
		;
}

int lone_broker_receive(
	struct broker *b, struct line *line, struct line_message *m, unsigned seconds)
{
	uint64_t end = loop_now(b->loop) + seconds * LOOP_SECOND;
	int r = -1;

	while (r < 0 && loop_now(b->loop) < end) {
		(void)loop_turn(b->loop, 10 * LOOP_MSEC);
		r = line_receive(line, m);
		if (r < 0 && r != -EAGAIN)
			r = 0;
	}
	return r;
}
