/*
 * Task: the verb hostkeys: the host's public keys, as lines of known_hosts (sshd(8)) or as SSHFP
 * records (RFC 4255, 6594, 7479). What is public is for everybody who has logged in.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <openssl/sha.h>

#include "auth/ssh/base64.h"
#include "broker/admin/admin.h"
#include "broker/door/host_keys_public.h"
#include "broker/listen/listen_address.h"
#include "broker/login/context.h"
#include "broker/login/login.h"
#include "broker/verb/verb_steps.h"
#include "config/protocols.h"
#include "core/text/hex.h"

#define HOST_MAX 255 /* bytes: RFC 1035, section 2.3.4 */
#define PORT_SSH 22
#define PORTS_MAX ((size_t)CONFIG_LISTEN_MAX * (CONFIG_LISTENS_MAX + 1))

struct hostkeys {
	char *folder;
	char host[HOST_MAX + 1];
	uint16_t ports[PORTS_MAX]; /* once each */
	size_t port_count;
	bool sshfp;
	FILE *out, *err; /* while the step runs */
	char why[HOST_KEYS_WHY_MAX];
};

/* --- one key --- */

/* "[host]:2222,host". A port that nobody knows is left out. */
static void put_patterns(const struct hostkeys *h)
{
	for (size_t i = 0; i < h->port_count; i++) {
		if (i)
			fputc(',', h->out);
		if (h->ports[i] == PORT_SSH)
			fputs(h->host, h->out);
		else
			fprintf(h->out, "[%s]:%u", h->host, h->ports[i]);
	}
	if (h->port_count == 0)
		fputs(h->host, h->out);
}

static void add_known_hosts(const struct hostkeys *h, const struct pubkey *key)
{
	char base64[BASE64_ROOM(PUBKEY_BLOB_MAX)];

	base64_encode(key->blob.at, key->blob.len, base64);
	put_patterns(h);
	fprintf(h->out, " %s %s\n", pubkey_type_name(key->type), base64);
}

/* The algorithm's number; 0: it has none. */
static int sshfp_algorithm(enum pubkey_type type)
{
	switch (type) {
	case PUBKEY_RSA:
		return 1;
	case PUBKEY_ECDSA_P256:
	case PUBKEY_ECDSA_P384:
	case PUBKEY_ECDSA_P521:
		return 3;
	case PUBKEY_ED25519:
		return 4;
	case PUBKEY_SK_ECDSA:
	case PUBKEY_SK_ED25519:
		break;
	}
	return 0;
}

static void add_sshfp(const struct hostkeys *h, const struct pubkey *key)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	char text[2 * sizeof(digest) + 1];
	int algorithm = sshfp_algorithm(key->type);

	if (!algorithm)
		return;
	SHA256(key->blob.at, key->blob.len, digest);
	hex_text(digest, sizeof(digest), text);
	fprintf(h->out, "%s IN SSHFP %d 2 %s\n", h->host, algorithm, text);
}

static void add_key(void *arg, const struct pubkey *key)
{
	const struct hostkeys *h = arg;

	if (h->sshfp)
		add_sshfp(h, key);
	else
		add_known_hosts(h, key);
}

static void add_missing(void *arg, const char *why)
{
	const struct hostkeys *h = arg;

	fprintf(h->err, "%s\n", why);
}

/* --- the answer --- */

static int step(void *source, struct verb_piece *piece)
{
	struct hostkeys *h = source;
	int r = verb_piece_open(piece, &h->out, &h->err);

	if (!r)
		r = host_keys_public(h->folder, add_key, add_missing, h, h->why);
	return verb_piece_close(&h->out, &h->err, r);
}

static void finish(void *source, struct channel *channel, int result)
{
	const struct hostkeys *h = source;

	if (result < 0)
		channel_exit(channel, STATUS_UNAVAILABLE, "%s", *h->why ? h->why : "no memory");
	else
		channel_exit(channel, STATUS_OK, NULL);
}

static void destroy(void *source)
{
	struct hostkeys *h = source;

	free(h->folder);
	free(h);
}

static const struct verb_steps_ops steps_ops = {step, finish, destroy};

/* --- the host's names --- */

static void add_port(struct hostkeys *h, uint16_t port)
{
	for (size_t i = 0; i < h->port_count; i++) {
		if (h->ports[i] == port)
			return;
	}
	if (port && h->port_count < PORTS_MAX)
		h->ports[h->port_count++] = port;
}

static void add_ports(struct hostkeys *h, const struct config_addresses *addresses)
{
	for (size_t i = 0; i < addresses->count; i++)
		add_port(h, listen_address_port(&addresses->items[i].sa));
}

static void add_all_ports(struct hostkeys *h, const struct config *config)
{
	add_ports(h, &config->ssh.listen);
	for (size_t i = 0; i < config->listen_count; i++) {
		if (config_listen_has(&config->listens[i], "ssh"))
			add_ports(h, &config->listens[i].address);
	}
}

/* As it stands in known_hosts and in a zone: no blank, comma, pattern or mark. */
static bool is_host(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.-_:";

	return *name && strlen(name) <= HOST_MAX && name[strspn(name, allowed)] == '\0';
}

struct hostkeys_arguments {
	const char *host;
	bool sshfp;
};

static void run(struct verb_call *call, const void *options)
{
	const struct hostkeys_arguments *arguments = options;
	const struct config *config = login_context(call->login)->config;
	struct utsname system;
	const char *host = arguments->host       ? arguments->host
			   : uname(&system) == 0 ? system.nodename
						 : "";
	struct hostkeys *h;

	if (!is_host(host)) {
		channel_exit(call->channel, STATUS_USAGE,
			"hostkeys: %s is no host's name or address: give one with --host",
			*host ? host : "this");
		return;
	}
	h = calloc(1, sizeof(*h));
	if (!h || !(h->folder = strdup(config->ssh.host_keys))) {
		free(h);
		channel_exit(call->channel, STATUS_INTERNAL, "hostkeys: no memory");
		return;
	}
	snprintf(h->host, sizeof(h->host), "%s", host);
	h->sshfp = arguments->sshfp;
	add_all_ports(h, config);
	verb_steps_begin(call, &steps_ops, h);
}

#define FIELD(name) offsetof(struct hostkeys_arguments, name)

static const struct verb_option hostkeys_options[] = {
	{"host", OPTION_TEXT, FIELD(host), "NAME",
		.help = "what clients call the host; else its own name"},
	{"sshfp", OPTION_FLAG, FIELD(sshfp), .help = "as records for its zone in DNS"},
};

const struct verb verb_hostkeys = {.name = "hostkeys",
	.example = "--host host.example >>~/.ssh/known_hosts",
	.scope = VERB_HOST,
	.usage = "hostkeys [--host NAME] [--sshfp]",
	.summary = "the host's public keys, as lines of known_hosts",
	VERB_OPTIONS(hostkeys_options, struct hostkeys_arguments),
	.run = run};
