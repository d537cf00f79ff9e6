/* Task: what others may know of a login. Owner: the login. Changes nothing. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "broker/login/login_private.h"

struct loop *login_loop(const struct login *login)
{
	return login->options.context->loop;
}

const struct broker_context *login_context(const struct login *login)
{
	return login->options.context;
}

const char *login_tag(const struct login *login)
{
	return login->tag;
}

const char *login_name(const struct login *login)
{
	return login->name ? login->name : "";
}

const char *login_who(const struct login *login)
{
	return login->who ? login->who : "nobody";
}

const char *login_address(const struct login *login)
{
	return login->address;
}

const struct identity *login_identity(const struct login *login)
{
	return login->identity;
}

int login_certificate(const struct login *login, struct span *der)
{
	for (size_t i = 0; i < login->factor_count; i++) {
		const struct factor *f = &login->factors[i];

		if (!f->by_certificate)
			continue;
		*der = (struct span){f->key, f->key_len};
		return 0;
	}
	return -ENOENT;
}

int login_source(const struct login *login, struct net_address *source)
{
	if (login->options.address)
		return address_parse(login->address, source);
	/* Guesses over a unix socket count as those from the loopback do. */
	return login_is_web(login) ? address_parse(LOGIN_LOOPBACK, source) : -ENOENT;
}

bool login_has_address(const struct login *login)
{
	return login->options.address;
}

enum login_kind login_kind(const struct login *login)
{
	return login->options.kind;
}

bool login_is_local(const struct login *login)
{
	return login->options.kind == LOGIN_LOCAL;
}

bool login_is_web(const struct login *login)
{
	return login->options.kind == LOGIN_HTTPS || login->options.kind == LOGIN_HTTP;
}

int64_t login_since(const struct login *login)
{
	return login->since;
}

struct channel *login_first_channel(const struct login *login)
{
	return LIST_FIRST(&login->channels);
}

bool login_is_host(const struct login *login)
{
	return strcmp(login_name(login), "vmconsole") == 0 ||
	       strcmp(login_name(login), "ovirt-vmconsole") == 0;
}

struct login *login_next(const struct login *login)
{
	return LIST_NEXT(login, entry);
}

void login_link(struct login *login, struct login_list *list)
{
	LIST_INSERT_HEAD(list, login, entry);
}
