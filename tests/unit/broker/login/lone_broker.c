/* Task: see lone_broker.h. */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/connections/connections.h"
#include "broker/access/access.h"
#include "broker/access/auth_services.h"
#include "broker/dump/making.h"
#include "broker/files/file_store.h"
#include "broker/login/login_counts.h"
#include "broker/login/review.h"
#include "broker/serve/file_session.h"
#include "broker/verbs/verbs.h"
#include "console/guest/directory.h"
#include "core/io.h"
#include "core/log.h"

#include "lone_broker.h"

#define PATH_ROOM 256

struct lone_broker {
	char folder[32];
	struct broker_context context;
	struct config *config;
	struct auth_services services;
	struct review *review;
	struct login_list logins;
	struct login_counts counts;
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

/* --- making it --- */

static const char *in_folder(const struct lone_broker *b, const char *name)
{
	static char path[PATH_ROOM];

	snprintf(path, sizeof(path), "%s/%s", b->folder, name);
	return path;
}

static void put(const struct lone_broker *b, const char *name, const char *text)
{
	check(write_file(in_folder(b, name), text, strlen(text), 0600) == 0, name);
}

static void load(struct lone_broker *b, const char *sections, const char *keys)
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
		r = access_load(b->config, &b->context.access, &errors);
	config_errors_print(stderr, &errors);
	config_errors_finish(&errors);
	check(r == 0, "configuration");
	b->context.config = b->config;
	b->context.access->tickets = 1;
}

static const struct reports *reports(void *arg)
{
	const struct lone_broker *b = arg;

	return &b->context.access->credentials->reports;
}

static void on_credentials(void *arg, struct credentials *fresh)
{
	struct lone_broker *b = arg;

	access_set_credentials(b->context.access, fresh);
	review_soon(b->review);
}

static int reload(void *arg, struct config_errors *errors)
{
	struct lone_broker *b = arg;

	b->reloads++;
	return 0;
}

static void fill_context(struct lone_broker *b)
{
	struct broker_context *c = &b->context;

	c->logins = &b->logins;
	c->counts = &b->counts;
	c->audit = b->services.audit;
	c->deeds = b->services.deeds;
	c->refusals = b->services.refusals;
	c->external = b->services.external;
	c->throttle = b->services.throttle;
	c->tickets = b->services.tickets;
	c->deposits = b->services.deposits;
	c->readers = b->services.readers;
	c->asked = verbs_dispatch;
	c->files_asked = file_session_begin;
	c->ceiling = verb_ceiling;
	c->reload = reload;
	c->reload_arg = b;
}

static void nothing(void *arg)
{
}

static void quiet(void *arg, enum log_level level, const char *tag, const char *text)
{
}

struct lone_broker *lone_broker_create(const char *sections, const char *keys)
{
	struct lone_broker *b = calloc(1, sizeof(*b));
	struct console_options options = {.history_memory = 65536};
	struct auth_services_owner owner;

	check(b != NULL, "memory");
	log_set_sink(quiet, NULL);
	LIST_INIT(&b->logins);
	snprintf(b->folder, sizeof(b->folder), "/tmp/lone.XXXXXX");
	check(mkdtemp(b->folder) != NULL, "folder");
	b->context.loop = loop_create();
	check(b->context.loop != NULL, "loop");
	load(b, sections, keys);
	check(review_create(&b->context, &b->review) == 0, "review");
	owner = (struct auth_services_owner){
		{reports, on_credentials, nothing, b}, review_soon, b->review};
	check(auth_services_init(&b->services, b->context.loop, b->config, &owner) == 0,
		"services");
	fill_context(b);
	check(makings_create(b->context.loop, b->services.deeds, NULL, in_folder(b, "store"),
		      &b->context.makings) == 0,
		"makings");
	options.state_dir = b->folder;
	check(directory_create(b->context.loop, b->folder, &options, &b->context.directory) == 0,
		"directory");
	check(file_store_create(b->context.loop, b->folder, &b->context.files) == 0, "files");
	check(connections_create(&b->context, nothing, b, &b->context.connections) == 0,
		"connections");
	return b;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

void lone_broker_destroy(struct lone_broker *b)
{
	struct login *login;

	while ((login = LIST_FIRST(&b->logins)))
		login_close(login, "the test is over");
	makings_destroy(&b->context.makings);
	file_store_destroy(&b->context.files);
	directory_destroy(&b->context.directory);
	auth_services_finish(&b->services);
	review_destroy(&b->review);
	loop_destroy(b->context.loop);
	connections_destroy(&b->context.connections);
	access_destroy(&b->context.access);
	config_free(b->config);
	nftw(b->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(b);
}

const struct broker_context *lone_broker_context(const struct lone_broker *b)
{
	return &b->context;
}

const char *lone_broker_folder(const struct lone_broker *b)
{
	return b->folder;
}

unsigned lone_broker_reloads(const struct lone_broker *b)
{
	return b->reloads;
}

void lone_broker_set_keys(struct lone_broker *b, const char *keys)
{
	struct config_errors errors = {0};
	struct access *fresh = NULL, *old = b->context.access;

	put(b, "keys", keys);
	check(access_load(b->config, &fresh, &errors) == 0, "keys");
	config_errors_finish(&errors);
	fresh->tickets = 1;
	b->context.access = fresh;
	/* As a reload does, or a look at the old ones that is under way brings them back. */
	check(auth_services_configure(&b->services, b->config) == 0, "services");
	review_now(b->review);
	access_destroy(&old);
}

/* --- using it --- */

static void connect_as(struct lone_broker *b, const struct login_options *as, enum wire_line kind,
	struct line *line)
{
	struct login_options options = *as;
	struct login *login;
	int fds[2];

	check(line_pair(fds) == 0, "line");
	options.context = &b->context;
	options.id = b->next_id++;
	options.fd = fds[0];
	line_init(line, fds[1], kind, WIRE_DOOR);
	check(login_create(&options, &login) == 0, "login");
	login_link(login, &b->logins);
}

void lone_broker_connect(struct lone_broker *b, const char *address, uid_t uid, struct line *line)
{
	const struct ucred peer = {.pid = getpid(), .uid = uid, .gid = uid};
	const struct login_options options = {.kind = address ? LOGIN_SSH : LOGIN_LOCAL,
		.address = address,
		.peer = address ? NULL : &peer};

	connect_as(b, &options, address ? WIRE_LOGIN : WIRE_LOCAL, line);
}

void lone_broker_connect_https(struct lone_broker *b, const char *address, struct line *line)
{
	const struct login_options options = {.kind = LOGIN_HTTPS, .address = address};

	connect_as(b, &options, WIRE_HTTPS, line);
}

void lone_broker_connect_http(struct lone_broker *b, uid_t uid, struct line *line)
{
	const struct ucred peer = {.pid = getpid(), .uid = uid, .gid = uid};
	const struct login_options options = {.kind = LOGIN_HTTP, .peer = &peer};

	connect_as(b, &options, WIRE_HTTPS, line);
}

void lone_broker_turn(struct lone_broker *b, unsigned rounds)
{
	while (rounds-- > 0 && loop_turn(b->context.loop, 0) > 0)
		;
}

int lone_broker_receive(
	struct lone_broker *b, struct line *line, struct line_message *m, unsigned seconds)
{
	uint64_t end = loop_now(b->context.loop) + seconds * LOOP_SECOND;
	int r = -1;

	while (r < 0 && loop_now(b->context.loop) < end) {
		(void)loop_turn(b->context.loop, 10 * LOOP_MSEC);
		r = line_receive(line, m);
		if (r < 0 && r != -EAGAIN)
			r = 0;
	}
	return r;
}
