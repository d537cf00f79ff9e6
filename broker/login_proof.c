/* Task: from a proof to an identity: keys, certificates, local peers. Owner: the login. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/broker.h"
#include "broker/login_private.h"
#include "broker/verbs.h"

struct identity *login_judge_key(
	struct login *login, struct span blob, int64_t now, char why[LOGIN_WHY_MAX])
{
	struct broker *b = login->options.broker;
	struct login_sources sources = broker_access(b)->sources;
	struct login_proof proof = {.blob = blob,
		.address = login->options.address ? login->address : NULL,
		.now = now};
	struct identity *identity = NULL;
	int r;

	if (external_has_keys(broker_external(b)))
		sources.ovirt = external_keys(broker_external(b));
	r = login_by_key(&sources, &proof, &identity, why);
	if (r == -ENOMEM)
		snprintf(why, LOGIN_WHY_MAX, "out of memory");
	return r < 0 ? NULL : identity;
}

/* Root and the daemon's own user may do all; others what user:NAME is allowed. */
struct identity *login_judge_peer(struct login *login, char why[LOGIN_WHY_MAX])
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

bool login_command_is_verb(const struct identity *identity)
{
	struct words words = {0};
	bool is_verb;

	if (!identity->command)
		return true;
	if (words_split(identity->command, strlen(identity->command), &words) < 0)
		return false;
	is_verb = words.count > 0 && verb_find(words.list[0]) != NULL;
	words_finish(&words);
	return is_verb;
}

/* A limit that only one of them has holds; two must be the same one. 0, -EACCES, -ENOMEM. */
static int join_limit(char **to, const char *more)
{
	if (!more)
		return 0;
	if (*to)
		return strcmp(*to, more) == 0 ? 0 : -EACCES;
	return identity_set(to, more);
}

static int join(struct identity *to, const struct identity *more)
{
	char *text;
	size_t i;
	int r = 0;

	for (i = 0; i < more->fact_count && r == 0; i++)
		r = identity_add(to, more->facts[i].kind, more->facts[i].value);
	if (r == 0)
		r = join_limit(&to->command, more->command);
	if (r == 0)
		r = join_limit(&to->access, more->access);
	if (r == 0)
		r = join_limit(&to->only_vm, more->only_vm);
	if (r == 0 && *more->fingerprint)
		r = identity_set(&to->fingerprint, more->fingerprint);
	if (r == 0 && *more->comment)
		r = identity_set(&to->comment, more->comment);
	if (r < 0)
		return r;
	to->pty_allowed = to->pty_allowed && more->pty_allowed;
	if (asprintf(&text, "%s + %s", to->text, more->text) < 0)
		return -ENOMEM;
	free(to->text);
	to->text = text;
	return 0;
}

struct identity *login_join(
	const struct identity *before, const struct identity *more, char why[LOGIN_WHY_MAX])
{
	struct identity *both = NULL;
	int r = identity_copy(before, &both);

	if (r == 0)
		r = join(both, more);
	if (r == 0)
		return both;
	snprintf(why, LOGIN_WHY_MAX, "%s",
		r == -EACCES ? "the factors are limited to different things" : "out of memory");
	identity_destroy(both);
	return NULL;
}
