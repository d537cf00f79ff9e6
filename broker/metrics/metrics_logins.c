/* Task: see metrics_logins.h. Owner: nobody; no state. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker/metrics/metrics_logins.h"
#include "broker/login/login.h"
#include "broker/login/login_counts.h"
#include "broker/verb/verb.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void add_attempts(struct exposition *e, const struct login_counts *counts)
{
	static const char *const results[LOGIN_RESULTS] = {[LOGIN_ACCEPTED] = "accepted",
		[LOGIN_PARTIAL] = "partial",
		[LOGIN_REFUSED] = "refused"};

	exposition_family(e, "vmconsoled_logins_total", EXPOSITION_COUNTER,
		"Attempts to log in; partial: another factor is wanted.");
	for (unsigned at = 0; at < LOGIN_KINDS * WIRE_METHODS * LOGIN_RESULTS; at++) {
		enum login_kind kind = at / (WIRE_METHODS * LOGIN_RESULTS);
		enum wire_method method = at / LOGIN_RESULTS % WIRE_METHODS;
		unsigned result = at % LOGIN_RESULTS;
		const struct exposition_label labels[] = {{"protocol", login_kind_name(kind)},
			{"method", login_method_name(method)}, {"result", results[result]}};

		if (login_counts_has(kind, method))
			exposition_sample(
				e, labels, COUNT(labels), counts->attempts[kind][method][result]);
	}
}

/* --- what goes on --- */

/* Sessions that are no verbs of the table: their places are behind those. */
static const char *const no_verbs[] = {"menu", "sftp", "scp", "download"};

typedef uint64_t by_kind[2][LOGIN_KINDS];

struct present {
	const struct verb_table *table;
	by_kind connections; /* not logged in, and logged in */
	by_kind bytes;       /* in and out */
	uint64_t *sessions;  /* by place */
};

static size_t place_of(const struct verb_table *table, const char *name)
{
	size_t i = 0, n = 0;

	while (i < table->count && strcmp(table->rows[i]->name, name) != 0)
		i++;
	while (i == table->count && n < COUNT(no_verbs) && strcmp(no_verbs[n], name) != 0)
		n++;
	return i + n;
}

static void look_at(struct present *p, const struct login *login)
{
	enum login_kind kind = login_kind(login);
	struct channel *c;

	p->connections[login_identity(login) != NULL][kind]++;
	for (c = login_first_channel(login); c; c = channel_next(c)) {
		const struct audit_trail *trail = channel_trail(c);

		p->bytes[0][kind] += trail->bytes_in;
		p->bytes[1][kind] += trail->bytes_out;
		if (*trail->verb && !channel_is_exiting(c))
			p->sessions[place_of(p->table, trail->verb)]++;
	}
}

static void look_at_all(struct present *p, const struct broker_context *context)
{
	const struct login *login;

	memcpy(p->bytes[0], context->counts->bytes_in, sizeof(p->bytes[0]));
	memcpy(p->bytes[1], context->counts->bytes_out, sizeof(p->bytes[1]));
	for (login = LIST_FIRST(context->logins); login; login = login_next(login))
		look_at(p, login);
}

static void add_by_kind(
	struct exposition *e, const char *label, const char *const values[2], by_kind figures)
{
	for (unsigned at = 0; at < 2 * LOGIN_KINDS; at++) {
		const struct exposition_label labels[] = {
			{"protocol", login_kind_name(at / 2)}, {label, values[at % 2]}};

		exposition_sample(e, labels, COUNT(labels), figures[at % 2][at / 2]);
	}
}

static void add_sessions(struct exposition *e, const struct present *p)
{
	size_t verbs = p->table->count;

	exposition_family(e, "vmconsoled_sessions", EXPOSITION_GAUGE,
		"What is under way: consoles, other verbs, transfers of files.");
	for (size_t i = 0; i < verbs + COUNT(no_verbs); i++) {
		const char *name = i < verbs ? p->table->rows[i]->name : no_verbs[i - verbs];
		const struct exposition_label label = {"verb", name};

		exposition_sample(e, &label, 1, p->sessions[i]);
	}
}

int metrics_logins(struct exposition *e, const struct verb_call *call)
{
	static const char *const states[] = {"unknown", "known"}, *const ways[] = {"in", "out"};
	const struct broker_context *context = login_context(call->login);
	struct present p = {.table = call->table};

	/* One more for words that are neither. */
	p.sessions = calloc(p.table->count + COUNT(no_verbs) + 1, sizeof(*p.sessions));
	if (!p.sessions)
		return -ENOMEM;
	look_at_all(&p, context);
	add_attempts(e, context->counts);
	exposition_family(e, "vmconsoled_connections", EXPOSITION_GAUGE,
		"Connections; unknown: nobody has logged in yet.");
	add_by_kind(e, "state", states, p.connections);
	exposition_family(e, "vmconsoled_client_bytes_total", EXPOSITION_COUNTER,
		"What came from clients and went to them, inside their sessions.");
	add_by_kind(e, "direction", ways, p.bytes);
	add_sessions(e, &p);
	free(p.sessions);
	return 0;
}
