/* Task: what would let a refused login in, for the log. Owner: nobody. Judges nothing. */
#include <stdio.h>
#include <string.h>

#include "auth/ssh/ssh_cert.h"
#include "broker/access/access.h"
#include "broker/login/login_private.h"
#include "config/config.h"

#define SECTION_ROOM 512 /* it goes behind a path, into LOGIN_CURE_MAX */

/* Where a section could be, as precisely as that can be said. */
static void say_section(const struct config *config, const char *who, char out[SECTION_ROOM])
{
	if (config->access_count > 0)
		snprintf(out, SECTION_ROOM, "add %.200s to who of an [access] section in %.200s",
			who, config->accesses[0].at.file);
	else
		snprintf(out, SECTION_ROOM,
			"make a section in the configuration, such as [access admins], with who = "
			"%.200s, vms = * and allow = view, type",
			who);
}

static void for_who_is_known(
	const struct config *config, const struct identity *id, char out[LOGIN_CURE_MAX])
{
	if (id->access)
		snprintf(out, LOGIN_CURE_MAX,
			"its line says access=\"%.100s\": add access:%.100s to who of [access "
			"%.100s]",
			id->access, id->access, id->access);
	else
		say_section(config, id->text, out);
}

/* Whether a section would be for the key if a line had it. */
static bool has_section(const struct login *login, const char *fingerprint)
{
	const struct rules *rules = login->options.context->access->rules;
	struct identity *id;
	bool has;

	if (identity_create(FACT_KEY, fingerprint, &id) < 0)
		return true;
	has = rules_any(rules, id) != 0;
	identity_destroy(id);
	return has;
}

static void for_unknown_key(const struct login *login, const char *mark, char out[LOGIN_CURE_MAX])
{
	const struct config *config = login->options.context->config;
	const struct config_list *files = &config->auth.authorized_keys;
	char who[PUBKEY_FINGERPRINT_ROOM + 8], section[SECTION_ROOM] = "";
	int n;

	if (!has_section(login, mark)) {
		snprintf(who, sizeof(who), "key:%s", mark);
		say_section(config, who, section);
	}
	n = files->count > 0
		    ? snprintf(out, LOGIN_CURE_MAX, "to let it in, add the public key to %.200s",
			      files->items[0])
		    : snprintf(out, LOGIN_CURE_MAX,
			      "to let it in, name a file with the public key in [auth], "
			      "authorized_keys");
	if (*section && n > 0 && n < LOGIN_CURE_MAX)
		snprintf(out + n, (size_t)(LOGIN_CURE_MAX - n), ", and %s", section);
}

/* A key that a line has, and does not let in. */
static void for_line(const struct authorized_key *k, char out[LOGIN_CURE_MAX])
{
	snprintf(out, LOGIN_CURE_MAX, "see %.200s:%u", k->file, k->line);
}

static void for_certificate(struct span blob, char out[LOGIN_CURE_MAX])
{
	char mark[PUBKEY_FINGERPRINT_ROOM];
	struct ssh_cert cert;
	const char *why;

	if (ssh_cert_parse(blob, &cert, &why) < 0)
		return;
	pubkey_fingerprint(cert.ca.blob, mark);
	snprintf(out, LOGIN_CURE_MAX,
		"to trust its CA %s, add the CA's public key to a file of [auth], ssh_user_ca",
		mark);
}

static void for_key(const struct login *login, const char *mark, char out[LOGIN_CURE_MAX])
{
	const struct login_sources *sources = &login->options.context->access->sources;
	const struct attempt *a = &login->attempt;
	const struct span blob = {a->proof, a->proof_len};
	const struct authorized_key *k = sources->keys ? key_store_find(sources->keys, blob) : NULL;

	if (ssh_cert_is(blob) && strcmp(a->why, LOGIN_UNKNOWN_CA) == 0)
		for_certificate(blob, out);
	else if (strcmp(a->why, LOGIN_UNKNOWN_KEY) == 0)
		for_unknown_key(login, mark, out);
	else if (k && !login_key_revoked(sources, blob))
		for_line(k, out);
}

void login_cure(const struct login *login, const char *fingerprint, char out[LOGIN_CURE_MAX])
{
	const struct attempt *a = &login->attempt;

	out[0] = '\0';
	if (a->identity && login->factor_count == 0)
		for_who_is_known(login->options.context->config, a->identity, out);
	else if (fingerprint && (a->method == WIRE_AUTH_PROBE || a->method == WIRE_AUTH_PUBLICKEY))
		for_key(login, fingerprint, out);
}
