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
#include "console/guest/directory.h"

/* --- one factor --- */

/* A ticket is as good as its maker; VDSM's are good for the moment in which they are presented. */
static int judge_maker(const struct login *login, const struct factor *f, struct identity *fresh,
	char why[LOGIN_WHY_MAX])
{
	struct uuid uuid;
	const struct guest *guest = NULL;

	if (fresh->only_vm && uuid_parse(fresh->only_vm, &uuid) == 0)
		guest = directory_by_uuid(login->options.context->directory, &uuid);
	return maker_limit(f->maker, fresh, guest, why);
}

static struct identity *judge_factor(
	const struct login *login, const struct factor *f, char why[LOGIN_WHY_MAX])
{
	const struct login_origin from = login_origin_of(login);
	struct identity *fresh = login_judge_factor(&from, f, why);

	if (fresh && f->maker && judge_maker(login, f, fresh, why) < 0) {
		identity_destroy(fresh);
		fresh = NULL;
	}
	return fresh;
}

/* --- all of them --- */

/* fresh: the factors with other identities. */
static int judge_whole(const struct login *login, const struct factor *fresh,
	enum login_extent extent, struct identity **whole, char why[LOGIN_WHY_MAX])
{
	unsigned methods;
	int enough;

	*whole = login_whole(login->options.context, fresh, login->factor_count, NULL, why);
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

static bool is_of_maker(const struct login *login)
{
	size_t i;

	for (i = 0; i < login->factor_count; i++) {
		if (login->factors[i].maker)
			return true;
	}
	return false;
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
		r == -EPERM          ? "your rights were withdrawn"
		: is_of_maker(login) ? "your ticket is no longer good"
				     : "your key is no longer accepted");
	login_forget_rights(login);
}

void login_ask_again(const struct login *login)
{
	factors_ask_again(login->options.context, login->factors, login->factor_count);
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
