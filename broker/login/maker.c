/*
 * Task: remember what the maker of a ticket proved, and judge it again. Owner: the tickets and the
 * logins by them, together.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/access/access.h"
#include "broker/access/rule_guest.h"
#include "broker/login/login_private.h"
#include "broker/login/maker.h"
#include "config/rights.h"
#include "console/guest/guest.h"

struct maker {
	unsigned refs;
	struct login_origin origin;
	char address[64];
	struct factor factors[FACTORS_MAX]; /* without their makers */
	size_t factor_count;
	struct maker *before; /* of the ticket that he came by himself; or NULL */
	unsigned row;         /* how many tickets in a row this one's is */
};

/* --- life --- */

static void finish_proof(struct factor *f)
{
	identity_destroy(f->identity);
	free(f->key);
	explicit_bzero(f, sizeof(*f));
}

struct maker *maker_ref(struct maker *m)
{
	if (m)
		m->refs++;
	return m;
}

void maker_unref(void *maker)
{
	struct maker *m = maker;

	while (m && --m->refs == 0) {
		struct maker *before = m->before;

		while (m->factor_count > 0)
			finish_proof(&m->factors[--m->factor_count]);
		free(m);
		m = before;
	}
}

void factor_finish(struct factor *f)
{
	struct maker *maker = f->maker;

	finish_proof(f);
	maker_unref(maker);
}

/* Its ticket's use is not kept: it cannot be given back by this. */
static int copy_proof(const struct factor *from, struct factor *to)
{
	if (identity_copy(from->identity, &to->identity) < 0)
		return -ENOMEM;
	to->by_certificate = from->by_certificate;
	if (!from->key)
		return 0;
	to->key = malloc(from->key_len + 1);
	if (!to->key)
		return -ENOMEM;
	memcpy(to->key, from->key, from->key_len);
	to->key_len = from->key_len;
	return 0;
}

static int take_before(struct maker *m, struct maker *before)
{
	if (!before)
		return 0;
	if (m->before || before->row >= MAKERS_MAX)
		return -ELOOP;
	m->before = maker_ref(before);
	m->row = before->row + 1;
	return 0;
}

static int fill(struct maker *m, const struct login *login)
{
	int r = 0;

	m->origin = login_origin_of(login);
	if (m->origin.address) {
		snprintf(m->address, sizeof(m->address), "%s", m->origin.address);
		m->origin.address = m->address;
	}
	while (r == 0 && m->factor_count < login->factor_count) {
		const struct factor *from = &login->factors[m->factor_count];

		r = copy_proof(from, &m->factors[m->factor_count++]);
		if (r == 0)
			r = take_before(m, from->maker);
	}
	return r;
}

int maker_create(const struct login *login, struct maker **out)
{
	struct maker *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->refs = 1;
	m->row = 1;
	r = fill(m, login);
	if (r < 0)
		maker_unref(m);
	else
		*out = m;
	return r;
}

/* --- what he may now --- */

static struct identity *judge(const struct maker *m, char why[LOGIN_WHY_MAX])
{
	struct factor fresh[FACTORS_MAX] = {0};
	struct identity *whole = NULL;
	size_t count;

	for (count = 0; count < m->factor_count; count++) {
		fresh[count].identity = login_judge_factor(&m->origin, &m->factors[count], why);
		if (!fresh[count].identity)
			break;
	}
	if (count == m->factor_count)
		whole = login_whole(m->origin.context, fresh, count, NULL, why);
	while (count > 0)
		identity_destroy(fresh[--count].identity);
	return whole;
}

/* He and the makers before him, each the maker of the one before in the list. */
static int judge_row(const struct maker *m, struct identity *identity, char why[LOGIN_WHY_MAX])
{
	char reason[LOGIN_WHY_MAX] = "";
	struct identity **last = &identity->maker;

	for (; m; m = m->before) {
		*last = judge(m, reason);
		if (!*last) {
			snprintf(why, LOGIN_WHY_MAX,
				"the maker of the ticket is no longer good: %.140s", reason);
			return -EACCES;
		}
		identity_until(identity, (*last)->until);
		last = &(*last)->maker;
	}
	return 0;
}

static unsigned rights_of(
	const struct maker *m, const struct identity *id, const struct guest *guest)
{
	struct rule_guest seen;

	rule_guest_init(&seen, guest);
	return rules_rights(m->origin.context->access->rules, id, &seen.vm);
}

/* A guest that is gone has no rules to ask. */
static bool may_make(const struct maker *m, const struct identity *id, const struct guest *guest)
{
	return !guest || rights_of(m, id, guest) & RIGHT_ADMIN;
}

int maker_limit(const struct maker *m, struct identity *identity, const struct guest *guest,
	char why[LOGIN_WHY_MAX])
{
	int r = judge_row(m, identity, why);

	if (r < 0 || may_make(m, identity->maker, guest))
		return r;
	snprintf(why, LOGIN_WHY_MAX,
		"the maker of the ticket, %.120s, has no right to make one now",
		identity->maker->text);
	return -EACCES;
}

unsigned maker_rights(const struct maker *m, const struct guest *guest)
{
	char why[LOGIN_WHY_MAX];
	struct identity *id = judge(m, why);
	unsigned rights = 0;

	if (id && judge_row(m->before, id, why) == 0)
		rights = rights_of(m, id, guest);
	identity_destroy(id);
	return rights;
}

void maker_ask_again(const struct maker *m)
{
	for (; m; m = m->before)
		factors_ask_again(m->origin.context, m->factors, m->factor_count);
}
