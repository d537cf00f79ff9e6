/*
 * Task: a login line: authentication, channels, rights, the end. Owner: the broker.
 * Everything that comes over it is hostile: the door may be broken.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "broker/access/access.h"
#include "broker/access/rule_guest.h"
#include "broker/login/judge.h"
#include "broker/login/login_private.h"
#include "config/config.h"
#include "console/guest/directory.h"
#include "console/guest/guest.h"

#define READ_ROUNDS 8
#define END_US (5 * LOOP_SECOND) /* for the door to close after BYE */
#define FOUND_MAX 8

/* --- what is so --- */

struct loop *login_loop(const struct login *login)
{
	return login->options.context->loop;
}

const struct broker_context *login_context(const struct login *login)
{
	return login->options.context;
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

const struct identity *login_identity(const struct login *login)
{
	return login->identity;
}

int login_source(const struct login *login, struct net_address *source)
{
	return login->options.address ? address_parse(login->address, source) : -ENOENT;
}

enum login_kind login_kind(const struct login *login)
{
	return login->options.kind;
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
	struct rule_guest seen;

	if (!login->grant)
		return 0;
	rule_guest_init(&seen, guest);
	return grant_rights(login->grant, &seen.vm);
}

unsigned login_host_rights(const struct login *login)
{
	return login->grant ? grant_host_rights(login->grant) : 0;
}

unsigned login_lines(const struct login *login, const struct guest *guest)
{
	struct rule_guest seen;

	rule_guest_init(&seen, guest);
	return login->grant ? grant_lines(login->grant, &seen.vm) : 0;
}

int login_make_grant(struct login *login)
{
	const struct access *access = login->options.context->access;
	struct grant *grant = NULL;
	int r = grant_create(access->rules, login->identity, &grant);

	if (r < 0)
		return r;
	grant_destroy(login->grant);
	login->grant = grant;
	return 0;
}

void login_forget_rights(struct login *login)
{
	grant_destroy(login->grant);
	login->grant = NULL;
}

void login_rights_changed(struct login *login)
{
	if (login->identity && login_make_grant(login) < 0) {
		login_forget_rights(login);
		login_close(login, "out of memory");
		return;
	}
	judge_login(login);
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
	struct directory *d = login->options.context->directory;
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

/* --- channels --- */

/* A descriptor that came over a line may be anything; only a line will do. */
static int is_line(int fd)
{
	int domain = 0, type = 0;
	socklen_t len = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX &&
	       getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET;
}

static void on_open(struct login *login, struct line_message *m)
{
	uint64_t max = login->options.context->config->ssh.max_channels;
	struct channel *c;
	int fd = line_take_fd(m, 0);

	/* The door keeps the limit itself; this is for a broken one, and for local programs. */
	if (login->state != LOGIN_KNOWN || login->channel_count >= max || !is_line(fd)) {
		close(fd);
		return;
	}
	if (channel_accept(&login->channel_owner, fd, login->channel_number++, &c) < 0) {
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
		login_close(login, "the door does not answer");
}

static void on_channel_closed(struct login *login)
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
	login_auth_cancel(login);
	login->state = LOGIN_ENDING;
	login->bye.status = status;
	login->bye_reason = strdup(reason);
	loop_timer_set(login->timer, END_US, 0);
	if (login->channel_count == 0) {
		say_bye(login);
		return;
	}
	/* The last one to go says goodbye, and may find the whole connection gone. */
	for (c = LIST_FIRST(&login->channels); c && login->state == LOGIN_ENDING; c = next) {
		next = channel_next(c);
		channel_exit(c, status, "%s", reason);
	}
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
		login_auth_message(login, m);
		break;
	case WIRE_OPEN:
		on_open(login, m);
		break;
	default: /* the table lets no other type through */
		break;
	}
}

/* r: what line_receive said. */
static void on_line_end(struct login *login, int r)
{
	if (r == -EACCES)
		login_record_foreign(login);
	if (r < 0)
		log_write(LOG_LEVEL_DEBUG, login->tag, "login line: %s", strerror(-r));
	login_close(login, r ? "it broke the protocol" : "connection closed");
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
			on_line_end(login, r);
			return;
		}
		on_message(login, &m);
		line_message_finish(&m);
	}
}

static void on_grace_over(struct login *login)
{
	uint64_t grace = login->options.context->config->ssh.login_grace;
	char reason[64];

	snprintf(reason, sizeof(reason), "no login within %llu s",
		(unsigned long long)(grace / LOOP_SECOND));
	if (login->options.expired)
		login->options.expired(login->options.arg, !login->name);
	login_end(login, STATUS_TIMEOUT, reason);
}

static void on_timer(void *arg)
{
	struct login *login = arg;

	switch (login->state) {
	case LOGIN_UNKNOWN:
		on_grace_over(login);
		break;
	case LOGIN_ENDING:
		say_bye(login);
		break;
	case LOGIN_KNOWN: /* it is stopped then */
	case LOGIN_SAID_BYE:
	case LOGIN_CLOSED:
		login_close(login, "connection did not end by itself");
		break;
	}
}

/* For who connects and says nothing, or never what would do; a door's own clock is slower. */
static void begin_grace(struct login *login)
{
	loop_timer_set(login->timer, login->options.context->config->ssh.login_grace, 0);
}

/* --- life --- */

static void free_login(void *arg)
{
	struct login *login = arg;

	login_forget_rights(login);
	identity_destroy(login->identity);
	while (login->factor_count > 0)
		factor_finish(&login->factors[--login->factor_count]);
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
	login_auth_cancel(login);
	while ((c = LIST_FIRST(&login->channels)))
		channel_close(c);
	log_write(was_known ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, login->tag, "%s left: %s",
		login_who(login), why);
	loop_io_del(&login->io);
	loop_timer_del(&login->timer);
	loop_timer_del(&login->verdict);
	loop_timer_del(&login->expiry);
	line_finish(&login->line);
	LIST_REMOVE(login, entry);
	loop_defer(login_loop(login), free_login, login);
	if (login->options.closed)
		login->options.closed(login->options.arg);
}

static bool may_pty(const struct login *login)
{
	return login->identity->pty_allowed;
}

int login_create(const struct login_options *options, struct login **out)
{
	static const enum wire_line lines[] = {
		[LOGIN_SSH] = WIRE_LOGIN, [LOGIN_HTTPS] = WIRE_HTTPS, [LOGIN_LOCAL] = WIRE_LOCAL};
	struct login *login = calloc(1, sizeof(*login));
	int r;

	if (!login)
		return -ENOMEM;
	login->options = *options;
	line_init(&login->line, options->fd, lines[options->kind], WIRE_BROKER);
	LIST_INIT(&login->channels);
	login->channel_owner = (struct channel_owner){.login = login,
		.loop = login_loop(login),
		.audit = options->context->audit,
		.tag = login->tag,
		.is_told_begin = options->kind == LOGIN_HTTPS,
		.may_pty = may_pty,
		.asked = options->context->asked,
		.who = login_record_who,
		.closed = on_channel_closed};
	snprintf(login->tag, sizeof(login->tag), "c%llu", (unsigned long long)options->id);
	snprintf(login->address, sizeof(login->address), "%s",
		options->address ? options->address : "local");
	snprintf(login->client, sizeof(login->client), "%s",
		options->kind == LOGIN_LOCAL ? "vmconsolectl" : "unknown");
	if (options->peer)
		login->peer = *options->peer;
	r = loop_timer_add(login_loop(login), &login->timer, on_timer, login);
	if (!r)
		r = loop_timer_add(
			login_loop(login), &login->verdict, login_auth_on_verdict, login);
	if (!r)
		r = loop_timer_add(login_loop(login), &login->expiry, login_on_expiry, login);
	if (!r)
		r = loop_io_add(login_loop(login), &login->io, options->fd, EPOLLIN, on_io, login);
	if (r < 0) {
		loop_timer_del(&login->timer);
		loop_timer_del(&login->verdict);
		loop_timer_del(&login->expiry);
		free(login);
		return r;
	}
	begin_grace(login);
	*out = login;
	return 0;
}
