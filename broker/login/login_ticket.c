/*
 * Task: logins by ticket. Owner: the login.
 *
 * Whether the guest exists, whether it has a ticket, and what is wrong with the one presented: the
 * steps are the same, and a refusal comes at a time that nothing of this changes. Libvirt is asked
 * about one attempt of a source after the other, and each is judged before the next is asked about:
 * many guesses at once are no quicker than many in turn. Ours are found out about at once.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <openssl/crypto.h>

#include "auth/throttle.h"
#include "auth/tickets.h"
#include "auth/vdsm_ticket.h"
#include "broker/login/login_private.h"
#include "broker/login/maker.h"
#include "config/config.h"
#include "console/guest/directory.h"
#include "console/guest/guest.h"
#include "console/hypervisor/hypervisor_query.h"
#include "core/text/net_address.h"

static int any(void *arg, const struct guest *guest)
{
	return 1;
}

/* A ticket is for the one guest that is named exactly: by its UUID, or by a name that no other
 * has. Nobody's rights are asked: he who presents it has none yet. */
static struct guest *find_guest(struct login *login)
{
	struct directory *d = login->options.context->directory;
	struct guest *found[2];
	size_t count = 0;
	char *name, *plus;
	int r;

	if (login_is_host(login) || !(name = strdup(login->name)))
		return NULL;
	r = directory_resolve(d, name, any, NULL, found, 2, &count);
	plus = strrchr(name, '+');
	if (r == -ENOENT && plus && plus != name) {
		*plus = '\0';
		r = directory_resolve(d, name, any, NULL, found, 2, &count);
	}
	if (r == 0 && strcmp(guest_name(found[0]), name) != 0 &&
		strcasecmp(guest_uuid_text(found[0]), name) != 0)
		r = -ENOENT; /* the beginning of a UUID */
	free(name);
	return r == 0 ? found[0] : NULL;
}

static struct identity *make_identity(
	const struct guest *guest, const char *maker, char why[LOGIN_WHY_MAX])
{
	struct identity *identity = NULL;
	int r = identity_create(FACT_TICKET, maker, &identity);

	if (r == 0)
		r = identity_set(&identity->only_vm, guest_uuid_text(guest));
	if (r == 0)
		return identity;
	identity_destroy(identity);
	snprintf(why, LOGIN_WHY_MAX, "out of memory");
	return NULL;
}

static void let_in_by(struct login *login, const struct guest *guest, const char *maker)
{
	struct attempt *a = &login->attempt;

	a->factor.identity = make_identity(guest, maker, a->why);
	if (a->factor.identity &&
		login_add_address(a->factor.identity, login_origin_of(login).address) < 0) {
		factor_finish(&a->factor);
		snprintf(a->why, LOGIN_WHY_MAX, "out of memory");
	}
}

/* --- VDSM's --- */

static void judge_vdsm(struct login *login, const struct graphics_ticket *ticket)
{
	struct attempt *a = &login->attempt;
	struct directory *d = login->options.context->directory;
	/* It may have gone meanwhile, and another one have its name. */
	const struct guest *guest = directory_by_uuid(d, &a->asked_about);
	int good = vdsm_ticket_check(ticket ? ticket->password : NULL,
			   ticket ? ticket->valid_to : NULL, (const char *)a->proof, a->proof_len,
			   time(NULL)) == 0;

	loop_timer_stop(login->verdict);
	a->state = ATTEMPT_JUDGING;
	if (good && guest)
		let_in_by(login, guest, "vdsm");
	else
		snprintf(a->why, LOGIN_WHY_MAX, "wrong or expired ticket");
	login->attempt.judged(login);
}

static bool is_of_source(const struct login *login, const struct net_address *source)
{
	struct net_address own;

	return login_source(login, &own) == 0 && throttle_same_source(&own, source);
}

/* The one that has waited longest among those from there in this state; NULL: none. */
static struct login *oldest(
	const struct login_list *logins, const struct net_address *source, enum attempt_state state)
{
	struct login *login = LIST_FIRST(logins), *found = NULL;

	for (; login; login = login_next(login)) {
		if (login->attempt.state == state && is_of_source(login, source) &&
			(!found || login->attempt.begun < found->attempt.begun))
			found = login;
	}
	return found;
}

static void next_turn(struct login *login);

static void on_graphics(void *arg, int error, const struct graphics_ticket *ticket)
{
	struct login *login = arg;

	login->attempt.query = NULL;
	judge_vdsm(login, ticket);
	next_turn(login); /* it may be closed, and is there till the end of this turn */
}

/* 1: it is asked; 0: there is nobody to ask, and it is judged. */
static int ask_vdsm(struct login *login)
{
	struct attempt *a = &login->attempt;
	struct guest *guest = find_guest(login);
	struct hypervisor *h = guest ? guest_hypervisor(guest) : NULL;

	if (guest)
		a->asked_about = *guest_uuid(guest);
	a->state = ATTEMPT_ASKED;
	if (h && hypervisor_ask_graphics(h, &a->asked_about, on_graphics, login, &a->query) == 0)
		return 1;
	judge_vdsm(login, NULL);
	return 0;
}

/* The login's turn is over: another one's from its source begins. */
static void next_turn(struct login *login)
{
	const struct login_list *logins = login->options.context->logins;
	struct net_address source;
	struct login *next;

	if (login_source(login, &source) < 0)
		return;
	while (!oldest(logins, &source, ATTEMPT_ASKED) &&
		(next = oldest(logins, &source, ATTEMPT_QUEUED))) {
		if (ask_vdsm(next))
			return;
	}
}

static void wait_for_turn(struct login *login)
{
	loop_timer_set(login->verdict, VDSM_ANSWER_US, LOOP_MSEC);
	login->attempt.state = ATTEMPT_QUEUED;
	next_turn(login);
}

void login_ticket_cancel(struct login *login)
{
	loop_timer_stop(login->verdict);
	hypervisor_query_cancel(&login->attempt.query);
	login->attempt.state = ATTEMPT_JUDGING;
	next_turn(login);
}

void login_ticket_late(struct login *login)
{
	login_ticket_cancel(login);
	snprintf(login->attempt.why, LOGIN_WHY_MAX, "libvirt did not say in time what is right");
	login->attempt.judged(login);
}

/* --- ours --- */

static int64_t now_s(const struct login *login)
{
	return (int64_t)(loop_now(login_loop(login)) / LOOP_SECOND);
}

static int find_ours(struct login *login)
{
	struct attempt *a = &login->attempt;
	struct guest *guest = find_guest(login);
	struct tickets *tickets = login->options.context->tickets;
	char maker[TICKET_MAKER_MAX];
	int r = tickets_find(tickets, guest ? guest_uuid_text(guest) : NULL, (const char *)a->proof,
		a->proof_len, now_s(login), maker, &a->factor.claim);

	if (r < 0)
		return r;
	let_in_by(login, guest, maker);
	if (!a->factor.identity)
		return 0;
	a->factor.by_ticket = 1;
	a->factor.maker = maker_ref(tickets_by(tickets, &a->factor.claim));
	if (a->factor.maker && maker_limit(a->factor.maker, a->factor.identity, guest, a->why) < 0)
		factor_finish(&a->factor);
	return 0;
}

/* Those of the login's factors, then the attempt's. */
static struct factor *factor_at(struct login *login, size_t index)
{
	return index < login->factor_count ? &login->factors[index] : &login->attempt.factor;
}

static void give_back(struct login *login, size_t count)
{
	struct tickets *tickets = login->options.context->tickets;

	while (count-- > 0) {
		if (factor_at(login, count)->by_ticket)
			tickets_give_back(tickets, &factor_at(login, count)->claim);
	}
}

int login_use_tickets(struct login *login)
{
	struct tickets *tickets = login->options.context->tickets;
	size_t i;

	for (i = 0; i <= login->factor_count; i++) {
		const struct factor *f = factor_at(login, i);

		if (f->by_ticket && tickets_use(tickets, &f->claim, now_s(login)) < 0) {
			give_back(login, i);
			return -EACCES;
		}
	}
	return 0;
}

void login_give_back_tickets(struct login *login)
{
	give_back(login, login->factor_count + 1);
}

/* --- both --- */

void login_judge_ticket(struct login *login)
{
	struct attempt *a = &login->attempt;

	if (find_ours(login) == 0) {
		login->attempt.judged(login);
	} else if (login->options.context->config->auth.vdsm_tickets) {
		wait_for_turn(login);
	} else {
		snprintf(a->why, LOGIN_WHY_MAX, "wrong or expired ticket");
		login->attempt.judged(login);
	}
}
