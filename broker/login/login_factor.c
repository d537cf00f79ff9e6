/*
 * Task: judge a proof that held once as of now: would it hold again? Owner: the caller of the
 * identity. May not know the login, which may have ended.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "broker/access/access.h"
#include "broker/login/login_private.h"

/* The command's list for an entity: the newest there is, else the one it came in with. */
static int limit_to_consoles(const struct login_origin *from, const struct identity *before,
	struct identity *fresh, char why[LOGIN_WHY_MAX])
{
	struct external *external = from->context->external;
	const char *entity = identity_fact(fresh, FACT_ENTITY);
	const char *id = identity_fact(fresh, FACT_ENTITY_ID);
	struct ovirt_consoles *list;

	ovirt_consoles_unref(fresh->consoles);
	fresh->consoles = NULL;
	if (!entity || !id || !external_has_consoles(external))
		return 0;
	list = external_consoles(external, entity, id);
	if (!list && before->text && strcmp(before->text, fresh->text) == 0)
		list = before->consoles;
	fresh->consoles = ovirt_consoles_ref(list);
	if (list)
		return 0;
	snprintf(why, LOGIN_WHY_MAX, "the consoles of %.100s are not known", entity);
	return -EACCES;
}

/* Whether key_command is to be asked about it, and has no answer at the moment: it failed, or is
 * just being asked again. That takes nobody's session, a revoked key does. */
static bool is_unanswered(const struct login_origin *from, const struct factor *f)
{
	struct external *external = from->context->external;

	return identity_fact(f->identity, FACT_ENTITY) && external_has_keys(external) &&
	       !external_keys(external);
}

static struct identity *copy_unless_revoked(
	const struct login_origin *from, const struct factor *f, char why[LOGIN_WHY_MAX])
{
	const struct access *access = from->context->access;
	struct identity *copy = NULL;

	if (f->key && login_key_revoked(&access->sources, (struct span){f->key, f->key_len}))
		snprintf(why, LOGIN_WHY_MAX, "the key is revoked");
	else if (identity_copy(f->identity, &copy) < 0)
		snprintf(why, LOGIN_WHY_MAX, "out of memory");
	return copy;
}

static struct identity *judge_key(
	const struct login_origin *from, const struct factor *f, char why[LOGIN_WHY_MAX])
{
	struct identity *fresh;

	if (f->by_certificate)
		fresh = login_judge_certificate(
			from, (struct span){f->key, f->key_len}, time(NULL), why);
	else if (is_unanswered(from, f))
		fresh = copy_unless_revoked(from, f, why);
	else
		fresh = login_judge_key(from, (struct span){f->key, f->key_len}, time(NULL), why);
	if (fresh && limit_to_consoles(from, f->identity, fresh, why) < 0) {
		identity_destroy(fresh);
		fresh = NULL;
	}
	return fresh;
}

/* A ticket without its maker: nothing of it can change. */
static struct identity *judge_ticket(
	const struct login_origin *from, const struct factor *f, char why[LOGIN_WHY_MAX])
{
	struct identity *fresh = copy_unless_revoked(from, f, why);

	if (fresh) {
		identity_destroy(fresh->maker);
		fresh->maker = NULL;
		fresh->until = IDENTITY_FOREVER;
	}
	return fresh;
}

struct identity *login_judge_factor(
	const struct login_origin *from, const struct factor *f, char why[LOGIN_WHY_MAX])
{
	if (f->key)
		return judge_key(from, f, why);
	if (from->kind == LOGIN_LOCAL)
		return login_judge_peer(from, why);
	if (!identity_fact(f->identity, FACT_TICKET))
		return login_judge_nobody(from, why);
	return judge_ticket(from, f, why);
}

void factors_ask_again(
	const struct broker_context *context, const struct factor *factors, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct identity *identity = factors[i].identity;
		const char *entity = identity_fact(identity, FACT_ENTITY);
		const char *id = identity_fact(identity, FACT_ENTITY_ID);

		if (entity && id)
			external_ask_again(context->external, entity, id);
	}
}
