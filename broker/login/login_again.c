/*
 * Task: say whether a login is still good, whole or half done: would it be let in now? Owner: the
 * login. Asked after every change of keys, revocation lists, rules or helpers' answers, and when
 * something that was proved comes to its end.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "broker/access/access.h"
#include "broker/login/judge.h"
#include "broker/login/login_private.h"

/* --- one factor --- */

/* The command's list for an entity: the newest there is, else the one it came in with. */
static int limit_to_consoles(const struct login *login, const struct identity *before,
	struct identity *fresh, char why[LOGIN_WHY_MAX])
{
	struct external *external = login->options.context->external;
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
static int is_unanswered(const struct login *login, const struct factor *f)
{
	struct external *external = login->options.context->external;

	return identity_fact(f->identity, FACT_ENTITY) && external_has_keys(external) &&
	       !external_keys(external);
}

static struct identity *copy_unless_revoked(
	const struct login *login, const struct factor *f, char why[LOGIN_WHY_MAX])
{
	const struct access *access = login->options.context->access;
	struct identity *copy = NULL;

	if (f->key && login_key_revoked(&access->sources, (struct span){f->key, f->key_len}))
		snprintf(why, LOGIN_WHY_MAX, "the key is revoked");
	else if (identity_copy(f->identity, &copy) < 0)
		snprintf(why, LOGIN_WHY_MAX, "out of memory");
	return copy;
}

static struct identity *judge_key(
	struct login *login, const struct factor *f, char why[LOGIN_WHY_MAX])
{
	struct identity *fresh;

	if (f->by_certificate)
		fresh = login_judge_certificate(
			login, (struct span){f->key, f->key_len}, time(NULL), why);
	else if (is_unanswered(login, f))
		fresh = copy_unless_revoked(login, f, why);
	else
		fresh = login_judge_key(login, (struct span){f->key, f->key_len}, time(NULL), why);
	if (fresh && limit_to_consoles(login, f->identity, fresh, why) < 0) {
		identity_destroy(fresh);
		fresh = NULL;
	}
	return fresh;
}

/* A ticket is good for the moment in which it is presented. */
static struct identity *judge_factor(
	struct login *login, const struct factor *f, char why[LOGIN_WHY_MAX])
{
	if (f->key)
		return judge_key(login, f, why);
	if (login_is_local(login))
		return login_judge_peer(login, why);
	return copy_unless_revoked(login, f, why);
}

/* --- all of them --- */

/* fresh: the factors with other identities. */
static int judge_whole(const struct login *login, const struct factor *fresh,
	enum login_extent extent, struct identity **whole, char why[LOGIN_WHY_MAX])
{
	unsigned methods;
	int enough;

	*whole = login_whole(login, fresh, login->factor_count, NULL, why);
	if (!*whole)
		return -EACCES;
	enough = login_enough(login, *whole, &methods);
	if (enough == 0 || (enough == 1 && extent == LOGIN_HALF))
		return 0;
	snprintf(why, LOGIN_WHY_MAX, "no [access] section is for it any more");
	identity_destroy(*whole);
	*whole = NULL;
	return -EPERM;
}

static void adopt(
	struct login *login, enum login_extent extent, struct factor *fresh, struct identity *whole)
{
	size_t i;

	for (i = 0; i < login->factor_count; i++) {
		identity_destroy(login->factors[i].identity);
		login->factors[i].identity = fresh[i].identity;
	}
	if (extent == LOGIN_WHOLE) {
		identity_destroy(login->identity);
		login->identity = whole;
	} else {
		identity_destroy(whole);
	}
}

int login_renew(struct login *login, enum login_extent extent, char why[LOGIN_WHY_MAX])
{
	struct factor fresh[FACTORS_MAX];
	struct identity *whole = NULL;
	size_t count = 0;
	int r = 0;

	memcpy(fresh, login->factors, sizeof(fresh));
	while (r == 0 && count < login->factor_count) {
		fresh[count].identity = judge_factor(login, &login->factors[count], why);
		if (fresh[count].identity)
			count++;
		else
			r = -EACCES;
	}
	if (r == 0)
		r = judge_whole(login, fresh, extent, &whole, why);
	if (r == 0) {
		adopt(login, extent, fresh, whole);
		return 0;
	}
	while (count > 0)
		identity_destroy(fresh[--count].identity);
	return r;
}

static void rights_changed(struct login *login)
{
	if (login->identity && login_make_grant(login) < 0) {
		login_forget_rights(login);
		login_close(login, "out of memory");
		return;
	}
	judge_login(login);
}

void login_review(struct login *login)
{
	char why[LOGIN_WHY_MAX] = "";
	int r;

	if (login->state >= LOGIN_ENDING) {
		login_forget_rights(login); /* they look into rules that may go now */
		return;
	}
	login->attempt.again = login->attempt.state != ATTEMPT_NONE;
	if (login->factor_count == 0)
		return;
	r = login_renew(login, login->identity ? LOGIN_WHOLE : LOGIN_HALF, why);
	if (r == 0) {
		login_watch_expiry(login);
		rights_changed(login);
		return;
	}
	login_record_end(login, why);
	login_end(login, STATUS_DENIED,
		r == -EPERM ? "your rights were withdrawn" : "your key is no longer accepted");
	login_forget_rights(login);
}

void login_ask_again(const struct login *login)
{
	struct external *external = login->options.context->external;
	size_t i;

	for (i = 0; i < login->factor_count; i++) {
		const struct identity *identity = login->factors[i].identity;
		const char *entity = identity_fact(identity, FACT_ENTITY);
		const char *id = identity_fact(identity, FACT_ENTITY_ID);

		if (entity && id)
			external_ask_again(external, entity, id);
	}
}

/* --- the clock --- */

static int64_t earliest_end(const struct login *login)
{
	int64_t end = IDENTITY_FOREVER;
	size_t i;

	for (i = 0; i < login->factor_count; i++) {
		if (login->factors[i].identity->until < end)
			end = login->factors[i].identity->until;
	}
	return end;
}

void login_watch_expiry(struct login *login)
{
	int64_t end = earliest_end(login), left;
	uint64_t wait = EXPIRY_LOOK_US;
	struct timespec now;

	if (end == IDENTITY_FOREVER) {
		loop_timer_stop(login->expiry);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	left = end - now.tv_sec;
	if (left < (int64_t)(EXPIRY_LOOK_US / LOOP_SECOND))
		wait = left > 0 ? (uint64_t)left * LOOP_SECOND - (uint64_t)now.tv_nsec / 1000 : 0;
	/* time() may lag behind by a tick of the kernel. */
	loop_timer_set(login->expiry, wait + EXPIRY_TICK_US, LOOP_MSEC);
}

void login_on_expiry(void *arg)
{
	struct login *login = arg;

	if (earliest_end(login) > (int64_t)time(NULL)) {
		login_watch_expiry(login);
		return;
	}
	login_review(login);
}
