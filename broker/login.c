/*
 * Task: a login line: authentication, channels, rights, the end. Owner: the broker.
 * Everything that comes over it is hostile: the door may be broken.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "broker/broker.h"
#include "broker/login.h"
#include "core/log.h"
#include "wire/line.h"

#define READ_ROUNDS 8
#define END_US (5 * LOOP_SECOND) /* for the door to close after BYE */
#define FOUND_MAX 8

enum login_state { LOGIN_UNKNOWN, LOGIN_KNOWN, LOGIN_ENDING, LOGIN_SAID_BYE, LOGIN_CLOSED };

struct login {
	LIST_ENTRY(login) entry;
	struct login_options options;
	enum login_state state;
	struct line line;
	struct loop_io *io;
	struct loop_timer *timer; /* runs at the end only */
	char tag[LOG_TAG_MAX];
	char address[64];
	struct ucred peer;
	char *name;
	char client[WIRE_VERSION_MAX + 1];
	char *who;
	struct identity *identity;
	struct grant *grant;
	struct channel_list channels;
	unsigned channel_count, channel_number;
	int64_t since;
	struct wire_bye bye;
	char *bye_reason;
};

/* --- what is so --- */

struct loop *login_loop(const struct login *login)
{
	return broker_loop(login->options.broker);
}

struct broker *login_broker(const struct login *login)
{
	return login->options.broker;
}

uint64_t login_id(const struct login *login)
{
	return login->options.id;
}

const char *login_tag(const struct login *login)
{
	return login->tag;
}

const char *login_name(const struct login *login)
{
	return login->name ? login->name : "";
}

const char *login_who(const struct login *login)
{
	return login->who ? login->who : "nobody";
}

const char *login_address(const struct login *login)
{
	return login->address;
}

int login_is_local(const struct login *login)
{
	return login->options.kind == LOGIN_LOCAL;
}

int64_t login_since(const struct login *login)
{
	return login->since;
}

struct channel *login_first_channel(const struct login *login)
{
	return LIST_FIRST(&login->channels);
}

int login_is_host(const struct login *login)
{
	return strcmp(login_name(login), "vmconsole") == 0 ||
	       strcmp(login_name(login), "ovirt-vmconsole") == 0;
}

struct login *login_next(const struct login *login)
{
	return LIST_NEXT(login, entry);
}

void login_link(struct login *login, struct login_list *list)
{
	LIST_INSERT_HEAD(list, login, entry);
}

/* --- rights --- */

unsigned login_rights(const struct login *login, const struct guest *guest)
{
	struct hypervisor *h = guest_hypervisor(guest);
	struct rule_vm vm = {.uuid = guest_uuid_text(guest),
		.name = guest_name(guest),
		.hypervisor = h ? hypervisor_name(h) : NULL};

	return login->grant ? grant_rights(login->grant, &vm) : 0;
}

unsigned login_host_rights(const struct login *login)
{
	return login->grant ? grant_host_rights(login->grant) : 0;
}

static int make_grant(struct login *login)
{
	const struct access *access = broker_access(login->options.broker);
	struct grant *grant = NULL;
	int r = grant_create(access->rules, login->identity, &grant);

	if (r < 0)
		return r;
	grant_destroy(login->grant);
	login->grant = grant;
	return 0;
}

void login_rights_changed(struct login *login)
{
	if (login->identity && make_grant(login) < 0)
		login_close(login, "out of memory");
}

static int may_see(void *arg, const struct guest *guest)
{
	return login_rights(arg, guest) != 0;
}

static void list_found(char text[512], struct guest **found, size_t count, const char *name)
{
	size_t used = (size_t)snprintf(text, 512, "%.100s is ambiguous:", name), i;

	for (i = 0; i < count && used + UUID_TEXT + 2 < 512; i++)
		used += (size_t)snprintf(text + used, 512 - used, " %s", guest_uuid_text(found[i]));
}

int login_resolve(
	struct login *login, char *name, struct guest **guest, const char **device, char text[512])
{
	struct directory *d = broker_directory(login->options.broker);
	struct guest *found[FOUND_MAX];
	size_t count = 0;
	char *plus = strrchr(name, '+');
	int r;

	*device = NULL;
	r = directory_resolve(d, name, may_see, login, found, FOUND_MAX, &count);
	if (r == -ENOENT && plus && plus != name) {
		*plus = '\0';
		*device = plus + 1;
		r = directory_resolve(d, name, may_see, login, found, FOUND_MAX, &count);
	}
	if (r == -ENOENT)
		snprintf(text, 512, "no VM %.200s", name);
	else if (r < 0)
		list_found(text, found, count, name);
	else
		*guest = found[0];
	return r;
}

/* --- authentication --- */

static void answer(struct login *login, enum wire_verdict verdict, int probe, const char *reason)
{
	struct wire_verdict_msg m = {.verdict = (uint8_t)verdict, .methods = WIRE_CAN_PUBLICKEY};
	int r;

	if (verdict == WIRE_ACCEPTED && login->identity)
		m.may_pty = login->identity->pty_allowed;
	r = line_send(&login->line, WIRE_VERDICT, &m, reason, strnlen(reason, WIRE_REASON_MAX));
	if (r < 0) {
		login_close(login, "door does not listen");
		return;
	}
	login->line.state = verdict == WIRE_ACCEPTED && !probe ? WIRE_RUNNING : WIRE_FRESH;
}

static int set_name(struct login *login, const struct line_message *m, size_t len)
{
	free(login->name);
	login->name = NULL;
	if (len == 0 || memchr(m->payload, '\0', len))
		return -EINVAL;
	login->name = strndup((const char *)m->payload, len);
	return login->name ? 0 : -ENOMEM;
}

/* identity may be NULL on return: why tells. */
static struct identity *judge_key(
	struct login *login, const struct line_message *m, size_t name_len, char why[LOGIN_WHY_MAX])
{
	const struct access *access = broker_access(login->options.broker);
	struct login_proof proof = {.blob = {m->payload + name_len, m->payload_len - name_len},
		.address = login->options.address ? login->address : NULL,
		.now = time(NULL)};
	struct identity *identity = NULL;
	int r = login_by_key(&access->sources, &proof, &identity, why);

	if (r == -ENOMEM)
		snprintf(why, LOGIN_WHY_MAX, "out of memory");
	return r < 0 ? NULL : identity;
}

/* Root and the daemon's own user may do all; others what user:NAME is allowed. */
static struct identity *judge_peer(struct login *login, char why[LOGIN_WHY_MAX])
{
	char room[4096], number[32];
	struct passwd entry, *found = NULL;
	struct identity *identity = NULL;
	const char *name = number;

	if (!login_is_local(login)) {
		snprintf(why, LOGIN_WHY_MAX, "no local connection");
		return NULL;
	}
	snprintf(number, sizeof(number), "%u", (unsigned)login->peer.uid);
	if (getpwuid_r(login->peer.uid, &entry, room, sizeof(room), &found) == 0 && found)
		name = found->pw_name;
	if (identity_create(FACT_USER, name, &identity) < 0) {
		snprintf(why, LOGIN_WHY_MAX, "out of memory");
		return NULL;
	}
	identity->pty_allowed = true;
	identity->everything = login->peer.uid == 0 || login->peer.uid == geteuid();
	return identity;
}

static int set_who(struct login *login)
{
	const struct identity *id = login->identity;

	free(login->who);
	if (asprintf(&login->who, *id->comment ? "%s (%s)" : "%s", id->text, id->comment) < 0)
		login->who = NULL;
	return login->who ? 0 : -ENOMEM;
}

static void accept_login(struct login *login, enum wire_method method)
{
	if (set_who(login) < 0 || make_grant(login) < 0) {
		login_close(login, "out of memory");
		return;
	}
	login->state = LOGIN_KNOWN;
	login->since = time(NULL);
	log_write(LOG_LEVEL_INFO, login->tag, "%s logged in as %s from %s, client %s", login->who,
		login->name, login->address, login->client);
	if (login->options.authenticated)
		login->options.authenticated(login->options.arg);
	answer(login, WIRE_ACCEPTED, 0, "");
}

static void judge(
	struct login *login, const struct line_message *m, enum wire_method method, size_t name_len)
{
	char why[LOGIN_WHY_MAX] = "";
	struct identity *identity;

	if (method == WIRE_AUTH_PEER)
		identity = judge_peer(login, why);
	else
		identity = judge_key(login, m, name_len, why);
	if (identity && rules_any(broker_access(login->options.broker)->rules, identity) == 0) {
		snprintf(why, sizeof(why), "%.140s: no [access] section is for it", identity->text);
		identity_destroy(identity);
		identity = NULL;
	}
	if (!identity) {
		log_write(LOG_LEVEL_INFO, login->tag, "login as %s from %s refused: %s",
			login->name, login->address, why);
		answer(login, WIRE_DENIED, 0, login_is_local(login) ? why : "");
		return;
	}
	if (method == WIRE_AUTH_PROBE) {
		identity_destroy(identity);
		answer(login, WIRE_ACCEPTED, 1, "");
		return;
	}
	login->identity = identity;
	accept_login(login, method);
}

static void on_auth(struct login *login, const struct line_message *m)
{
	struct wire_auth auth;

	memcpy(&auth, m->fixed, sizeof(auth));
	if (set_name(login, m, auth.login_len) < 0) {
		answer(login, WIRE_DENIED, 0, "bad login name");
		return;
	}
	switch ((enum wire_method)auth.method) {
	case WIRE_AUTH_PROBE:
	case WIRE_AUTH_PUBLICKEY:
	case WIRE_AUTH_PEER:
		judge(login, m, auth.method, auth.login_len);
		break;
	case WIRE_AUTH_NONE:
	case WIRE_AUTH_PASSWORD:
	case WIRE_AUTH_INTERACTIVE:
		answer(login, WIRE_DENIED, 0, "");
		break;
	}
}

/* --- channels --- */

static void on_open(struct login *login, struct line_message *m)
{
	uint64_t max = broker_config(login->options.broker)->ssh.max_channels;
	struct channel *c;
	int fd = line_take_fd(m, 0);

	if (login->state != LOGIN_KNOWN || login->channel_count >= max) {
		close(fd); /* the door keeps the limit itself; this is for a broken one */
		return;
	}
	if (channel_accept(login, fd, login->channel_number++, &c) < 0) {
		close(fd);
		return;
	}
	channel_link(c, &login->channels);
	login->channel_count++;
}

static void say_bye(struct login *login)
{
	const char *reason = login->bye_reason ? login->bye_reason : "";

	login->state = LOGIN_SAID_BYE;
	loop_timer_set(login->timer, END_US, 0);
	if (line_send(&login->line, WIRE_BYE, &login->bye, reason,
		    strnlen(reason, WIRE_REASON_MAX)) < 0)
		login_close(login, "door does not listen");
}

void login_channel_closed(struct login *login)
{
	login->channel_count--;
	if (login->state == LOGIN_ENDING && login->channel_count == 0)
		say_bye(login);
}

void login_end(struct login *login, enum status status, const char *reason)
{
	struct channel *c, *next;

	if (login->state >= LOGIN_ENDING)
		return;
	login->state = LOGIN_ENDING;
	login->bye.status = status;
	login->bye_reason = strdup(reason);
	for (c = LIST_FIRST(&login->channels); c; c = next) {
		next = channel_next(c);
		channel_exit(c, status, "%s", reason);
	}
	loop_timer_set(login->timer, END_US, 0);
	if (login->channel_count == 0)
		say_bye(login);
}

/* --- events --- */

static void on_message(struct login *login, struct line_message *m)
{
	switch (m->type) {
	case WIRE_CLIENT:
		snprintf(login->client, sizeof(login->client), "%.*s", (int)m->payload_len,
			(const char *)m->payload);
		break;
	case WIRE_AUTH:
		on_auth(login, m);
		break;
	case WIRE_OPEN:
		on_open(login, m);
		break;
	default: /* the table lets no other type through */
		break;
	}
}

static void on_io(void *arg, uint32_t revents)
{
	struct login *login = arg;
	struct line_message m;
	int i, r;

	for (i = 0; i < READ_ROUNDS && login->state != LOGIN_CLOSED; i++) {
		r = line_receive(&login->line, &m);
		if (r == -EAGAIN)
			return;
		if (r <= 0) {
			login_close(login, r ? strerror(-r) : "connection closed");
			return;
		}
		on_message(login, &m);
		line_message_finish(&m);
	}
}

static void on_timer(void *arg)
{
	struct login *login = arg;

	if (login->state == LOGIN_ENDING)
		say_bye(login);
	else
		login_close(login, "connection did not end by itself");
}

/* --- life --- */

static void free_login(void *arg)
{
	struct login *login = arg;

	grant_destroy(login->grant);
	identity_destroy(login->identity);
	free(login->name);
	free(login->who);
	free(login->bye_reason);
	free(login);
}

void login_close(struct login *login, const char *why)
{
	struct channel *c;
	int was_known = login->identity != NULL;

	if (login->state == LOGIN_CLOSED)
		return;
	login->state = LOGIN_CLOSED;
	while ((c = LIST_FIRST(&login->channels)))
		channel_close(c);
	log_write(was_known ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, login->tag, "%s left: %s",
		login_who(login), why);
	loop_io_del(&login->io);
	loop_timer_del(&login->timer);
	line_finish(&login->line);
	LIST_REMOVE(login, entry);
	loop_defer(login_loop(login), free_login, login);
	if (login->options.closed)
		login->options.closed(login->options.arg);
}

int login_create(const struct login_options *options, struct login **out)
{
	struct login *login = calloc(1, sizeof(*login));
	int r;

	if (!login)
		return -ENOMEM;
	login->options = *options;
	line_init(&login->line, options->fd, WIRE_LOGIN, WIRE_BROKER);
	LIST_INIT(&login->channels);
	snprintf(login->tag, sizeof(login->tag), "c%llu", (unsigned long long)options->id);
	snprintf(login->address, sizeof(login->address), "%s",
		options->address ? options->address : "local");
	snprintf(login->client, sizeof(login->client), "vmconsolectl");
	if (options->peer)
		login->peer = *options->peer;
	r = loop_timer_add(login_loop(login), &login->timer, on_timer, login);
	if (!r)
		r = loop_io_add(login_loop(login), &login->io, options->fd, EPOLLIN, on_io, login);
	if (r < 0) {
		loop_timer_del(&login->timer);
		free(login);
		return r;
	}
	*out = login;
	return 0;
}
