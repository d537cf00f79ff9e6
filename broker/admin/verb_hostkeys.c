/*
 * Task: the verb hostkeys: the host's public keys, as lines of known_hosts (sshd(8)) or as SSHFP
 * records (RFC 4255, 6594, 7479). What is public is for everybody who has logged in.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <openssl/sha.h>

#include "auth/ssh/base64.h"
#include "broker/admin/admin.h"
#include "broker/door/host_keys_public.h"
#include "broker/login/context.h"
#include "broker/login/login.h"
#include "broker/verb/verb_steps.h"
#include "config/protocols.h"
#include "core/buf.h"

#define HOST_MAX 255 /* bytes: RFC 1035, section 2.3.4 */
#define PORT_SSH 22
#define OUTPUT_MAX ((size_t)256 << 10)
#define PATTERNS_MAX ((HOST_MAX + 16) * (CONFIG_LISTEN_MAX + 1))

struct hostkeys {
	char *folder;
	char host[HOST_MAX + 1];
	char patterns[PATTERNS_MAX]; /* "[host]:2222,host" */
	bool sshfp;
	struct buf out, err;
	bool failed; /* no memory */
	char why[HOST_KEYS_WHY_MAX];
};

/* --- one key --- */

static void say(struct hostkeys *h, struct buf *to, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void say(struct hostkeys *h, struct buf *to, const char *format, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0) {
		h->failed = true;
		return;
	}
	h->failed |= buf_add(to, text, (size_t)n) < 0;
	free(text);
}

static void add_known_hosts(struct hostkeys *h, const struct pubkey *key)
{
	char base64[BASE64_ROOM(PUBKEY_BLOB_MAX)];

	base64_encode(key->blob.at, key->blob.len, base64);
	say(h, &h->out, "%s %s %s\n", h->patterns, pubkey_type_name(key->type), base64);
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

static void add_sshfp(struct hostkeys *h, const struct pubkey *key)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	char hex[2 * SHA256_DIGEST_LENGTH + 1];
	int algorithm = sshfp_algorithm(key->type);

	if (!algorithm)
		return;
	SHA256(key->blob.at, key->blob.len, digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	say(h, &h->out, "%s IN SSHFP %d 2 %s\n", h->host, algorithm, hex);
}

static void add_key(void *arg, const struct pubkey *key)
{
	struct hostkeys *h = arg;

	if (h->sshfp)
		add_sshfp(h, key);
	else
		add_known_hosts(h, key);
}

static void add_missing(void *arg, const char *why)
{
	struct hostkeys *h = arg;

	say(h, &h->err, "%s\n", why);
}

/* --- the answer --- */

static int give(struct buf *from, char **text, size_t *len)
{
	*len = buf_len(from);
	*text = malloc(*len + 1);
	if (!*text)
		return -ENOMEM;
	if (*len)
		memcpy(*text, buf_data(from), *len);
	(*text)[*len] = '\0';
	return 0;
}

static int step(void *source, struct verb_piece *piece)
{
	struct hostkeys *h = source;
	int r = host_keys_public(h->folder, add_key, add_missing, h, h->why);

	if (r < 0)
		return r;
	if (h->failed || give(&h->out, &piece->out, &piece->out_len) < 0 ||
		give(&h->err, &piece->err, &piece->err_len) < 0) {
		snprintf(h->why, sizeof(h->why), "no memory");
		return -ENOMEM;
	}
	return 0;
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

	buf_finish(&h->out);
	buf_finish(&h->err);
	free(h->folder);
	free(h);
}

static const struct verb_steps_ops steps_ops = {step, finish, destroy};

/* --- the host's names --- */

static unsigned port_of(const struct config_address *address)
{
	if (address->sa.ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)&address->sa)->sin6_port);
	return ntohs(((const struct sockaddr_in *)&address->sa)->sin_port);
}

/* Once each; port 0 is one that nobody knows. */
static void add_port(struct hostkeys *h, unsigned port)
{
	char pattern[HOST_MAX + 16], *at;
	size_t len, used = strlen(h->patterns);

	snprintf(pattern, sizeof(pattern), port == PORT_SSH ? "%s" : "[%s]:%u", h->host, port);
	len = strlen(pattern);
	for (at = h->patterns; (at = strstr(at, pattern)); at += len) {
		if ((at == h->patterns || at[-1] == ',') && (at[len] == ',' || !at[len]))
			return;
	}
	if (port && used + len + 2 <= sizeof(h->patterns))
		snprintf(h->patterns + used, sizeof(h->patterns) - used, "%s%s", used ? "," : "",
			pattern);
}

static void add_ports(struct hostkeys *h, const struct config_addresses *addresses)
{
	for (size_t i = 0; i < addresses->count; i++)
		add_port(h, port_of(&addresses->items[i]));
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

struct hostkeys_words {
	const char *host;
	bool sshfp;
};

static void run(struct verb_call *call, const void *options)
{
	const struct hostkeys_words *words = options;
	const struct config *config = login_context(call->login)->config;
	struct utsname system;
	const char *host = words->host ? words->host : uname(&system) == 0 ? system.nodename : "";
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
	h->sshfp = words->sshfp;
	buf_init(&h->out, OUTPUT_MAX);
	buf_init(&h->err, OUTPUT_MAX);
	add_all_ports(h, config);
	if (!*h->patterns)
		snprintf(h->patterns, sizeof(h->patterns), "%s", host);
	verb_steps_begin(call, &steps_ops, h);
}

#define FIELD(name) offsetof(struct hostkeys_words, name)

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
	VERB_OPTIONS(hostkeys_options, struct hostkeys_words),
	.run = run};
