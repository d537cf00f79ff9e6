/* Task: the life of a file session, what it has lent, its audit. Owner: the channel. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/identity.h"
#include "broker/audit/audit.h"
#include "broker/keep/keeping.h"
#include "broker/login/context.h"
#include "broker/serve/file_private.h"
#include "broker/sidecar/sidecars.h"
#include "broker/verb/verb.h"
#include "config/rights.h"
#include "console/guest/guest.h"
#include "console/journal/journal.h"
#include "core/io.h"
#include "core/log.h"

#define RANGES_TEXT_MAX ((size_t)WIRE_RANGES_MAX * 44)

/* --- the audit --- */

static void record_given(struct file_session *s, const struct lent *lent,
	const struct wire_given *given, const char *ranges, enum status status, const char *reason)
{
	struct audit_record r = {.event = "file",
		.vm_uuid = lent->guest ? guest_uuid_text(lent->guest) : NULL,
		.vm_name = lent->guest ? guest_name(lent->guest) : NULL,
		.file = lent->path,
		.ranges = ranges && *ranges ? ranges : NULL,
		.has_end = 1,
		.status = status,
		.duration_us = loop_now(login_loop(s->login)) - lent->since,
		.bytes_out = given ? given->bytes : 0,
		.reason = reason};
	const struct sidecar *sidecar =
		*lent->dump.name ? sidecars_find(s->context->sidecars, &lent->dump) : NULL;

	if (sidecar && *sidecar->sum.sha256 && given && status == STATUS_OK)
		r.sha256 = sidecar->sum.sha256;
	audit_trail_file(channel_trail(s->channel), &r);
}

/* A client that tries everything does not fill the audit's disk. */
static void record_refused(struct file_session *s, const char *path, const char *reason)
{
	struct audit_record r = {.event = "file-refused",
		.vm_uuid = s->guest ? guest_uuid_text(s->guest) : NULL,
		.vm_name = s->guest ? guest_name(s->guest) : NULL,
		.file = path,
		.reason = s->refusals == FILE_REFUSALS_MAX ? "further ones are not recorded"
							   : reason};

	if (s->refusals > FILE_REFUSALS_MAX)
		return;
	s->refusals++;
	audit_trail_file(channel_trail(s->channel), &r);
}

/* --- answers --- */

static void next_query(struct file_session *s)
{
	s->state = FILE_IDLE;
	channel_pause(s->channel, 0);
}

static void drop_answer(struct file_session *s)
{
	free(s->payload);
	s->payload = NULL;
	fd_close(&s->fd);
}

/* The line may be full; then it goes out later. */
static void try_answer(struct file_session *s)
{
	int r = channel_say(s->channel, s->answer, s->fixed, s->payload, s->payload_len, s->fd);

	if (r == -EAGAIN) {
		s->state = FILE_TELLING;
		return;
	}
	drop_answer(s);
	next_query(s);
}

void file_notify(struct file_session *s, enum wire_type type, const void *fixed, size_t fixed_len,
	const void *payload, size_t len, int fd)
{
	s->answer = type;
	memcpy(s->fixed, fixed, fixed_len);
	s->payload = len ? malloc(len) : NULL;
	s->payload_len = len;
	s->fd = fd;
	if (len && !s->payload) {
		drop_answer(s);
		channel_exit(s->channel, STATUS_INTERNAL, "out of memory");
		return;
	}
	if (len)
		memcpy(s->payload, payload, len);
	try_answer(s);
}

_Static_assert(sizeof(struct wire_entries) <= sizeof(((struct file_session *)0)->fixed) &&
		       sizeof(struct wire_fault) <= sizeof(((struct file_session *)0)->fixed),
	"every answer's fixed part fits");

void file_fault(
	struct file_session *s, int error, const char *why, const struct wire_attributes *attr)
{
	struct wire_fault head = {.query = s->query, .error = error};

	if (attr)
		head.attr = *attr;
	if (error == -EACCES || s->type == WIRE_REMOVE ||
		(s->type == WIRE_LEND && error != -EISDIR))
		record_refused(s, s->path, why && *why ? why : strerror(-error));
	file_notify(s, WIRE_FAULT, &head, sizeof(head), why,
		why ? strnlen(why, WIRE_REASON_MAX) : 0, -1);
}

/* --- what is lent --- */

struct lent *file_lent(const struct file_session *s, uint32_t file)
{
	struct lent *lent;

	LIST_FOREACH (lent, &s->lent, entry) {
		if (lent->file == file)
			return lent;
	}
	return NULL;
}

int file_lend(struct file_session *s, const char *name, const struct dump_file *dump, uint64_t size,
	struct lent **out, const char **why)
{
	const char *identity = login_identity(s->login)->text;
	struct lent *lent = NULL;
	struct loan *loan;
	int r;

	*why = "too many files are open";
	if (s->lent_count == FILE_LENT_MAX || file_lent(s, s->query))
		return -EMFILE;
	r = file_store_lend(s->context->files, identity, dump, &loan);
	if (r == -EDQUOT)
		*why = "too many files of yours are open";
	if (r < 0)
		return r == -ENOENT ? r : -EMFILE;
	lent = calloc(1, sizeof(*lent));
	if (!lent) {
		file_store_returned(s->context->files, &loan);
		return -EMFILE;
	}
	lent->loan = loan;
	lent->file = s->query;
	lent->guest = s->spot.guest;
	lent->right = spot_right(&s->spot);
	lent->size = size;
	if (dump)
		lent->dump = *dump;
	lent->since = loop_now(login_loop(s->login));
	snprintf(lent->path, sizeof(lent->path), "/%s%s", s->spot.kind == SPOT_DUMP ? "dumps/" : "",
		name);
	LIST_INSERT_HEAD(&s->lent, lent, entry);
	s->lent_count++;
	*out = lent;
	return 0;
}

static void take_back(struct file_session *s, struct lent *lent)
{
	if (s->pulled == lent)
		s->pulled = NULL;
	journal_reader_destroy(&lent->reader);
	LIST_REMOVE(lent, entry);
	s->lent_count--;
	file_store_returned(s->context->files, &lent->loan);
	free(lent);
}

/* "0-4095 8192-16383"; *whole: one range, and it is all. */
static void ranges_text(const struct line_message *m, const struct wire_given *given, uint64_t size,
	char text[RANGES_TEXT_MAX + 8], bool *whole)
{
	size_t used = 0;
	unsigned i;

	text[0] = '\0';
	*whole = size == 0;
	for (i = 0; i < given->count; i++) {
		struct wire_range range;

		memcpy(&range, m->payload + i * sizeof(range), sizeof(range));
		used += (size_t)snprintf(text + used, RANGES_TEXT_MAX - used,
			"%s%" PRIu64 "-%" PRIu64, i ? " " : "", range.from, range.to - 1);
		*whole |= range.from == 0 && range.to >= size;
	}
	if (given->more)
		snprintf(text + used, 8, " ...");
}

static void on_given(struct file_session *s, const struct line_message *m)
{
	char ranges[RANGES_TEXT_MAX + 8];
	struct wire_given given;
	struct lent *lent;
	bool whole;

	memcpy(&given, m->fixed, sizeof(given));
	lent = file_lent(s, given.file);
	if (!lent)
		return;
	ranges_text(m, &given, lent->size, ranges, &whole);
	if (s->client == WIRE_FILES_SUM) /* what was read stays here */
		given.bytes = 0;
	channel_trail(s->channel)->bytes_out += given.bytes;
	record_given(s, lent, &given, ranges, whole ? STATUS_OK : STATUS_LIMIT,
		whole         ? "whole"
		: given.count ? "in part"
			      : "nothing was read");
	if (s->pulled == lent) { /* a broken door closes what it reads */
		s->pulled = NULL;
		if (s->state == FILE_PULLING)
			next_query(s);
	}
	take_back(s, lent);
}

/* --- messages --- */

static void on_query(struct file_session *s, const struct line_message *m)
{
	struct wire_query query;
	struct wire_list list;
	struct wire_pull pull;

	s->type = m->type;
	memcpy(s->path, m->payload, m->payload_len);
	s->path[m->payload_len] = '\0';
	channel_pause(s->channel, 1);
	if (m->type == WIRE_PULL) {
		memcpy(&pull, m->fixed, sizeof(pull));
		file_pull(s, &pull);
		return;
	}
	if (m->type == WIRE_LIST) {
		memcpy(&list, m->fixed, sizeof(list));
		s->query = list.query;
		s->from = list.from;
	} else {
		memcpy(&query, m->fixed, sizeof(query));
		s->query = query.query;
	}
	file_ask(s);
}

static void on_refused(struct file_session *s, const struct line_message *m)
{
	struct wire_refused head;
	char path[WIRE_PATH_MAX + 1], reason[WIRE_REFUSED_MAX + 16];

	memcpy(&head, m->fixed, sizeof(head));
	snprintf(reason, sizeof(reason), "%.*s is refused", head.request_len,
		(const char *)m->payload);
	snprintf(path, sizeof(path), "%.*s", (int)(m->payload_len - head.request_len),
		(const char *)m->payload + head.request_len);
	record_refused(s, *path ? path : NULL, reason);
}

static void on_done(struct file_session *s, const struct line_message *m)
{
	struct wire_exit done;

	memcpy(&done, m->fixed, sizeof(done));
	channel_exit(s->channel,
		done.status >= 0 && done.status < 128 ? (enum status)done.status : STATUS_INTERNAL,
		m->payload_len ? "%.*s" : NULL, (int)m->payload_len, (const char *)m->payload);
}

/* Ended, or reading to the end of a line whose door has gone: only what is told counts. */
static void on_message(void *arg, struct line_message *m)
{
	struct file_session *s = arg;

	switch ((int)m->type) {
	case WIRE_GIVEN:
		on_given(s, m);
		break;
	case WIRE_REFUSED:
		on_refused(s, m);
		break;
	case WIRE_DONE:
		if (s->state != FILE_OVER)
			on_done(s, m);
		break;
	default:
		if (s->state == FILE_IDLE)
			on_query(s, m);
		break;
	}
}

static void on_writable(void *arg)
{
	struct file_session *s = arg;

	if (s->state == FILE_TELLING)
		try_answer(s);
	else
		file_pull_on(s);
}

/* What goes on with a file needs its right until it is given back. */
static void on_rights_changed(void *arg)
{
	struct file_session *s = arg;
	const struct lent *lent;

	LIST_FOREACH (lent, &s->lent, entry) {
		unsigned have = lent->guest ? login_rights(s->login, lent->guest)
					    : login_host_rights(s->login);

		if ((have & lent->right) == lent->right)
			continue;
		channel_exit(s->channel, STATUS_DENIED, "the right to %s %s%s was withdrawn",
			right_name(lent->right), lent->guest ? "VM " : "on this host",
			lent->guest ? guest_name(lent->guest) : "");
		return;
	}
}

/* --- life --- */

/* The door has still to tell what it has given out. */
static void on_exits(void *arg, const char *reason)
{
	struct file_session *s = arg;

	s->state = FILE_OVER;
	s->pulled = NULL;
	file_look_cancel(&s->look);
	keeping_forget(&s->removal);
	drop_answer(s);
}

static void free_session(void *arg)
{
	struct file_session *s = arg;

	free(s->device);
	free(s);
}

static void on_end(void *arg)
{
	struct file_session *s = arg;
	struct lent *lent, *next;

	on_exits(s, NULL);
	for (lent = LIST_FIRST(&s->lent); lent; lent = next) {
		next = LIST_NEXT(lent, entry);
		record_given(s, lent, NULL, NULL, STATUS_INTERNAL,
			"the connection ended, and nobody has told how much was read");
		take_back(s, lent);
	}
	loop_defer(login_loop(s->login), free_session, s);
}

static const struct channel_ops ops = {.message = on_message,
	.writable = on_writable,
	.rights_changed = on_rights_changed,
	.exits = on_exits,
	.end = on_end};

/* Which VM it is about, and that there is a right to anything; else the channel has been ended. */
static int find_guest(struct verb_call *call, char name[WIRE_LOGIN_MAX + 1])
{
	snprintf(name, WIRE_LOGIN_MAX + 1, "%s", login_name(call->login));
	if (login_is_host(call->login))
		return 0;
	if (verb_resolve(call, name) < 0)
		return -ENOENT;
	audit_trail_guest(channel_trail(call->channel), guest_uuid_text(call->guest),
		guest_name(call->guest));
	if (spot_guest_shown(call->login, call->guest))
		return 0;
	return verb_allowed(call, RIGHT_DUMP_GET);
}

static struct file_session *create(const struct verb_call *call)
{
	struct file_session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->channel = call->channel;
	s->login = call->login;
	s->context = login_context(call->login);
	s->guest = call->guest;
	s->device = call->device ? strdup(call->device) : NULL;
	s->fd = -1;
	LIST_INIT(&s->lent);
	return s;
}

static const char *client_name(unsigned client)
{
	static const char *const names[] = {[WIRE_FILES_SFTP] = "sftp",
		[WIRE_FILES_SCP] = "scp",
		[WIRE_FILES_HTTPS] = "download",
		[WIRE_FILES_SUM] = "sum"};

	return names[client]; /* the table of messages has seen to it */
}

void file_session_begin(struct channel *channel, unsigned client, const char *command, size_t len)
{
	struct verb_call call = {.channel = channel, .login = channel_login(channel)};
	char name[WIRE_LOGIN_MAX + 1];
	struct file_session *s;

	log_write(LOG_LEVEL_INFO, channel_tag(channel), "%s asks %s", login_who(call.login),
		client_name(client));
	audit_trail_verb(channel_trail(channel), client_name(client));
	if (login_identity(call.login)->command) {
		channel_exit(channel, STATUS_DENIED,
			"this login is held to one command, and gets no files");
		return;
	}
	if (find_guest(&call, name) < 0)
		return;
	s = create(&call);
	if (!s) {
		channel_exit(channel, STATUS_INTERNAL, "out of memory");
		return;
	}
	s->client = client;
	channel_need(channel, s->guest, 0);
	channel_set_handler(channel, &ops, s);
}
