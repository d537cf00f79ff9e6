/* Task: from a proof to an identity: keys, certificates, local peers. Owner: the login. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/access/access.h"
#include "broker/login/login_private.h"
#include "config/config.h"
#include "config/https_auth.h"
#include "core/text/tokenize.h"

struct login_origin login_origin_of(const struct login *login)
{
	return (struct login_origin){.context = login->options.context,
		.kind = login->options.kind,
		.address = login->options.address ? login->address : NULL,
		.uid = login->peer.uid};
}

struct identity *login_judge_key(
	const struct login_origin *from, struct span blob, int64_t now, char why[LOGIN_WHY_MAX])
{
	const struct broker_context *context = from->context;
	struct login_sources sources = context->access->sources;
	struct login_proof proof = {.blob = blob, .address = from->address, .now = now};
	struct identity *identity = NULL;
	int r;

	if (context->config->https.ssh_key_time > 0)
		sources.deposits = context->deposits;
	if (external_has_keys(context->external))
		sources.ovirt = external_keys(context->external);
	r = login_by_key(&sources, &proof, &identity, why);
	if (r == -ENOMEM)
		snprintf(why, LOGIN_WHY_MAX, "out of memory");
	return r < 0 ? NULL : identity;
}

struct identity *login_judge_certificate(
	const struct login_origin *from, struct span der, int64_t now, char why[LOGIN_WHY_MAX])
{
	const struct x509_store *store = from->context->access->sources.x509;
	struct identity *identity = NULL;
	int r;

	if (!store) {
		snprintf(why, LOGIN_WHY_MAX,
			"no authority for certificates is configured (vdsm_ca)");
		return NULL;
	}
	r = x509_store_check_der(store, der, now, &identity, why);
	if (r == 0) {
		r = login_add_address(identity, from->address);
		if (r < 0)
			identity_destroy(identity);
	}
	if (r < 0 && r != -EACCES)
		snprintf(why, LOGIN_WHY_MAX, "out of memory");
	return r < 0 ? NULL : identity;
}

/* The kernel's word for who is at the other end of a unix socket. */
static struct identity *user_identity(const struct login_origin *from, char why[LOGIN_WHY_MAX])
{
	char room[4096], number[32];
	struct passwd entry, *found = NULL;
	struct identity *identity = NULL;
	const char *name = number;

	snprintf(number, sizeof(number), "%u", (unsigned)from->uid);
	if (getpwuid_r(from->uid, &entry, room, sizeof(room), &found) == 0 && found)
		name = found->pw_name;
	if (identity_create(FACT_USER, name, &identity) < 0)
		snprintf(why, LOGIN_WHY_MAX, "out of memory");
	return identity;
}

/* Known by the address alone; over a unix socket by the user, who is no more than rules make of
 * him: a proxy that runs as root does not make its clients root. */
struct identity *login_judge_nobody(const struct login_origin *from, char why[LOGIN_WHY_MAX])
{
	const struct config_https *https = &from->context->config->https;
	char text[ADDRESS_TEXT_MAX];
	struct identity *identity = NULL;
	struct net_address a;

	if (https_auth_rights(https, HTTPS_AUTH_NONE) == 0 ||
		(from->address && address_parse(from->address, &a) < 0)) {
		snprintf(why, LOGIN_WHY_MAX, "no certificate and no ticket");
		return NULL;
	}
	if (!from->address)
		return user_identity(from, why);
	address_text(&a, text);
	if (identity_create(FACT_ADDRESS, text, &identity) < 0)
		snprintf(why, LOGIN_WHY_MAX, "out of memory");
	return identity;
}

/* Root and the daemon's own user may do all; others what user:NAME is allowed. */
struct identity *login_judge_peer(const struct login_origin *from, char why[LOGIN_WHY_MAX])
{
	struct identity *identity;

	if (from->kind != LOGIN_LOCAL) {
		snprintf(why, LOGIN_WHY_MAX, "no local connection");
		return NULL;
	}
	identity = user_identity(from, why);
	if (!identity)
		return NULL;
	identity->pty_allowed = true;
	identity->everything = from->uid == 0 || from->uid == geteuid();
	return identity;
}

/* A forced command is a ceiling: what it does not allow, no other way in the login does. */
static int hold_to_command(
	const struct broker_context *context, struct identity *identity, char why[LOGIN_WHY_MAX])
{
	struct tokens words = {0};
	int r = -EINVAL;

	if (!identity->command)
		return 0;
	if (tokenize(identity->command, strlen(identity->command), &words) == 0)
		r = context->ceiling(&words, &identity->denied);
	tokens_finish(&words);
	if (r < 0)
		snprintf(why, LOGIN_WHY_MAX, "the command of this key is not a verb: %.120s",
			identity->command);
	return r;
}

static int join(struct identity *whole, const struct factor *f, char why[LOGIN_WHY_MAX])
{
	int r = identity_join(whole, f->identity);

	if (r < 0)
		snprintf(why, LOGIN_WHY_MAX, "%s",
			r == -EACCES ? "the factors are limited to different things"
				     : strerror(-r));
	return r;
}

struct identity *login_whole(const struct broker_context *context, const struct factor *factors,
	size_t count, const struct factor *more, char why[LOGIN_WHY_MAX])
{
	struct identity *whole = NULL;
	size_t i;
	int r;

	if (count == 0 && !more)
		return NULL;
	r = identity_copy(count > 0 ? factors[0].identity : more->identity, &whole);
	if (r < 0)
		snprintf(why, LOGIN_WHY_MAX, "out of memory");
	for (i = 1; r == 0 && i < count; i++)
		r = join(whole, &factors[i], why);
	if (r == 0 && count > 0 && more)
		r = join(whole, more, why);
	if (r == 0)
		r = hold_to_command(context, whole, why);
	if (r == 0)
		return whole;
	identity_destroy(whole);
	return NULL;
}

#define BY_KEY                                                                                     \
	(FACT_BIT(FACT_KEY) | FACT_BIT(FACT_CERT) | FACT_BIT(FACT_PRINCIPAL) |                     \
		FACT_BIT(FACT_ENTITY) | FACT_BIT(FACT_ENTITY_ID) | FACT_BIT(FACT_ACCESS))

static unsigned methods_for(unsigned facts)
{
	unsigned methods = 0;

	if (facts & FACT_BIT(FACT_TICKET))
		methods |= WIRE_CAN_PASSWORD | WIRE_CAN_INTERACTIVE;
	if (facts & BY_KEY)
		methods |= WIRE_CAN_PUBLICKEY;
	return methods;
}

int login_enough(const struct login *login, const struct identity *whole, unsigned *methods)
{
	const struct rules *rules = login->options.context->access->rules;

	if (rules_any(rules, whole) != 0)
		return 0;
	*methods = methods_for(rules_missing_factors(rules, whole));
	return *methods ? 1 : -EPERM;
}
