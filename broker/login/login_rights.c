/*
 * Task: what a login may do with which guest, and which guest a name means to it. Owner: the login.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "broker/access/access.h"
#include "broker/access/rule_guest.h"
#include "broker/login/login_private.h"
#include "config/config.h"
#include "config/https_auth.h"
#include "config/rights.h"
#include "console/guest/directory.h"
#include "console/guest/guest.h"

#define FOUND_MAX 8

static enum https_auth known_by(const struct login *login)
{
	struct span der;

	if (identity_fact(login->identity, FACT_TICKET))
		return HTTPS_AUTH_TICKET;
	return login_certificate(login, &der) == 0 ? HTTPS_AUTH_CERTIFICATE : HTTPS_AUTH_NONE;
}

/* What rules give over https, or http, counts where its group of requests takes who is known so. */
static unsigned let_in(const struct login *login)
{
	if (!login_is_web(login) || !login->identity)
		return RIGHT_ALL;
	return https_auth_rights(&login->options.context->config->https, known_by(login));
}

unsigned login_rights(const struct login *login, const struct guest *guest)
{
	struct rule_guest seen;

	if (!login->grant)
		return 0;
	rule_guest_init(&seen, guest);
	return grant_rights(login->grant, &seen.vm) & let_in(login);
}

unsigned login_host_rights(const struct login *login)
{
	return login->grant ? grant_host_rights(login->grant) & let_in(login) : 0;
}

unsigned login_lines(const struct login *login, const struct guest *guest)
{
	struct rule_guest seen;

	rule_guest_init(&seen, guest);
	return login->grant ? grant_lines(login->grant, &seen.vm) : 0;
}

int login_make_grant(struct login *login)
{
	const struct access *access = login->options.context->access;
	struct grant *grant = NULL;
	int r = grant_create(access->rules, login->identity, &grant);

	if (r < 0)
		return r;
	grant_destroy(login->grant);
	login->grant = grant;
	return 0;
}

void login_forget_rights(struct login *login)
{
	grant_destroy(login->grant);
	login->grant = NULL;
}

static int may_see(void *arg, const struct guest *guest)
{
	return login_rights(arg, guest) != 0;
}

static void list_found(char text[512], struct guest **found, size_t count, const char *name)
{
	size_t used = (size_t)snprintf(text, 512, "%.100s is ambiguous:", name), i;

	for (i = 0; i < count && used + UUID_TEXT + 2 < 512; i++)
		used += (size_t)snprintf(text + used, 512 - used, " %s", guest_uuid_text(found[i]));
}

int login_resolve(
	struct login *login, char *name, struct guest **guest, const char **device, char text[512])
{
	struct directory *d = login->options.context->directory;
	struct guest *found[FOUND_MAX];
	size_t count = 0;
	char *plus = strrchr(name, '+');
	int r;

	*device = NULL;
	r = directory_resolve(d, name, may_see, login, found, FOUND_MAX, &count);
	if (r == -ENOENT && plus && plus != name) {
		*plus = '\0';
		*device = plus + 1;
		r = directory_resolve(d, name, may_see, login, found, FOUND_MAX, &count);
	}
	if (r == -ENOENT)
		snprintf(text, 512, "no VM %.200s", name);
	else if (r < 0)
		list_found(text, found, count, name);
	else
		*guest = found[0];
	return r;
}
