/*
 * What a configuration may say, but hardly means. Pure: what is not there yet, such as files and
 * users, is for others to look at.
 */
#include <string.h>

#include "config/config.h"
#include "config/https_auth.h"
#include "config/object.h"
#include "config/protocols.h"

#define RIGHTS_NEED_VIEW (RIGHT_TYPE | RIGHT_FORCE)

/* A kind of identity, and the keys of [auth] of which one must be set for anybody to be of it. */
struct way {
	const char *kind;
	const char *keys;
	bool (*is_there)(const struct config_auth *auth);
};

static bool has_keys(const struct config_auth *auth)
{
	return auth->authorized_keys.count > 0;
}

/* As ssh keys they must be known beforehand; over https any that the authorities signed will do. */
static bool has_certificates(const struct config_auth *auth)
{
	return auth->vdsm_certificates.count > 0 || auth->vdsm_ca.count > 0;
}

/* Lines of authorized_keys may name an authority too. */
static bool has_ssh_ca(const struct config_auth *auth)
{
	return auth->ssh_user_ca.count > 0 || auth->authorized_keys.count > 0;
}

static bool has_key_command(const struct config_auth *auth)
{
	return *auth->key_command != '\0';
}

static const struct way ways[] = {
	{"key", "authorized_keys", has_keys},
	{"access", "authorized_keys", has_keys},
	{"cert", "vdsm_certificates", has_certificates},
	{"principal", "ssh_user_ca", has_ssh_ca},
	{"entity", "key_command", has_key_command},
	{"entity-id", "key_command", has_key_command},
};

static bool is_of_kind(const char *item, const char *kind)
{
	size_t len = strlen(kind);

	return strncmp(item, kind, len) == 0 && item[len] == ':';
}

static void warn_who(const struct config *c, const struct config_access *a, const char *item,
	struct config_errors *out)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (is_of_kind(item, ways[i].kind) && !ways[i].is_there(&c->auth))
			config_warning_add(out, a->at.file, a->at.line,
				"[access %s] who: \"%.100s\" is nobody without %s in [auth]",
				a->at.name, item, ways[i].keys);
	}
}

static void warn_rights(const struct config_access *a, struct config_errors *out)
{
	char text[RIGHTS_TEXT_MAX];
	unsigned blind = a->allow & RIGHT_VIEW ? 0 : a->allow & RIGHTS_NEED_VIEW;

	if (blind)
		config_warning_add(out, a->at.file, a->at.line,
			"[access %s] allows %s without view: it has no effect where no other "
			"section allows view",
			a->at.name, rights_text(blind, text, sizeof(text)));
	if ((a->allow & RIGHT_FORCE) && !(a->allow & RIGHT_TYPE))
		config_warning_add(out, a->at.file, a->at.line,
			"[access %s] allows force without type: it has no effect where no other "
			"section allows type",
			a->at.name);
	if ((a->allow & RIGHT_DUMP_DELETE) && !(a->allow & RIGHT_DUMP_GET))
		config_warning_add(out, a->at.file, a->at.line,
			"[access %s] allows dump-delete without dump-get: it has no effect where "
			"no other section allows dump-get",
			a->at.name);
}

/* Who breaks the process that parses requests has its key. VDSM's opens the whole cluster. */
static void warn_https_key(const struct config *c, struct config_errors *out)
{
	static const char vdsm[] = "/etc/pki/vdsm/";
	const char *key = c->https.key, *file;
	unsigned line;

	if (!*key || (strncmp(key, vdsm, sizeof(vdsm) - 1) != 0 &&
			     strcmp(key, c->https.upstream_key) != 0))
		return;
	config_place(c, "https", "key", &file, &line);
	config_warning_add(out, file, line,
		"key: whoever breaks into the process that speaks HTTP has this key, which opens "
		"more than consoles: make one for https alone; VDSM's belongs in upstream_key");
}

static bool takes_nobody(const struct config_https *https)
{
	return (https_auth_of(&https->console_auth) | https_auth_of(&https->dump_auth) |
		       https_auth_of(&https->rpc_auth)) &
	       HTTPS_AUTH_NONE;
}

/* An address is shown by whoever can send from it. */
static void warn_nobody(const struct config *c, const struct config_access *a, const char *item,
	struct config_errors *out)
{
	if (config_has_web(c) && takes_nobody(&c->https) && is_of_kind(item, "address"))
		config_warning_add(out, a->at.file, a->at.line,
			"[access %s] who: \"%.100s\" lets in by https whoever sends from there, "
			"with "
			"nothing to show: none is in console_auth, dump_auth or rpc_auth",
			a->at.name, item);
}

/* Who may connect to an address is not said by groups. */
static void warn_group(const struct config_listen *listen, struct config_errors *out)
{
	for (size_t i = 0; i < listen->address.count; i++) {
		if (listen->address.items[i].sa.ss_family == AF_UNIX)
			return;
	}
	if (*listen->group)
		config_warning_add(out, listen->at.file, listen->at.line,
			"[listen %s] group: it is for unix sockets, and address has none",
			listen->at.name);
}

void config_object_warn(const struct config *c, struct config_errors *out)
{
	if (c->access_count == 0)
		config_warning_add(out, NULL, 0,
			"there is no [access] section: nobody may do anything but root and the "
			"service's own user, on this host");
	warn_https_key(c, out);
	for (size_t i = 0; i < c->listen_count; i++)
		warn_group(&c->listens[i], out);
	for (size_t i = 0; i < c->access_count; i++) {
		const struct config_access *a = &c->accesses[i];

		for (size_t k = 0; k < a->who.count; k++) {
			warn_who(c, a, a->who.items[k], out);
			warn_nobody(c, a, a->who.items[k], out);
		}
		warn_rights(a, out);
	}
}
