/* What a configuration must fulfil as a whole. Pure. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "config/config.h"
#include "config/object.h"
#include "config/https_auth.h"
#include "config/protocols.h"
#include "config/upstream.h"

/*
 * Descriptors: beside one for each channel, the ssh door has a connection's socket twice (libssh's
 * and the loop's) and its login line, and the files that are read; the broker has the login line,
 * and consoles and libvirt, and for each channel the upstream's socket, which it can take back.
 */
#define DESCRIPTORS_DOOR 3
#define DESCRIPTORS_DOOR_OTHER (64 + CONFIG_FILES_LENT)
#define DESCRIPTORS_BROKER 1
/* Where the upstream speaks TLS, max_connections requests are with it at once: a line to the worker
 * that does, and two ends of what it passes on. */
#define DESCRIPTORS_TLS 3

static void add_at_key(const struct config *c, struct config_errors *errors, const char *section,
	const char *key, const char *text)
{
	const char *file;
	unsigned line;

	config_place(c, section, key, &file, &line);
	config_errors_add(errors, file, line, "%s", text);
}

static void check_hypervisors(const struct config *c, struct config_errors *errors)
{
	for (size_t i = 0; i < c->hypervisor_count; i++) {
		const struct config_hypervisor *h = &c->hypervisors[i];

		if (h->sasl_password_file[0] && !h->sasl_user[0])
			config_errors_add(errors, h->at.file, h->at.line,
				"[hypervisor %s] has sasl_password_file without sasl_user",
				h->at.name);
		for (size_t k = 0; k < i; k++) {
			if (strcmp(h->uri, c->hypervisors[k].uri) == 0)
				config_errors_add(errors, h->at.file, h->at.line,
					"[hypervisor %s] has the same uri as [hypervisor %s]",
					h->at.name, c->hypervisors[k].at.name);
		}
	}
}

/* All addresses that are listened on, numbered: NULL behind the last. */
static const char *address_at(
	const struct config *c, size_t i, const struct config_listen **section)
{
	*section = NULL;
	if (i < c->ssh.listen.count)
		return c->ssh.listen.items[i].text;
	i -= c->ssh.listen.count;
	if (i < c->https.listen.count)
		return c->https.listen.items[i].text;
	i -= c->https.listen.count;
	for (size_t k = 0; k < c->listen_count; k++) {
		*section = &c->listens[k];
		if (i < c->listens[k].address.count)
			return c->listens[k].address.items[i].text;
		i -= c->listens[k].address.count;
	}
	return NULL;
}

/* Port 0 is another one each time. */
static bool is_chosen_by_kernel(const char *address)
{
	return strcmp(strrchr(address, ':'), ":0") == 0;
}

static void check_addresses(const struct config *c, struct config_errors *errors)
{
	const struct config_listen *at, *other;
	const char *one, *two;

	for (size_t i = 0; (one = address_at(c, i, &at)); i++) {
		for (size_t k = 0; k < i && (two = address_at(c, k, &other)); k++) {
			if (strcmp(one, two) != 0 || is_chosen_by_kernel(one))
				continue;
			if (at)
				config_errors_add(errors, at->at.file, at->at.line,
					"[listen %s] address: duplicate address", at->at.name);
			else
				add_at_key(c, errors, i < c->ssh.listen.count ? "ssh" : "https",
					"listen", "listen: duplicate address");
		}
	}
}

static void check_protocols(const struct config_listen *listen, struct config_errors *errors)
{
	for (size_t i = 0; i < listen->protocols.count; i++) {
		const char *name = listen->protocols.items[i];

		if (strcmp(name, "ssh") != 0 && strcmp(name, "https") != 0 &&
			strcmp(name, "http") != 0)
			config_errors_add(errors, listen->at.file, listen->at.line,
				"[listen %s] protocols: unknown protocol \"%.64s\": write ssh, "
				"https or both; or http",
				listen->at.name, name);
	}
	if (config_listen_has(listen, "http") && listen->protocols.count > 1)
		config_errors_add(errors, listen->at.file, listen->at.line,
			"[listen %s] protocols: http stands alone: give the others a section of "
			"their own",
			listen->at.name);
}

/* Tickets and consoles go over it as they are: nothing that leaves this host. */
static void check_plain(const struct config_listen *listen, struct config_errors *errors)
{
	const bool is_plain = config_listen_has(listen, "http");

	for (size_t i = 0; i < listen->address.count; i++) {
		const struct config_address *a = &listen->address.items[i];

		if (is_plain && !config_address_is_local(&a->sa))
			config_errors_add(errors, listen->at.file, listen->at.line,
				"[listen %s] address: http has no TLS, and other hosts can reach "
				"%s: write unix:/PATH, 127.0.0.1:PORT or [::1]:PORT, or serve "
				"https",
				listen->at.name, a->text);
		if (!is_plain && a->sa.ss_family == AF_UNIX)
			config_errors_add(errors, listen->at.file, listen->at.line,
				"[listen %s] address: a unix socket is for protocols = http alone",
				listen->at.name);
	}
}

static void check_no_unix(const struct config *c, const char *section,
	const struct config_addresses *addresses, struct config_errors *errors)
{
	for (size_t i = 0; i < addresses->count; i++) {
		if (addresses->items[i].sa.ss_family == AF_UNIX)
			add_at_key(c, errors, section, "listen",
				"listen: a unix socket is for a [listen] section with "
				"protocols = http");
	}
}

static void check_listen(const struct config *c, struct config_errors *errors)
{
	if (c->listen_count > CONFIG_LISTENS_MAX) {
		config_errors_add(errors, c->listens[CONFIG_LISTENS_MAX].at.file,
			c->listens[CONFIG_LISTENS_MAX].at.line, "more than %d [listen] sections",
			CONFIG_LISTENS_MAX);
		return;
	}
	check_addresses(c, errors);
	check_no_unix(c, "ssh", &c->ssh.listen, errors);
	check_no_unix(c, "https", &c->https.listen, errors);
	for (size_t i = 0; i < c->listen_count; i++) {
		const struct config_listen *listen = &c->listens[i];

		check_protocols(listen, errors);
		check_plain(listen, errors);
		if (strcmp(listen->at.name, "ssh") == 0 || strcmp(listen->at.name, "https") == 0)
			config_errors_add(errors, listen->at.file, listen->at.line,
				"[listen %s]: sockets of this name are those of [%s]: choose "
				"another name",
				listen->at.name, listen->at.name);
	}
	if (c->ssh.listen.count == 0 && !config_listens_have(c, "ssh"))
		add_at_key(c, errors, "ssh", "listen",
			"listen is empty, and no [listen] section has ssh: one of them must say "
			"where to listen");
}

static void check_https_auth(const struct config *c, const char *key,
	const struct config_list *list, unsigned allowed, struct config_errors *errors)
{
	char text[160];

	for (size_t i = 0; i < list->count; i++) {
		if (https_auth_parse(list->items[i]) & allowed)
			continue;
		snprintf(text, sizeof(text), "%s: \"%.64s\" is none of certificate, %snone", key,
			list->items[i], allowed & HTTPS_AUTH_TICKET ? "ticket, " : "");
		add_at_key(c, errors, "https", key, text);
	}
}

static void check_https(const struct config *c, struct config_errors *errors)
{
	const unsigned rpc = HTTPS_AUTH_CERTIFICATE | HTTPS_AUTH_NONE;
	const unsigned all = rpc | HTTPS_AUTH_TICKET;

	check_https_auth(c, "console_auth", &c->https.console_auth, all, errors);
	check_https_auth(c, "dump_auth", &c->https.dump_auth, all, errors);
	check_https_auth(c, "rpc_auth", &c->https.rpc_auth, rpc, errors);
	if (config_has_https(c) && !(*c->https.certificate && *c->https.key))
		add_at_key(c, errors, "https", "listen",
			"https needs certificate and key in [https]: the server's certificate, "
			"and its key");
}

static void check_upstream_tls(
	const struct config_https *https, const struct config *c, struct config_errors *errors)
{
	if (!*https->upstream_ca)
		add_at_key(c, errors, "https", "upstream",
			"an upstream of https:// needs upstream_ca: the authorities that sign its "
			"certificate");
	if (!*https->upstream_key != !*https->upstream_certificate)
		add_at_key(c, errors, "https", "upstream_key",
			"upstream_key and upstream_certificate belong together: set both or none");
}

static void check_upstream(const struct config *c, struct config_errors *errors)
{
	struct config_upstream upstream;
	char why[UPSTREAM_WHY_MAX];

	if (!*c->https.upstream)
		return;
	if (config_upstream_parse(c->https.upstream, &upstream, why) < 0)
		add_at_key(c, errors, "https", "upstream", why);
	else if (upstream.tls)
		check_upstream_tls(&c->https, c, errors);
	else if (*c->https.upstream_ca || *c->https.upstream_key || *c->https.upstream_certificate)
		add_at_key(c, errors, "https", "upstream",
			"upstream is asked without TLS, and upstream_ca, upstream_certificate or "
			"upstream_key is set: write https://, or take them out");
}

static void check_auth(const struct config *c, struct config_errors *errors)
{
	const struct config_auth *auth = &c->auth;

	if (auth->vdsm_certificates.count && !auth->vdsm_ca.count)
		add_at_key(c, errors, "auth", "vdsm_certificates",
			"vdsm_certificates needs vdsm_ca: the authorities that signed them");
	if (*auth->key_command && *auth->key_command != '/')
		add_at_key(c, errors, "auth", "key_command",
			"key_command: the program must be an absolute path");
	if (*auth->console_command && *auth->console_command != '/')
		add_at_key(c, errors, "auth", "console_command",
			"console_command: the program must be an absolute path");
	if (*auth->console_command && !*auth->key_command)
		add_at_key(c, errors, "auth", "console_command",
			"console_command needs key_command, which says who the entities are");
	if (auth->penalty_max < auth->penalty)
		add_at_key(c, errors, "auth", "penalty_max", "penalty_max is less than penalty");
}

static void check_dump(const struct config *c, struct config_errors *errors)
{
	char text[128];

	if (c->dump.directories.count <= CONFIG_DUMP_DIRECTORIES_MAX)
		return;
	snprintf(text, sizeof(text), "directories: %zu folders, and the most is %d: take some out",
		c->dump.directories.count, CONFIG_DUMP_DIRECTORIES_MAX);
	add_at_key(c, errors, "dump", "directories", text);
}

void config_object_check(const struct config *c, struct config_errors *errors)
{
	check_hypervisors(c, errors);
	check_listen(c, errors);
	check_https(c, errors);
	check_upstream(c, errors);
	check_auth(c, errors);
	check_dump(c, errors);
	if (c->console.linger_max && c->console.linger_max < c->console.linger)
		add_at_key(c, errors, "console", "linger_max", "linger_max is less than linger");
}

uint64_t config_descriptors(const struct config *c)
{
	uint64_t door = DESCRIPTORS_DOOR_OTHER +
			c->ssh.max_connections * (DESCRIPTORS_DOOR + c->ssh.max_channels);
	uint64_t channel = *c->https.upstream ? 2 : 1;
	uint64_t tls = config_upstream_has_tls(c) ? DESCRIPTORS_TLS : 0;
	uint64_t broker =
		CONFIG_DESCRIPTORS_OTHER +
		c->ssh.max_connections * (DESCRIPTORS_BROKER + tls + channel * c->ssh.max_channels);

	return door > broker ? door : broker;
}

int config_check_descriptors(
	const struct config *c, uint64_t hard_limit, struct config_errors *errors)
{
	uint64_t needed = config_descriptors(c);
	const char *file;
	unsigned line;

	if (hard_limit == RLIM_INFINITY || needed <= hard_limit)
		return 0;
	config_place(c, "ssh", "max_connections", &file, &line);
	if (!file)
		config_place(c, "ssh", "max_channels", &file, &line);
	config_errors_add(errors, file, line,
		"max_connections %" PRIu64 " with max_channels %" PRIu64 " may need %" PRIu64
		" descriptors, and the hard limit (ulimit -Hn, LimitNOFILE=) is %" PRIu64
		": lower one of them or raise the limit",
		c->ssh.max_connections, c->ssh.max_channels, needed, hard_limit);
	return -EINVAL;
}
