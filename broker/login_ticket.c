/*
 * Task: logins by ticket. Owner: the login.
 *
 * Whether the guest exists, whether it has a ticket, and what is wrong with the one presented: the
 * steps are the same, and the answer never comes before TICKET_ANSWER_US.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <openssl/crypto.h>

#include "core/net_address.h"
#include "auth/tickets.h"
#include "auth/vdsm_ticket.h"
#include "broker/broker.h"
#include "broker/login_private.h"
#include "console/hypervisor/hypervisor_question.h"

static int any(void *arg, const struct guest *guest)
{
	return 1;
}

/* A ticket is for the one guest that is named exactly: by its UUID, or by a name that no other
 * has. Nobody's rights are asked: he who presents it has none yet. */
static struct guest *find_guest(struct login *login)
{
	struct directory *d = broker_directory(login->options.broker);
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

static int add_address(struct login *login, struct identity *identity)
{
	struct net_address a;
	char text[ADDRESS_TEXT_MAX];

	if (!login->options.address || address_parse(login->address, &a) < 0)
		return 0;
	address_text(&a, text);
	return identity_add(identity, FACT_ADDRESS, text);
}

static void let_in_by(struct login *login, const struct guest *guest, const char *maker)
{
	struct attempt *a = &login->attempt;

	a->identity = make_identity(guest, maker, a->why);
	if (a->identity && add_address(login, a->identity) < 0) {
		identity_destroy(a->identity);
		a->identity = NULL;
		snprintf(a->why, LOGIN_WHY_MAX, "out of memory");
	}
}

/* --- VDSM's --- */

static void judge_vdsm(
	struct login *login, const struct guest *guest, const char *password, const char *valid_to)
{
	struct attempt *a = &login->attempt;

	if (vdsm_ticket_check(
		    password, valid_to, (const char *)a->proof, a->proof_len, time(NULL)) == 0 &&
		guest)
		let_in_by(login, guest, "vdsm");
	else
		snprintf(a->why, LOGIN_WHY_MAX, "wrong or expired ticket");
	login_auth_judged(login);
}

static void on_graphics(void *arg, int error, const struct graphics_ticket *ticket)
{
	struct login *login = arg;

	login->attempt.question = NULL;
	/* The guest may have gone meanwhile. */
	judge_vdsm(login, ticket ? find_guest(login) : NULL, ticket ? ticket->password : NULL,
		ticket ? ticket->valid_to : NULL);
}

static void ask_vdsm(struct login *login, const struct guest *guest)
{
	struct hypervisor *h = guest ? guest_hypervisor(guest) : NULL;

	if (!h || hypervisor_ask_graphics(
			  h, guest_uuid(guest), on_graphics, login, &login->attempt.question) < 0)
		judge_vdsm(login, NULL, NULL, NULL);
}

/* --- both --- */

void login_judge_ticket(struct login *login)
{
	struct broker *b = login->options.broker;
	struct guest *guest = find_guest(login);
	struct attempt *a = &login->attempt;
	char maker[TICKET_MAKER_MAX];
	int64_t now = (int64_t)(loop_now(login_loop(login)) / LOOP_SECOND);

	if (tickets_use(broker_tickets(b), guest ? guest_uuid_text(guest) : NULL,
		    (const char *)a->proof, a->proof_len, now, maker) == 0) {
		let_in_by(login, guest, maker);
		login_auth_judged(login);
	} else if (broker_config(b)->auth.vdsm_tickets) {
		ask_vdsm(login, guest);
	} else {
		snprintf(a->why, LOGIN_WHY_MAX, "wrong or expired ticket");
		login_auth_judged(login);
	}
}

void login_ticket_finish(struct login *login)
{
	hypervisor_question_cancel(&login->attempt.question);
}
